"""What drives a session: one post at a time; what is committed; when it ends or is overtaken."""

from __future__ import annotations

import pytest

from henbd.clock import Clock
from henbd.control.factory import device_id
from henbd.control.reach import Reach
from henbd.conversation import Conversation
from henbd.cwmp import opening as openings
from henbd.cwmp.ledger import Ledger
from henbd.cwmp.rules import Rules
from henbd.cwmp.session import session
from henbd.cwmp.state import State
from henbd.errors import ExchangeError
from henbd.memory import Memory
from henbd.model import paths
from henbd.model.types import UNKNOWN_TIME
from henbd.system.acs import Answer, Endpoint
from henbd.trace import Trace
from henbd.values import Address
from tests.unit.box import WALL
from tests.unit.fakes.hems import ENVELOPE, set_values
from tests.unit.fakes.small import FakeStore
from tests.unit.settings import SECRET, factory, settings
from tests.unit.sights import HEMS, INNER, INNER_2, management

ADDRESS = paths.INNER_IPV4 + "IPAddress"
URGENT = (ADDRESS,)
MANAGEMENT = management()

INFORM_RESPONSE = Answer(200, (ENVELOPE % "<cwmp:InformResponse/>").encode())
NOTHING = Answer(204, b"")


class Line:
    """The far end of the exchanges: what was posted, and whether the line is open."""

    def __init__(self) -> None:
        self.endpoint: Endpoint | None = None
        self.posted: list[bytes] = []
        self.refuses = False
        self.open_now = False

    def open(self, endpoint: Endpoint) -> None:
        """Begin."""
        if self.refuses:
            raise ExchangeError(f"{endpoint.address}: Network is unreachable")
        self.endpoint, self.open_now = endpoint, True

    def post(self, body: bytes, wait_s: float) -> None:
        """Take a body."""
        assert self.open_now
        assert wait_s >= 30
        self.posted.append(body)

    def abort(self) -> None:
        """Be given up."""
        self.open_now = False

    def end(self) -> None:
        """Be ended."""
        self.open_now = False

    def wake_at(self) -> float | None:
        """Return None: there is nothing to do by time."""
        return None

    def tick(self, now: float) -> None:
        """Do nothing."""


