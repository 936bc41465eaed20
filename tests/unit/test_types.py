"""The value types of CWMP: what is taken, how it is spelt, and with which fault it is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from henbd.cwmp.writer import escape
from henbd.errors import FaultCode, InvalidValueError
from henbd.model.schema import Base, Type
from henbd.model.types import BOUNDS, UNKNOWN_TIME, canonical, first
from tests.unit.settings import QUICK

BOOLEAN = Type(Base.BOOLEAN)
UNSIGNED = Type(Base.UNSIGNED_INT)
TIME = Type(Base.DATE_TIME)
PORT = Type(Base.UNSIGNED_INT, ranges=((1, 65535),))
LEVEL = Type(Base.INT, ranges=((-60, -10),))
MODE = Type(Base.STRING, enumeration=("One", "All"))
OUI = Type(Base.STRING, size=(6, 6), patterns=("[0-9A-F]{6}",))
ADDRESS = Type(Base.STRING, patterns=("", r"\d+\.\d+"))
SHORT = Type(Base.STRING, size=(0, 4))
HEX = Type(Base.HEX_BINARY, size=(0, 2))
BINARY = Type(Base.BASE64, size=(0, 3))
HOSTS = Type(Base.STRING, is_list=True, list_size=9, items=(1, 3))
MODES = Type(Base.STRING, is_list=True, enumeration=("One", "All"))
NUMBERS = Type(Base.UNSIGNED_INT, is_list=True, ranges=((None, 9),))

ANY_TYPE = [Type(base) for base in Base]


@pytest.mark.parametrize(
    ("kind", "text", "spelt"),
    [
        (BOOLEAN, "1", "true"),
        (BOOLEAN, "0", "false"),
        (BOOLEAN, "true", "true"),
        (BOOLEAN, " false\n", "false"),
        (BOOLEAN, "True", "true"),
        (UNSIGNED, "0", "0"),
        (UNSIGNED, "007", "7"),
        (UNSIGNED, "+5", "5"),
        (UNSIGNED, "-0", "0"),
        (UNSIGNED, "\t36412 ", "36412"),
        (UNSIGNED, "4294967295", "4294967295"),
        (Type(Base.INT), "-2147483648", "-2147483648"),
        (Type(Base.INT), "2147483647", "2147483647"),
        (Type(Base.LONG), "9223372036854775807", "9223372036854775807"),
        (Type(Base.LONG), "-9223372036854775808", "-9223372036854775808"),
        (Type(Base.UNSIGNED_LONG), "18446744073709551615", "18446744073709551615"),
        (PORT, "1", "1"),
        (PORT, "65535", "65535"),
        (LEVEL, "-60", "-60"),
        (MODE, "One", "One"),
        (OUI, "00256D", "00256D"),
        (ADDRESS, "", ""),
        (ADDRESS, "10.1", "10.1"),
        (SHORT, " a\n ", " a\n "),
        (SHORT, "été!", "été!"),
        (SHORT, "\U0001f600" * 4, "\U0001f600" * 4),
        (HEX, "", ""),
        (HEX, " abCD ", "ABCD"),
        (BINARY, "YWJj", "YWJj"),
        (BINARY, "YW\r\n Jj", "YWJj"),
        (HOSTS, "a", "a"),
        (HOSTS, " a ,b, c ", "a,b,c"),
        (HOSTS, "mme1,mme2", "mme1,mme2"),
        (MODES, "", ""),
        (MODES, "All,One", "All,One"),
        (NUMBERS, "01, 2", "1,2"),
        (TIME, "2026-02-03T04:05:06Z", "2026-02-03T04:05:06Z"),
        (TIME, "2026-02-03T04:05:06", "2026-02-03T04:05:06Z"),
        (TIME, " 2026-02-03T04:05:06.789Z ", "2026-02-03T04:05:06Z"),
        (TIME, "2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00Z"),
        (TIME, "2025-12-31T23:30:00-01:00", "2026-01-01T00:30:00Z"),
        (TIME, "0099-01-01T00:00:00Z", "0099-01-01T00:00:00Z"),
        (TIME, UNKNOWN_TIME, UNKNOWN_TIME),
        (TIME, "0001-01-01T00:00:00", UNKNOWN_TIME),
    ],
)
def test_value_has_one_spelling(kind: Type, text: str, spelt: str) -> None:
    assert canonical(kind, text) == spelt


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (BOOLEAN, ""),
        (BOOLEAN, "2"),
        (BOOLEAN, "yes"),
        (BOOLEAN, "true false"),
        (UNSIGNED, ""),
        (UNSIGNED, "1.0"),
        (UNSIGNED, "1e3"),
        (UNSIGNED, "0x10"),
        (UNSIGNED, "1_000"),
        (UNSIGNED, "1 2"),
        (UNSIGNED, "٣"),
        (UNSIGNED, "--1"),
        (HEX, "abc"),
        (HEX, "ab cd"),
        (HEX, "GG"),
        (HEX, "ａｂ"),
        (BINARY, "YWJ"),
        (BINARY, "YW-j"),
        (BINARY, "é"),
        (BINARY, "===="),
        (NUMBERS, "1,,2"),
        (NUMBERS, "1,x"),
        (TIME, ""),
        (TIME, "2026-01-01"),
        (TIME, "2026-1-1T00:00:00Z"),
        (TIME, "2026-02-30T00:00:00Z"),
        (TIME, "2026-01-01T25:00:00Z"),
        (TIME, "2026-01-01T00:00:00+24:00"),
        (TIME, "0000-01-01T00:00:00Z"),
        (TIME, "20260101T000000Z"),
        (TIME, "２０２６-01-01T00:00:00Z"),
        (TIME, "2026-01-01T00:00:00 Z"),
    ],
)
def test_text_that_is_no_value_of_its_type_is_9006(kind: Type, text: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        canonical(kind, text)
    assert refused.value.code == FaultCode.INVALID_TYPE


@pytest.mark.parametrize(
    "text", ["0001-01-01T99:99:99Z", "0001-01-01T24:00:01Z", "2026-01-01T00:00:00+14:60"]
)
def test_time_of_no_day_is_9006(text: str) -> None:
    """No more so in the year that stands for the Unknown Time, nor in the zone."""
    with pytest.raises(InvalidValueError) as refused:
        canonical(TIME, text)
    assert refused.value.code == FaultCode.INVALID_TYPE


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (UNSIGNED, "-1"),
        (UNSIGNED, "4294967296"),
        (Type(Base.INT), "2147483648"),
        (Type(Base.INT), "-2147483649"),
        (Type(Base.LONG), "9223372036854775808"),
        (Type(Base.LONG), "-9223372036854775809"),
        (Type(Base.UNSIGNED_LONG), "18446744073709551616"),
        (Type(Base.UNSIGNED_LONG), "-1"),
        (PORT, "0"),
        (PORT, "65536"),
        (LEVEL, "-61"),
        (LEVEL, "-9"),
        (MODE, "one"),
        (MODE, ""),
        (MODE, " One"),
        (OUI, "00256d"),
        (OUI, "00256D0"),
        (ADDRESS, "10.1\n"),
        (ADDRESS, "x10.1"),
        (SHORT, "abcde"),
        (SHORT, "\U0001f600" * 5),
        (SHORT, "caf\udce9"),
        (HOSTS, "a,\x00"),
        (HEX, "ABCDEF"),
        (BINARY, "YWJjZA=="),
        (HOSTS, ""),
        (HOSTS, "  "),
        (HOSTS, "mme1,mme23"),
        (MODES, "One,one"),
        (MODES, "One,"),
        (NUMBERS, "1,10"),
    ],
)
def test_value_outside_of_what_the_row_allows_is_9007(kind: Type, text: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        canonical(kind, text)
    assert refused.value.code == FaultCode.INVALID_VALUE


@pytest.mark.parametrize("digits", [20, 21, 100, 10_000])
def test_number_of_any_length_is_out_of_range_and_no_crash(digits: int) -> None:
    with pytest.raises(InvalidValueError) as refused:
        canonical(UNSIGNED, "9" * digits)
    assert refused.value.code == FaultCode.INVALID_VALUE


def test_text_has_just_the_characters_that_an_envelope_can_carry() -> None:
    """The others would be told as U+FFFD, and have no bytes in HTTP's credentials."""
    kind = Type(Base.STRING)
    for character in map(chr, (*range(0x100), *range(0xD7F0, 0xE010), *range(0xFFF0, 0x10010))):
        carried = character == "\ufffd" or "\ufffd" not in escape(character)
        try:
            taken = canonical(kind, character) == character
        except InvalidValueError:
            taken = False
        assert taken == carried, hex(ord(character))


