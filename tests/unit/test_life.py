"""Session after session with a HeMS that does as it likes: each ends, and nothing is lost."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from henbd.control import factory as factories
from henbd.cwmp import events
from henbd.cwmp import ledger as ledgers
from henbd.cwmp import opening as openings
from henbd.cwmp.messages import TransferComplete
from henbd.cwmp.opening import Opening
from henbd.cwmp.session import (
    Outcome,
    Post,
    Record,
    Reply,
    Session,
    Stored,
    Wish,
    session,
)
from henbd.cwmp.state import State
from henbd.cwmp.structs import Event
from tests.unit.box import Box, registered
from tests.unit.dialogue import (
    METHODS,
    NOTHING,
    NOW,
    PROVISION,
    RULES,
    SETTINGS,
    WELCOME,
    envelope,
    fault,
)
from tests.unit.settings import QUICK, SECRET

# The CommandKey of a TransferComplete that is posted.
CARRIED = re.compile(rb"<cwmp:TransferComplete><CommandKey>(\w+)</CommandKey>")

TIME = "2026-02-03T04:05:06Z"
HOLD = b'<c:HoldRequests e:mustUnderstand="1">1</c:HoldRequests></e:Header>'
THANKS = (200, envelope("<c:TransferCompleteResponse/>"))
# An answer of the HeMS, or what happens in its place.
Said = str | tuple[int, bytes]
CUT, GIVE_UP = "the connection is cut", "the box gives up"

HELD = {
    reply: (200, reply[1].replace(b"</e:Header>", HOLD)) for reply in (WELCOME, THANKS, METHODS)
}
INFORM_REPLIES: list[Said] = [
    *(WELCOME, WELCOME, WELCOME, HELD[WELCOME], (200, fault(8005)), (500, fault(8003)), NOTHING),
    *((400, b""), (503, b"busy"), (200, b"garbage"), METHODS, CUT, GIVE_UP),
]
REPLIES: list[Said] = [
    *(THANKS, THANKS, HELD[THANKS], NOTHING, METHODS, HELD[METHODS], PROVISION, WELCOME),
    *((200, fault(8005)), (500, fault(8003)), (503, b"busy"), CUT, GIVE_UP),
]
KINDS = ["periodic", "scheduled", "called", "transfer", "transfer", "value", "security gateway"]


@dataclass(frozen=True)
class Plan:
    """What happens before a session, how the HeMS answers, and what happens meanwhile."""

    before: list[str]
    replies: list[Said]
    meanwhile: list[tuple[int, str]]


def plans(seed: int) -> list[Plan]:
    """Return a life: any choice is as likely as any other, which hypothesis alone does not do."""
    chance = Random(seed)
    return [
        Plan(
            chance.choices(KINDS, k=chance.randrange(4)),
            [chance.choice(INFORM_REPLIES), *chance.choices(REPLIES, k=chance.randrange(7))],
            [(chance.randrange(4), kind) for kind in chance.choices(KINDS, k=chance.randrange(3))],
        )
        for _ in range(chance.randrange(7))
    ]


class Life:
    """A box, and what its HeMS has not been told yet."""

    def __init__(self) -> None:
        self.box: Box = registered()
        self.untold: Counter[Event] = Counter()
        self.unpaid: Counter[bytes] = Counter()
        self.number = 0

    def happen(self, kind: str) -> None:
        """Have something happen that the HeMS is to be told of."""
        box, self.number = self.box, self.number + 1
        key = str(self.number)
        match kind:
            case "transfer":
                done = TransferComplete(key, 0, "", TIME, TIME)
                box.ledger = ledgers.owing(box.ledger, Event(events.DOWNLOAD, key), done)
                self.unpaid[key.encode()] += 1
                return
            case "value":
                box.report(address=f"10.99.0.{self.number % 250 + 1}")
                return
            case "scheduled":
                event = Event(events.SCHEDULE_INFORM, key)
            case _:
                event = {
                    "periodic": events.PERIODIC,
                    "called": events.CONNECTION_REQUEST,
                    "security gateway": events.SECURITY_GATEWAY_REQUIRED,
                }[kind]
        box.ledger = ledgers.with_event(box.ledger, event)
        self.untold[event] = 1

    def hold(self, replies: list[Said], coming: list[tuple[int, str]]) -> None:
        """Hold a session; things happen before the posts of these numbers are answered."""
        box = self.box
        opening = box.open()
        carried = {event: self.untold.pop(event, 0) for event in opening.events}
        talk = session(opening, factories.device_id(SETTINGS), TIME, "auto", RULES)
        outcome, informed, posts = None, False, 0
        wish = next(talk)
        answers = iter(replies)
        while outcome is None:
            if isinstance(wish, Post):
                for number, kind in coming:
                    if number == posts:
                        self.happen(kind)
                posts += 1
                reply = next(answers, NOTHING)
                if isinstance(reply, str):
                    talk.close()
                    outcome = Outcome(reply, informed)
                    continue
                if b"<c:TransferCompleteResponse/>" in reply[1]:
                    self.unpaid -= Counter(CARRIED.findall(wish.body))
                wish, outcome = self.send(talk, Reply(*reply, self.state, NOW))
            elif isinstance(wish, Record):
                if not informed:
                    informed, carried = True, {}
                box.ledger = wish.state.ledger
                wish, outcome = self.send(talk, Stored(None))
            else:
                box.tree, box.ledger = wish.state.tree, wish.state.ledger
                wish, outcome = self.send(talk, Stored(None))
        assert posts <= len(replies) + 2
        self.end(opening, outcome, carried)

    @property
    def state(self) -> State:
        """The state that the session is shown."""
        return State(self.box.tree, self.box.ledger, SECRET)

    def send(self, talk: Session, answer: Reply | Stored) -> tuple[Wish, Outcome | None]:
        """Go on with a session; return what it wants, or how it ended."""
        try:
            return talk.send(answer), None
        except StopIteration as stop:
            return Post(b"", 0), stop.value

    def end(self, opening: Opening, outcome: Outcome, carried: dict[Event, int]) -> None:
        """Account for how a session ended, as the conversation does."""
        box = self.box
        if outcome.failure is None:
            assert not outcome.left_owing or box.ledger.owed
            box.ledger = (
                openings.left_owing(box.ledger, box.management, box.now, 0)
                if outcome.left_owing
                else openings.succeeded(box.ledger, box.now)
            )
        elif outcome.failure == GIVE_UP:
            box.ledger = openings.given_up(box.ledger, opening, informed=outcome.informed)
        else:
            box.ledger = openings.failed(
                box.ledger, opening, box.management, box.now, 0, informed=outcome.informed
            )
            carried.pop(events.CONNECTION_REQUEST, None)
        for event, count in carried.items():
            self.untold[event] = max(self.untold[event], count)

    def check(self) -> None:
        """See that exactly what the HeMS was not told is still to be told."""
        pending = Counter(self.box.ledger.events)
        assert pending == +self.untold
        owed = Counter(owed.event.command_key.encode() for owed in self.box.ledger.owed)
        assert owed == +self.unpaid
        assert not self.box.ledger.sent


@pytest.mark.conformance("C033", "C051", "C054", "C067", "C073", "C082")
@QUICK
@given(st.integers(0, 2**32).map(plans))
def test_whatever_the_hems_does_each_session_ends_and_no_event_is_lost(life: list[Plan]) -> None:
    box = Life()
    for plan in life:
        for kind in plan.before:
            box.happen(kind)
        box.hold(plan.replies, plan.meanwhile)
        box.check()
    # A HeMS that comes to its senses is told all that is left, and then there is nothing more.
    box.hold([WELCOME, *[THANKS] * box.unpaid.total()], [])
    box.check()
    assert not box.untold.total()
    assert not box.box.ledger.owed
    assert box.box.codes == []


@pytest.mark.conformance("C053", "C061")
@pytest.mark.parametrize(("reply", "counted"), [(NOTHING, True), ((200, fault(8003)), False)])
def test_transfer_that_is_never_taken_is_no_endless_loop(reply: Said, counted: bool) -> None:
    """Each session asks once, and the table of retries says when the next one is.

    A fault is an answer: the session has come to its proper end, and RetryCount stays 0.
    """
    life = Life()
    box = life.box
    life.happen("transfer")
    waits, counts = [], []
    for _ in range(12):
        assert box.due == 0
        counts.append(box.ledger.failures)
        life.hold([WELCOME, reply], [])
        waits.append(box.due)
        box.ledger = replace(box.ledger, retry_at=None)
    assert waits == [min(5 * 2**n, 2560) for n in range(12)]
    assert counts == (list(range(12)) if counted else [0] * 12)
    life.check()
    life.hold([WELCOME, THANKS], [])
    assert (box.codes, box.due) == ([], None)
