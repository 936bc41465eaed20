"""The S1AP codec of the lab: against vectors, against a full ASN.1 compiler, against garbage."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lab import s1ap
from tests.lab.s1ap import aper, elements
from tests.lab.s1ap.causes import CAUSES

# Made by pycrate 0.8.1, and found well-formed by Wireshark.
VECTORS: dict[str, tuple[str, s1ap.Message]] = {
    "S1SetupRequest": (
        (
            "00110040000005003b00090000f1104001234560003c400e058068656e622d303132333435360040"
            "00070000004000f11000894001400080000a010000015780ffffffe0"
        ),
        s1ap.S1SetupRequest(
            s1ap.GlobalEnbId("00101", 0x0123456),
            (s1ap.SupportedTa(1, ("00101",)),),
            128,
            "henb-0123456",
            (0xABC, 0x7FFFFFF),
        ),
    ),
    "S1SetupResponse": (
        "20110022000003003d400702006d6d652d310069000b000000f11000000002000100574001ff",
        s1ap.S1SetupResponse((s1ap.ServedGummei(("00101",), (2,), (1,)),), 255, "mme-1"),
    ),
    "S1SetupFailure": (
        "4011000d00000200024001450041400130",
        s1ap.S1SetupFailure(s1ap.Cause("misc", "unknown-PLMN"), 10),
    ),
    "ENBConfigurationUpdate": (
        (
            "001d002a000003003c400a038068656e622d6e6577004000070000004000f1100080000a01000001"
            "5780ffffffe0"
        ),
        s1ap.EnbConfigurationUpdate(
            "henb-new", (s1ap.SupportedTa(1, ("00101",)),), (0xABC, 0x7FFFFFF)
        ),
    ),
    "ENBConfigurationUpdateAcknowledge": (
        "201d0003000000",
        s1ap.EnbConfigurationUpdateAcknowledge(),
    ),
    "Reset": (
        "000e000d0000020002400143005c000100",
        s1ap.Reset(s1ap.Cause("misc", "om-intervention")),
    ),
    "ResetAcknowledge": ("200e0003000000", s1ap.ResetAcknowledge()),
    "ErrorIndication": (
        "000f40080000010002400130",
        s1ap.ErrorIndication(cause=s1ap.Cause("protocol", "transfer-syntax-error")),
    ),
}
REQUEST = bytes.fromhex(VECTORS["S1SetupRequest"][0])

PLMNS = st.from_regex(r"[0-9]{5,6}", fullmatch=True)
NAMES = st.text("ABCxyz019 '()+,-./:=?", min_size=1, max_size=150)
PLMN_LISTS = st.lists(PLMNS, min_size=1, max_size=6).map(tuple)
TAS = st.lists(
    st.builds(s1ap.SupportedTa, st.integers(0, 0xFFFF), PLMN_LISTS), min_size=1, max_size=5
).map(tuple)
CSG_IDS = st.lists(st.integers(0, (1 << 27) - 1), max_size=256).map(tuple)
ENB_IDS = st.one_of(
    st.builds(s1ap.GlobalEnbId, PLMNS, st.integers(0, (1 << 28) - 1)),
    st.builds(s1ap.GlobalEnbId, PLMNS, st.integers(0, (1 << 20) - 1), st.just(s1ap.EnbKind.MACRO)),
)
PAGING = st.sampled_from([32, 64, 128, 256])
CAUSE = st.sampled_from(
    [s1ap.Cause(g, name) for g, (root, more) in CAUSES.items() for name in root + more]
)
WAITS = st.sampled_from([None, 1, 2, 5, 10, 20, 60])
MME_UE_IDS = st.none() | st.integers(0, (1 << 32) - 1)
ENB_UE_IDS = st.none() | st.integers(0, (1 << 24) - 1)
CONNECTIONS = st.lists(st.builds(s1ap.UeConnection, MME_UE_IDS, ENB_UE_IDS), max_size=256).map(
    tuple
)
GUMMEIS = st.builds(
    s1ap.ServedGummei,
    st.lists(PLMNS, min_size=1, max_size=32).map(tuple),
    st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=300).map(tuple),
    st.lists(st.integers(0, 0xFF), min_size=1, max_size=256).map(tuple),
)
MESSAGES: st.SearchStrategy[s1ap.Message] = st.one_of(
    st.builds(s1ap.S1SetupRequest, ENB_IDS, TAS, PAGING, st.none() | NAMES, CSG_IDS),
    st.builds(
        s1ap.S1SetupResponse,
        st.lists(GUMMEIS, min_size=1, max_size=8).map(tuple),
        st.integers(0, 255),
        st.none() | NAMES,
    ),
    st.builds(s1ap.S1SetupFailure, CAUSE, WAITS),
    st.builds(
        s1ap.EnbConfigurationUpdate,
        st.none() | NAMES,
        st.just(()) | TAS,
        CSG_IDS,
        st.none() | PAGING,
    ),
    st.just(s1ap.EnbConfigurationUpdateAcknowledge()),
    st.builds(s1ap.EnbConfigurationUpdateFailure, CAUSE, WAITS),
    st.builds(s1ap.Reset, CAUSE, CONNECTIONS),
    st.builds(s1ap.ResetAcknowledge, CONNECTIONS),
    st.builds(s1ap.ErrorIndication, MME_UE_IDS, ENB_UE_IDS, st.none() | CAUSE),
)


@pytest.fixture(scope="module")
def compiler() -> Any:
    """S1AP-PDU as a full ASN.1 compiler has it; it takes a second to load."""
    from pycrate_asn1dir import S1AP  # type: ignore[import-untyped]

    return S1AP


@pytest.mark.parametrize("name", VECTORS)
def test_vectors_are_met_to_the_bit(name: str) -> None:
    expected, message = VECTORS[name]
    assert s1ap.encode(message).hex() == expected
    assert s1ap.decode(bytes.fromhex(expected)) == message


@settings(max_examples=30, deadline=None)
@given(message=MESSAGES)
def test_a_full_compiler_agrees(compiler: Any, message: s1ap.Message) -> None:
    encoded = s1ap.encode(message)
    assert s1ap.decode(encoded) == message
    pdu = compiler.S1AP_PDU_Descriptions.S1AP_PDU
    pdu.from_aper(encoded)
    assert pdu.to_aper() == encoded


def test_the_causes_are_those_of_the_standard(compiler: Any) -> None:
    for group, (root, additions) in CAUSES.items():
        standard = getattr(compiler.S1AP_IEs, f"Cause{group[0].upper()}{group[1:]}")
        # There is no public way to ask.
        assert list(standard._ext or []) == list(additions)  # noqa: SLF001
        assert list(standard._cont) == [*root, *additions]  # noqa: SLF001


def test_what_a_compiler_makes_is_understood(compiler: Any) -> None:
    """Elements that we do not know, of a later release, are passed over."""
    value = (
        "successfulOutcome",
        {
            "procedureCode": 17,
            "criticality": "reject",
            "value": (
                "S1SetupResponse",
                {
                    "protocolIEs": [
                        {
                            "id": 105,
                            "criticality": "reject",
                            "value": (
                                "ServedGUMMEIs",
                                [
                                    {
                                        "servedPLMNs": [bytes.fromhex("00f110")],
                                        "servedGroupIDs": [b"\x00\x02"],
                                        "servedMMECs": [b"\x01"],
                                    }
                                ],
                            ),
                        },
                        {
                            "id": 87,
                            "criticality": "ignore",
                            "value": ("RelativeMMECapacity", 7),
                        },
                        {
                            "id": 163,
                            "criticality": "ignore",
                            "value": ("MMERelaySupportIndicator", "true"),
                        },
                    ]
                },
            ),
        },
    )
    pdu = compiler.S1AP_PDU_Descriptions.S1AP_PDU
    pdu.set_val(value)
    assert s1ap.decode(pdu.to_aper()) == s1ap.S1SetupResponse(
        (s1ap.ServedGummei(("00101",), (2,), (1,)),), 7
    )


def test_other_procedures_are_recognised() -> None:
    overload_start = bytes.fromhex("002240080000010065000100")
    assert s1ap.decode(overload_start) == s1ap.Other(
        s1ap.Kind.INITIATING, 34, s1ap.Criticality.IGNORE
    )
    with pytest.raises(s1ap.S1apError):
        s1ap.encode(s1ap.Other(s1ap.Kind.INITIATING, 34, s1ap.Criticality.IGNORE))


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (s1ap.S1SetupRequest(s1ap.GlobalEnbId("0010", 1), ()), "global_enb_id: no PLMN"),
        (s1ap.S1SetupRequest(s1ap.GlobalEnbId("00101", 1 << 28), ()), "does not fit 28 bits"),
        (s1ap.S1SetupRequest(s1ap.GlobalEnbId("00101", 1), ()), "supported_tas: 0 is not in"),
        (s1ap.EnbConfigurationUpdate(enb_name="é"), "enb_name: not printable"),
        (s1ap.EnbConfigurationUpdate(enb_name="x" * 151), "151 is not in 1..150"),
        (s1ap.EnbConfigurationUpdate(default_paging_drx=100), "no such value: 100"),
        (s1ap.EnbConfigurationUpdate(csg_ids=(1,) * 257), "257 is not in 1..256"),
        (s1ap.S1SetupFailure(s1ap.Cause("misc", "bad-mood")), "cause: no such value"),
        (s1ap.S1SetupFailure(s1ap.Cause("mood", "bad")), "no such cause"),
        (s1ap.S1SetupFailure(s1ap.Cause("misc", "unspecified"), 3), "no such value: 3"),
    ],
)
def test_what_does_not_fit_is_not_encoded(message: s1ap.Message, complaint: str) -> None:
    with pytest.raises(s1ap.S1apError, match=complaint):
        s1ap.encode(message)


@pytest.mark.parametrize("length", range(len(REQUEST)))
def test_a_message_cut_short_is_malformed(length: int) -> None:
    with pytest.raises(s1ap.S1apError):
        s1ap.decode(REQUEST[:length])


CAUSE_ELEMENT, RESET_ELEMENT = "00024001 43", "005c0001 00"
RESET, FAILURE = "000e00", "401100"


def pdu(beginning: str, *elements: str) -> bytes:
    """Return a PDU of these elements, each as hexadecimal digits."""
    body = bytes.fromhex("00") + len(elements).to_bytes(2, "big")
    body += b"".join(bytes.fromhex(element) for element in elements)
    return bytes.fromhex(beginning) + bytes([len(body)]) + body


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (REQUEST + b"\0", "1 octets too many"),
        (b"\x80" + REQUEST[1:], "unknown kind"),
        (b"\x60" + REQUEST[1:], "not in 0..2"),
        (pdu(RESET, CAUSE_ELEMENT, CAUSE_ELEMENT, RESET_ELEMENT), "twice"),
        (pdu(RESET, RESET_ELEMENT), "no cause in Reset"),
        (pdu(RESET, CAUSE_ELEMENT, RESET_ELEMENT, "00fe0001 00"), "unknown element 254"),
        (pdu(RESET, CAUSE_ELEMENT, RESET_ELEMENT, "00fec001 00"), "not in 0..2"),
        (pdu(RESET, CAUSE_ELEMENT, "005c0001 80"), "unknown type of Reset"),
        (pdu(RESET, CAUSE_ELEMENT, "005c0005 40 00 005a 00"), "item 90"),
        (pdu(FAILURE, "00024003 014500"), "cause: 1 octets too many"),
        (pdu(FAILURE, "00024002 7fff"), "cause: "),
        (pdu(FAILURE, "00024001 80"), "unknown group"),
        (pdu(FAILURE, CAUSE_ELEMENT, "00414001 60"), "time_to_wait_s: 6 is not in"),
        (pdu(FAILURE, CAUSE_ELEMENT, "00414001 80"), "unknown addition"),
        (bytes.fromhex("401100c1"), "fragments"),
    ],
)
def test_malformed_messages_are_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(s1ap.S1apError, match=complaint):
        s1ap.decode(data)


def test_extensions_of_a_sequence_are_passed_over() -> None:
    """Two items, the first of them with a RAT-Type among its iE-Extensions (made by pycrate)."""
    data = bytes.fromhex("0140004000f110000000e800010000008000f120")
    assert aper.decode(elements.SUPPORTED_TAS, data) == (
        s1ap.SupportedTa(1, ("00101",)),
        s1ap.SupportedTa(2, ("00102",)),
    )


def test_unknown_elements_may_be_passed_over() -> None:
    data = pdu(RESET, CAUSE_ELEMENT, "00fe4001 00", RESET_ELEMENT, "00ff8001 00")
    assert s1ap.decode(data) == VECTORS["Reset"][1]


@settings(max_examples=50, deadline=None)
@given(data=st.binary(max_size=200))
def test_garbage_is_refused_or_read(data: bytes) -> None:
    decode_anything(data)


@settings(max_examples=50, deadline=None)
@given(message=MESSAGES, position=st.integers(0), value=st.integers(0, 255))
def test_a_changed_octet_is_refused_or_read(
    message: s1ap.Message, position: int, value: int
) -> None:
    data = bytearray(s1ap.encode(message))
    data[position % len(data)] = value
    decode_anything(bytes(data))


def decode_anything(data: bytes) -> None:
    """Decode; what is accepted can be encoded again, and means the same."""
    try:
        message = s1ap.decode(data)
    except s1ap.S1apError:
        return
    if not isinstance(message, s1ap.Other):
        assert s1ap.decode(s1ap.encode(message)) == message


def test_causes_are_written_with_their_group() -> None:
    cause = s1ap.Cause.parse("radioNetwork/invalid-CSG-Id")
    assert str(cause) == "radioNetwork/invalid-CSG-Id"
    for wrong in ("invalid-CSG-Id", "radioNetwork/", "misc/invalid-CSG-Id", ""):
        with pytest.raises(ValueError, match="no cause of S1AP"):
            s1ap.Cause.parse(wrong)