def test_list_size_bounds_the_list_and_not_its_items() -> None:
    kind = Type(Base.STRING, size=(0, 3), is_list=True, list_size=5)
    assert canonical(kind, "abc, d") == "abc,d"
    for text in ("abc,de", "abcd"):
        with pytest.raises(InvalidValueError):
            canonical(kind, text)


def test_refusal_says_what_is_wrong_in_words() -> None:
    with pytest.raises(InvalidValueError, match="65536 is not within 1 to 65535"):
        canonical(PORT, "65536")
    with pytest.raises(InvalidValueError, match="length 5 is not within 0 to 4"):
        canonical(SHORT, "abcde")
    with pytest.raises(InvalidValueError, match="'one' is none of 'One', 'All'"):
        canonical(MODE, "one")


@QUICK
@given(kind=st.sampled_from(ANY_TYPE), text=st.text(max_size=30))
def test_any_text_is_spelt_or_refused(kind: Type, text: str) -> None:
    try:
        spelt = canonical(kind, text)
    except InvalidValueError:
        return
    assert canonical(kind, spelt) == spelt


@QUICK
@given(kind=st.sampled_from([Type(base) for base in BOUNDS]), number=st.integers())
def test_number_is_taken_exactly_within_its_bounds(kind: Type, number: int) -> None:
    least, most = BOUNDS[kind.base]
    if least <= number <= most:
        assert canonical(kind, str(number)) == str(number)
    else:
        with pytest.raises(InvalidValueError):
            canonical(kind, str(number))


