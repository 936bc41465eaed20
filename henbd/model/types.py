"""CWMP value types: text from the wire in, canonical text out (TR-106 3.2, XML Schema part 2).

The type of the model decides, never the xsi:type on the wire.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime

from henbd.errors import FaultCode, InvalidValueError
from henbd.model.schema import Base, Range, Type

# TR-106 3.2.1: a time that is not known.
UNKNOWN_TIME = "0001-01-01T00:00:00Z"

# A clock that is not set reads as 1970 (henbd.clock): this program is younger than that.
CLOCK_IS_SET = datetime(2026, 1, 1, tzinfo=UTC)

BOUNDS = {
    Base.INT: (-(2**31), 2**31 - 1),
    Base.UNSIGNED_INT: (0, 2**32 - 1),
    Base.LONG: (-(2**63), 2**63 - 1),
    Base.UNSIGNED_LONG: (0, 2**64 - 1),
}

# An unsignedLong has 20 digits, and a sign may stand before them.
MOST_DIGITS = 21

# What no HeMS could be told: XML 1.0 has no such characters, by any means (section 2.2). They come
# in at the box, as JSON or from a terminal that does not speak UTF-8.
NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

DATE_TIME = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)T(?P<time>\d\d:\d\d:\d\d)(?P<fraction>\.\d+)?"
    r"(?P<zone>Z|[+-]\d\d:[0-5]\d)?"
)


def date_time(wall: datetime) -> str:
    """Return a moment as a dateTime in UTC, or the Unknown Time where the clock is not set."""
    return UNKNOWN_TIME if wall < CLOCK_IS_SET else wall.strftime("%Y-%m-%dT%H:%M:%SZ")


def canonical(kind: Type, text: str) -> str:
    """Return the one spelling of a value of this type.

    Raises InvalidValueError: 9006 where the text is no value of the base type, 9007 where it is,
    but outside of what the row allows.
    """
    if not kind.is_list:
        return _item(kind, text)
    items = [_item(kind, item.strip()) for item in text.split(",")] if text.strip() else []
    least, most = kind.items
    if len(items) < least or (most is not None and len(items) > most):
        raise InvalidValueError(
            FaultCode.INVALID_VALUE, f"a list of {_span((least, most))} entries is wanted"
        )
    joined = ",".join(items)
    if kind.list_size is not None and len(joined) > kind.list_size:
        raise InvalidValueError(
            FaultCode.INVALID_VALUE,
            f"{len(joined)} characters, at most {kind.list_size} are allowed",
        )
    return joined


def _item(kind: Type, text: str) -> str:
    value = SPELLINGS[kind.base](text)
    if kind.base in BOUNDS:
        _check_number(kind, int(value))
        return value
    length = _length(kind.base, value)
    if kind.size and not kind.size[0] <= length <= kind.size[1]:
        raise InvalidValueError(
            FaultCode.INVALID_VALUE,
            f"length {length} is not within {kind.size[0]} to {kind.size[1]}",
        )
    if kind.enumeration and value not in kind.enumeration:
        raise InvalidValueError(
            FaultCode.INVALID_VALUE, f"{value!r} is none of {_words(kind.enumeration)}"
        )
    if kind.patterns and not any(re.fullmatch(p, value) for p in kind.patterns):
        raise InvalidValueError(
            FaultCode.INVALID_VALUE, f"{value!r} does not have the form that is wanted"
        )
    return value


def _check_number(kind: Type, number: int) -> None:
    lowest, highest = BOUNDS[kind.base]
    for span in (BOUNDS[kind.base],), kind.ranges:
        if span and not any(_within(number, each) for each in span):
            # One side may be left open to the bounds of the type.
            closed = (
                (lowest if least is None else least, highest if most is None else most)
                for least, most in span
            )
            wanted = ", ".join(map(_span, closed))
            raise InvalidValueError(FaultCode.INVALID_VALUE, f"{number} is not within {wanted}")


def _within(number: int, span: Range) -> bool:
    least, most = span
    return (least is None or least <= number) and (most is None or number <= most)


def _span(span: Range) -> str:
    least, most = span
    if least is None or most is None:
        return f"at most {most}" if least is None else f"at least {least}"
    return str(least) if least == most else f"{least} to {most}"


def first(kind: Type) -> str:
    """Return the plainest value of a type: empty, false, the number nearest to 0, the first word.

    Empty as well where a list must not be: nobody has set it yet.
    """
    if kind.is_list:
        return ""
    if kind.base in BOUNDS:
        return str(min((_nearest(span) for span in kind.ranges), key=abs, default=0))
    if kind.base is Base.DATE_TIME:
        return UNKNOWN_TIME
    if kind.base is Base.BOOLEAN:
        return "false"
    return kind.enumeration[0] if kind.enumeration else ""


def _nearest(span: Range) -> int:
    least, most = span
    if least is not None and least > 0:
        return least
    return most if most is not None and most < 0 else 0


def _words(choices: tuple[str, ...]) -> str:
    return ", ".join(repr(choice) for choice in choices)


def _length(base: Base, value: str) -> int:
    if base is Base.HEX_BINARY:
        return len(value) // 2
    if base is Base.BASE64:
        return len(base64.b64decode(value))
    return len(value)


def _boolean(text: str) -> str:
    word = text.strip().lower()
    if word in ("1", "true"):
        return "true"
    if word in ("0", "false"):
        return "false"
    raise InvalidValueError(FaultCode.INVALID_TYPE, f"{text!r} is no boolean")


def _number(text: str) -> str:
    digits = text.strip()
    if not re.fullmatch(r"[+-]?[0-9]+", digits):
        raise InvalidValueError(FaultCode.INVALID_TYPE, f"{text!r} is no whole number")
    if len(digits) > MOST_DIGITS:
        raise InvalidValueError(
            FaultCode.INVALID_VALUE, f"a number of {len(digits)} digits is in no range"
        )
    return str(int(digits))


def _string(text: str) -> str:
    found = NO_XML.search(text)
    if found:
        raise InvalidValueError(
            FaultCode.INVALID_VALUE, f"the character U+{ord(found[0]):04X} is none of XML"
        )
    return text


def _date_time(text: str) -> str:
    """Spell a time in UTC, without fractions; one without a zone is taken for UTC (TR-106)."""
    match = DATE_TIME.fullmatch(text.strip())
    if not match:
        raise InvalidValueError(FaultCode.INVALID_TYPE, f"{text!r} is no dateTime")
    zone = (match["zone"] or "Z").replace("Z", "+00:00")
    try:
        moment = datetime.fromisoformat(f"{match['date']}T{match['time']}{zone}")
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
    except (ValueError, OverflowError) as error:
        raise InvalidValueError(
            FaultCode.INVALID_TYPE, f"{text!r} is no dateTime: {error}"
        ) from error


def _base64(text: str) -> str:
    try:
        return base64.b64encode(base64.b64decode("".join(text.split()), validate=True)).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidValueError(FaultCode.INVALID_TYPE, f"no base64: {error}") from error


def _hex_binary(text: str) -> str:
    if not re.fullmatch(r"([0-9A-Fa-f]{2})*", text.strip()):
        raise InvalidValueError(FaultCode.INVALID_TYPE, f"{text!r} is no hexBinary")
    return text.strip().upper()


SPELLINGS: dict[Base, Callable[[str], str]] = {
    Base.BOOLEAN: _boolean,
    Base.INT: _number,
    Base.UNSIGNED_INT: _number,
    Base.LONG: _number,
    Base.UNSIGNED_LONG: _number,
    Base.STRING: _string,
    Base.DATE_TIME: _date_time,
    Base.BASE64: _base64,
    Base.HEX_BINARY: _hex_binary,
}