class Talk:
    """A conversation of a box with an inner address to tell, and all that it rests on."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.line = Line()
        self.store = FakeStore()
        tree = factory().report({ADDRESS: str(INNER)})
        ledger = Ledger(hems=MANAGEMENT.url, boot_id="b")
        self.memory = Memory(State(tree, ledger, SECRET), self.store)
        self.ends = 0
        self.connecting: list[tuple[bool, int]] = []
        clock = Clock(lambda: self.now, lambda: WALL)
        self.conversation = Conversation(
            self.memory, self.line, clock, Trace(clock), self._connecting, self._ended
        )

    def _connecting(self) -> None:
        self.connecting.append((self.line.open_now, len(self.line.posted)))

    def _ended(self) -> None:
        self.ends += 1

    def start(self) -> None:
        """Open a session about the inner address."""
        ledger, opening = openings.opened(
            self.memory.ledger,
            self.memory.tree,
            MANAGEMENT,
            "b",
            lambda _: frozenset(),
            choice="auto",
        )
        self.memory.account(ledger)
        rules = Rules(lambda _, __: (), lambda _, __: 0, "b")
        dialogue = session(opening, device_id(settings()), UNKNOWN_TIME, "auto", rules)
        self.conversation.start(dialogue, opening, MANAGEMENT, Reach(HEMS, INNER))

    def hear(self, answer: Answer | ExchangeError, after_s: float = 0.1) -> None:
        """Have the HeMS answer."""
        self.now += after_s
        self.conversation.answered(answer, MANAGEMENT)

    def move(self, address: Address) -> None:
        """Have another inner address."""
        self.memory.report(self.memory.tree.report({ADDRESS: str(address)}))


@pytest.fixture
def talk() -> Talk:
    """A box that has just sent its Inform."""
    found = Talk()
    found.start()
    return found


@pytest.fixture
def informed(talk: Talk) -> Talk:
    """A box whose Inform was acknowledged, and which has said that it has no requests."""
    talk.hear(INFORM_RESPONSE)
    return talk


def test_the_inform_leaves_before_start_returns(talk: Talk) -> None:
    assert talk.line.endpoint is not None
    assert talk.line.endpoint.source == INNER
    assert talk.line.endpoint.address == HEMS
    assert len(talk.line.posted) == 1
    assert str(INNER).encode() in talk.line.posted[0]


def test_all_else_is_ready_before_the_inform_and_waits_for_no_connection(talk: Talk) -> None:
    assert talk.connecting == [(True, 0)]


def test_all_else_is_ready_though_there_can_be_no_connection() -> None:
    talk = Talk()
    talk.line.refuses = True
    talk.start()
    assert talk.connecting == [(False, 0)]
    assert talk.ends == 1


def test_an_inform_is_acknowledged_on_flash_before_anything_more_is_said(talk: Talk) -> None:
    talk.hear(INFORM_RESPONSE)
    assert talk.memory.ledger.acknowledged[ADDRESS] == str(INNER)
    assert talk.store.document["acknowledged"][ADDRESS] == str(INNER)
    assert talk.line.posted[1:] == [b""]


def test_a_session_ends_when_neither_side_has_more(informed: Talk) -> None:
    informed.hear(NOTHING)
    assert informed.conversation.current is None
    assert informed.conversation.last is not None
    assert informed.conversation.last.failure is None
    assert informed.ends == 1
    assert not informed.line.open_now
    assert informed.memory.ledger.failures == 0


@pytest.mark.parametrize(
    "answer",
    [
        ExchangeError("timed out"),
        Answer(503, b"busy"),
        Answer(200, b"no XML"),
        Answer(200, b""),
        Answer(200, (ENVELOPE % "<cwmp:Reboot/>").encode()),
    ],
)
def test_a_session_whose_inform_is_not_acknowledged_has_failed(
    talk: Talk, answer: Answer | ExchangeError
) -> None:
    talk.hear(answer)
    assert talk.conversation.current is None
    assert talk.ends == 1
    assert talk.memory.ledger.failures == 1
    assert talk.memory.ledger.retry_at is not None
    assert ADDRESS not in talk.memory.ledger.acknowledged


def test_what_came_up_during_a_session_that_failed_does_not_wait_for_the_retry(talk: Talk) -> None:
    talk.move(INNER_2)
    talk.hear(ExchangeError("timed out"))
    assert talk.memory.ledger.failures == 1
    assert talk.memory.ledger.retry_at is None
    assert ADDRESS in talk.memory.ledger.changed


def test_a_session_that_cannot_begin_has_failed() -> None:
    talk = Talk()
    talk.line.refuses = True
    talk.start()
    assert talk.conversation.current is None
    assert talk.ends == 1
    assert talk.memory.ledger.failures == 1
    assert talk.line.posted == []


def test_what_was_acknowledged_stays_so_though_the_session_fails(informed: Talk) -> None:
    informed.hear(ExchangeError("connection reset"))
    assert informed.memory.ledger.failures == 1
    assert informed.memory.ledger.acknowledged[ADDRESS] == str(INNER)


def test_a_set_is_on_flash_before_it_is_answered(informed: Talk) -> None:
    request = ENVELOPE % set_values({paths.S1_SERVERS: "10.40.0.1"})
    informed.hear(Answer(200, request.encode()))
    assert informed.store.document["values"][paths.S1_SERVERS] == "10.40.0.1"
    assert b"SetParameterValuesResponse" in informed.line.posted[-1]
    assert informed.ends == 0


def test_a_set_that_the_flash_does_not_take_is_refused_with_9002(informed: Talk) -> None:
    informed.store.full = True
    request = ENVELOPE % set_values({paths.S1_SERVERS: "10.40.0.1"})
    informed.hear(Answer(200, request.encode()))
    assert b"<FaultCode>9002</FaultCode>" in informed.line.posted[-1]
    assert informed.memory.tree.values[paths.S1_SERVERS] == ""


def test_an_acknowledgement_that_the_flash_does_not_take_counts_all_the_same(talk: Talk) -> None:
    talk.store.full = True
    talk.hear(INFORM_RESPONSE)
    assert talk.memory.ledger.acknowledged[ADDRESS] == str(INNER)
    assert talk.line.posted[1:] == [b""]


def test_what_changes_in_the_meantime_is_not_overwritten_by_the_answer(talk: Talk) -> None:
    talk.move(INNER_2)
    talk.hear(INFORM_RESPONSE)
    assert talk.memory.tree.values[ADDRESS] == str(INNER_2)
    assert talk.memory.ledger.acknowledged[ADDRESS] == str(INNER)
    assert ADDRESS in talk.memory.ledger.changed


# Overtaken.

BOTH = frozenset({INNER, INNER_2})


def test_a_session_whose_source_is_there_goes_on(talk: Talk) -> None:
    talk.now += 100
    assert talk.conversation.overtaken(BOTH, URGENT) is None


def test_a_session_whose_source_has_gone_is_overtaken_at_once(talk: Talk) -> None:
    assert talk.conversation.overtaken(frozenset({INNER_2}), URGENT) == f"{INNER} has gone"


@pytest.mark.parametrize(("waited_s", "overtaken"), [(0.0, False), (1.9, False), (2.5, True)])
@pytest.mark.parametrize("acknowledged", [False, True])
def test_an_address_to_tell_waits_for_the_hems_for_so_long(
    talk: Talk, acknowledged: bool, waited_s: float, overtaken: bool
) -> None:
    if acknowledged:
        talk.hear(INFORM_RESPONSE)
    talk.move(INNER_2)
    talk.now += waited_s
    assert talk.conversation.address_due(URGENT)
    assert (talk.conversation.overtaken(BOTH, URGENT) is not None) is overtaken


def test_each_answer_gives_the_hems_its_time_again(talk: Talk) -> None:
    talk.move(INNER_2)
    talk.hear(INFORM_RESPONSE, after_s=1.5)
    talk.now += 1.5
    assert talk.conversation.overtaken(BOTH, URGENT) is None


def test_an_address_that_the_session_carries_is_not_due(talk: Talk) -> None:
    assert not talk.conversation.address_due(URGENT)


def test_an_address_that_changed_and_changed_back_meanwhile_is_not_due(talk: Talk) -> None:
    talk.move(INNER_2)
    talk.move(INNER)
    assert not talk.conversation.address_due(URGENT)


def test_without_a_session_nothing_is_overtaken() -> None:
    talk = Talk()
    assert talk.conversation.overtaken(frozenset(), URGENT) is None
    assert not talk.conversation.address_due(URGENT)


def test_giving_up_is_no_failure_and_forgets_nothing(talk: Talk) -> None:
    talk.move(INNER_2)
    marked = talk.memory.ledger.changed
    talk.conversation.give_up("there is an address to tell")
    assert talk.conversation.current is None
    assert talk.ends == 1
    assert not talk.line.open_now
    assert talk.memory.ledger.failures == 0
    assert talk.memory.ledger.changed >= marked


def test_an_answer_to_nobody_is_not_heard(talk: Talk) -> None:
    talk.conversation.give_up("it took too long")
    before = talk.memory.state
    talk.hear(INFORM_RESPONSE)
    assert talk.memory.state is before
    assert talk.ends == 1


def test_a_session_is_bounded_in_time_as_a_failure(informed: Talk) -> None:
    expires_at = informed.conversation.expires_at(600)
    assert expires_at == 1600.0
    informed.now = 1599.9
    informed.conversation.bound(600, MANAGEMENT)
    assert informed.ends == 0
    informed.now = 1600.0
    informed.conversation.bound(600, MANAGEMENT)
    assert informed.ends == 1
    assert informed.conversation.current is None
    assert informed.memory.ledger.failures == 1
    assert not informed.line.open_now
    assert informed.conversation.expires_at(600) is None


def test_another_session_begins_where_the_last_one_ended(informed: Talk) -> None:
    informed.hear(NOTHING)
    informed.move(INNER_2)
    informed.start()
    assert informed.conversation.current is not None
    assert str(INNER_2).encode() in informed.line.posted[-1]