@QUICK
@given(
    st.builds(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}".format,
        st.integers(1, 9999),
        st.integers(1, 12),
        st.integers(1, 31),
        st.integers(0, 23),
        st.integers(0, 59),
        st.integers(0, 59),
        st.sampled_from(["", "Z", ".5Z", "+00:00", "-12:00", "+14:00"]),
    )
)
def test_time_is_spelt_once_for_all(text: str) -> None:
    try:
        spelt = canonical(TIME, text)
    except InvalidValueError:
        return
    assert len(spelt) == len(UNKNOWN_TIME)
    assert canonical(TIME, spelt) == spelt


def test_first_day_of_all_is_one_spelling_too() -> None:
    spelt = canonical(TIME, "0001-01-02T00:30:00+23:00")
    assert canonical(TIME, spelt) == spelt


GAPS = Type(Base.INT, ranges=((-8, -6), (0, 0), (6, None)))


def test_number_lies_in_one_of_its_ranges() -> None:
    for text in ("-8", "-6", "0", "6", "99"):
        assert canonical(GAPS, text) == text
    for text in ("-9", "-5", "-1", "1", "5"):
        with pytest.raises(InvalidValueError, match="-8 to -6, 0, 6 to 2147483647") as refused:
            canonical(GAPS, text)
        assert refused.value.code == FaultCode.INVALID_VALUE


def test_list_has_as_many_entries_as_it_may() -> None:
    assert canonical(Type(Base.STRING, is_list=True, items=(0, 2)), "a,b") == "a,b"
    with pytest.raises(InvalidValueError, match="a list of 0 to 2 entries is wanted"):
        canonical(Type(Base.STRING, is_list=True, items=(0, 2)), "a,b,c")


def test_plainest_value_is_legal() -> None:
    plain = {
        Type(Base.BOOLEAN): "false",
        Type(Base.STRING): "",
        Type(Base.STRING, enumeration=("b", "a")): "b",
        Type(Base.STRING, enumeration=("b", "a"), is_list=True): "",
        Type(Base.DATE_TIME): "0001-01-01T00:00:00Z",
        Type(Base.UNSIGNED_INT): "0",
        Type(Base.INT, ranges=((3, 7), (1, 2))): "1",
        Type(Base.INT, ranges=((-7, -3), (6, None))): "-3",
        Type(Base.INT, ranges=((-7, 3),)): "0",
        Type(Base.UNSIGNED_INT, ranges=((None, 3),)): "0",
        Type(Base.HEX_BINARY): "",
    }
    assert {kind: first(kind) for kind in plain} == plain
    assert {kind: canonical(kind, text) for kind, text in plain.items()} == plain
