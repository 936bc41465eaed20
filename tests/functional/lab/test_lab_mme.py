"""The MME of the lab, over a real association with a hand-made eNB."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab import s1ap, sctp, wire
from tests.lab.events import PATIENCE, Log
from tests.lab.mme import Abort, Accept, Behaviour, Garbage, Mme, Refuse, Silence
from tests.lab.wire import Wire

SOON_S = 3 * PATIENCE
REQUEST = s1ap.S1SetupRequest(
    s1ap.GlobalEnbId("00101", 0x0123456),
    (s1ap.SupportedTa(1, ("00101",)),),
    enb_name="henb-1",
    csg_ids=(0xABC,),
)


@pytest.fixture(scope="module")
def link() -> Iterator[Wire]:
    with wire.wire() as made:
        yield made


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def mme(link: Wire, log: Log) -> Iterator[Mme]:
    with link.core.inside():
        made = Mme(log, wire.MME)
    yield made
    made.close()


class Enb:
    """An eNB that says what it is told to."""

    def __init__(self, association: sctp.Association) -> None:
        self.association = association

    def ask(self, message: s1ap.Message | bytes, *, ppid: int = 18, stream: int = 0) -> None:
        data = message if isinstance(message, bytes) else s1ap.encode(message)
        self.association.send(data, ppid, stream)

    def answer(self, timeout_s: float = SOON_S) -> s1ap.Message | None:
        message = self.association.receive(timeout_s)
        return None if message is None else s1ap.decode(message.data)

    def set_up(self) -> s1ap.Message | None:
        self.ask(REQUEST)
        return self.answer()


@contextmanager
def enb_at(link: Wire, local: sctp.Address = wire.HENB) -> Iterator[Enb]:
    with link.henb.inside():
        association = sctp.connect(local, wire.MME, s1ap.PORT, SOON_S)
    try:
        yield Enb(association)
    finally:
        association.shutdown(SOON_S)


def test_it_accepts_and_knows_who_is_up(link: Wire, log: Log, mme: Mme) -> None:
    with enb_at(link) as enb:
        answer = enb.set_up()
        assert answer == s1ap.S1SetupResponse(
            (s1ap.ServedGummei(("00101",), (2,), (1,)),), 255, "mme-1"
        )
        event = log.wait("S1SetupRequest")
        assert event.text == (
            "S1 SETUP REQUEST home eNB id 0x0123456, PLMN 00101, TAC 1 from 10.0.0.1"
        )
        facts = {
            "peer": wire.HENB,
            "enb_id": 0x0123456,
            "home": True,
            "tac": 1,
            "plmns": ("00101",),
            "csg": (0xABC,),
            "name": "henb-1",
        }
        assert {name: event.facts[name] for name in facts} == facts
        (up,) = mme.s1_up
        assert (up.address, up.enb_id, up.plmn) == (wire.HENB, 0x0123456, "00101")
    down = log.wait("SCTP-down")
    assert down.facts["reason"] == "shut down by the peer"
    assert mme.s1_up == ()
    kinds = [e.kind for e in log.events()]
    assert kinds == ["SCTP-up", "S1SetupRequest", "S1SetupResponse", "SCTP-down"]
    assert mme.violations == []


@pytest.mark.parametrize("wait_s", [None, 1, 60])
def test_it_refuses_with_cause_and_time_to_wait(
    link: Wire, log: Log, mme: Mme, wait_s: int | None
) -> None:
    cause = s1ap.Cause.parse("radioNetwork/invalid-CSG-Id")
    mme.setup[:] = [Refuse(cause, wait_s)]
    with enb_at(link) as enb:
        assert enb.set_up() == s1ap.S1SetupFailure(cause, wait_s)
        facts = log.wait("S1SetupFailure").facts
        assert (facts["cause"], facts["time_to_wait"]) == ("radioNetwork/invalid-CSG-Id", wait_s)
        assert mme.s1_up == ()


def test_behaviours_are_used_up_but_the_last_one_stays(link: Wire, mme: Mme) -> None:
    mme.setup[:] = [Refuse(), Silence(), Accept(mme_name=None)]
    with enb_at(link) as enb:
        assert isinstance(enb.set_up(), s1ap.S1SetupFailure)
        enb.ask(REQUEST)
        assert enb.answer(0.2) is None
        for _ in range(2):
            answer = enb.set_up()
            assert isinstance(answer, s1ap.S1SetupResponse)
            assert answer.mme_name is None
    assert mme.violations == []


@pytest.mark.parametrize(
    ("behaviour", "ended", "garbage"),
    [(Silence(), False, False), (Abort(), True, False), (Garbage(b"\x20\x11"), False, True)],
)
def test_it_misbehaves_as_told(
    link: Wire, mme: Mme, behaviour: Behaviour, ended: bool, garbage: bool
) -> None:
    mme.setup[:] = [behaviour]
    with enb_at(link) as enb:
        enb.ask(REQUEST)
        if garbage:
            with pytest.raises(s1ap.S1apError):
                enb.answer()
        elif ended:
            with pytest.raises(sctp.AssociationEnded, match="aborted by the peer"):
                enb.answer()
        else:
            assert enb.answer(0.3) is None


def test_updates_have_behaviours_of_their_own(link: Wire, log: Log, mme: Mme) -> None:
    update = s1ap.EnbConfigurationUpdate(supported_tas=(s1ap.SupportedTa(7, ("00101",)),))
    mme.update[:] = [Accept(), Refuse(time_to_wait_s=5)]
    with enb_at(link) as enb:
        enb.set_up()
        enb.ask(update)
        assert enb.answer() == s1ap.EnbConfigurationUpdateAcknowledge()
        assert log.wait("ENBConfigurationUpdate").facts["tac"] == 7
        enb.ask(update)
        assert isinstance(enb.answer(), s1ap.EnbConfigurationUpdateFailure)
        assert log.wait("ENBConfigurationUpdateFailure").facts["time_to_wait"] == 5


def test_reset_is_acknowledged_and_can_be_sent(link: Wire, log: Log, mme: Mme) -> None:
    part = (s1ap.UeConnection(mme_ue_id=7), s1ap.UeConnection(enb_ue_id=9))
    reset = s1ap.Reset(s1ap.Cause("misc", "om-intervention"), part)
    with enb_at(link) as enb:
        enb.set_up()
        enb.ask(reset)
        assert enb.answer() == s1ap.ResetAcknowledge(part)
        mme.send(reset)
        assert enb.answer() == reset
        enb.ask(s1ap.ResetAcknowledge(part))
        log.wait("ResetAcknowledge", where=lambda e: e.sender == "HeNB")
    assert mme.violations == []


@pytest.mark.parametrize(
    ("data", "ppid", "stream", "violation"),
    [
        (s1ap.encode(REQUEST), 0, 0, "payload protocol identifier 0"),
        (s1ap.encode(REQUEST), 18, 1, "not stream 0 but 1"),
        (b"\xff", 18, 0, "no S1AP"),
        (s1ap.encode(s1ap.ResetAcknowledge()), 18, 0, "before S1 SETUP REQUEST"),
        (s1ap.encode(s1ap.S1SetupFailure(s1ap.Cause("misc", "unspecified"))), 18, 0, "MME's"),
        (s1ap.encode(s1ap.EnbConfigurationUpdate()), 18, 0, "without S1 Setup"),
    ],
)
def test_it_holds_the_enb_to_the_rules(
    link: Wire, mme: Mme, data: bytes, ppid: int, stream: int, violation: str
) -> None:
    with enb_at(link) as enb:
        enb.ask(data, ppid=ppid, stream=stream)
        enb.answer(0.3)
    assert any(violation in text for text in mme.violations), mme.violations


def test_time_to_wait_is_watched(link: Wire, mme: Mme) -> None:
    mme.setup[:] = [Refuse(time_to_wait_s=1), Refuse(time_to_wait_s=1), Accept()]
    with enb_at(link) as enb:
        enb.set_up()
    time.sleep(1.1)
    with enb_at(link) as enb:
        enb.set_up()
        assert mme.violations == []
        enb.set_up()
        (violation,) = mme.violations
        assert "before TimeToWait is over" in violation


@pytest.mark.usefixtures("mme")
def test_garbage_is_answered_with_an_error_indication(link: Wire) -> None:
    with enb_at(link) as enb:
        enb.ask(b"\x00\x11")
        answer = enb.answer()
    assert answer == s1ap.ErrorIndication(cause=s1ap.Cause("protocol", "transfer-syntax-error"))


def test_it_goes_down_and_comes_back(link: Wire, log: Log, mme: Mme) -> None:
    with enb_at(link) as enb:
        enb.set_up()
        mme.stop()
        mme.stop()
        with pytest.raises(sctp.AssociationEnded, match="aborted by the peer"):
            enb.answer()
        assert mme.s1_up == ()
        assert log.wait("SCTP-down").facts["reason"] == "aborted"
    with link.henb.inside(), pytest.raises(sctp.AssociationEnded):
        sctp.connect(wire.HENB, wire.MME, s1ap.PORT, 0.3)
    with link.core.inside():
        mme.start()
    with enb_at(link) as enb:
        assert isinstance(enb.set_up(), s1ap.S1SetupResponse)


def test_associations_can_be_aborted_alone(link: Wire, mme: Mme) -> None:
    with enb_at(link) as enb:
        enb.set_up()
        mme.abort()
        with pytest.raises(sctp.AssociationEnded):
            enb.answer()
    with enb_at(link) as enb:
        assert isinstance(enb.set_up(), s1ap.S1SetupResponse)


def test_an_enb_that_comes_again_from_elsewhere_replaces_itself(
    link: Wire, log: Log, mme: Mme
) -> None:
    with enb_at(link) as old, enb_at(link, wire.OTHER_HENB) as new:
        old.set_up()
        new.set_up()
        with pytest.raises(sctp.AssociationEnded):
            old.answer()
        log.wait("SCTP-down", where=lambda e: e.facts["peer"] == wire.HENB)
        assert [up.address for up in mme.s1_up] == [wire.OTHER_HENB]


def test_two_enbs_are_up_at_once(link: Wire, log: Log, mme: Mme) -> None:
    with enb_at(link) as one, enb_at(link, wire.OTHER_HENB) as two:
        one.set_up()
        two.ask(s1ap.S1SetupRequest(s1ap.GlobalEnbId("00101", 7), REQUEST.supported_tas))
        two.answer()
        assert {up.enb_id for up in mme.s1_up} == {0x0123456, 7}
        log.wait("S1SetupRequest", where=lambda e: e.facts["enb_id"] == 7)
