"""Who may say what when in the native protocol, and what counts."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from henbd.system.s1ap.native_dialogue import Dialogue, ended, hear, tell
from henbd.system.s1ap.native_messages import Ack, Hello, Status
from henbd.values import Address, Peer, PeerState, S1Link, Stack
from tests.unit.test_native import LINK, MME, SECOND_MME

UP = Peer(MME, PeerState.UP, LINK.local, mme_name="mme")


def stack(dialogue: Dialogue) -> Stack:
    assert dialogue.stack is not None
    return dialogue.stack


def status(
    generation: int, *peers: Peer, user_plane: tuple[Address, ...] = (), transmitting: bool = True
) -> Status:
    return Status(generation, peers, transmitting, user_plane, (("REM.X", "1"),))


def refusal(dialogue: Dialogue, message: Hello | Ack | Status) -> str:
    with pytest.raises(ValueError, match=r".") as raised:
        hear(dialogue, message)
    return str(raised.value)


WORKING = hear(hear(Dialogue(), Hello("s", 7, LINK)), status(7, UP))


def test_a_stack_that_works_by_nothing_is_known_at_once() -> None:
    dialogue = hear(Dialogue(), Hello("s", 0, None))
    assert dialogue.described
    assert stack(dialogue) == Stack("s", None, 0, True, (), False, ())


def test_what_a_stack_works_by_counts_as_told_and_acknowledged() -> None:
    dialogue = hear(Dialogue(), Hello("s", 7, LINK))
    assert (stack(dialogue).told, stack(dialogue).acknowledged) == (LINK, True)
    assert not dialogue.described, "how S1 is has not been said yet"
    dialogue = hear(dialogue, status(7, UP, user_plane=(MME.address,)))
    assert dialogue.described
    told = (("REM.X", "1"),)
    assert stack(dialogue) == Stack("s", LINK, 7, True, (UP,), True, (MME.address,), told)


def test_generations_are_greater_than_all_that_were_ever_named() -> None:
    dialogue, sent = tell(hear(Dialogue(), Hello("s", 7, LINK)), None)
    assert json.loads(sent)["generation"] == stack(dialogue).generation == 8
    dialogue = hear(ended(dialogue), Hello("s", 3, LINK))
    dialogue, _ = tell(dialogue, None)
    assert stack(dialogue).generation == 9
    dialogue = hear(ended(dialogue), Hello("s", 100, LINK))
    assert stack(tell(dialogue, None)[0]).generation == 101


def test_only_the_ack_of_the_newest_config_counts() -> None:
    dialogue, _ = tell(tell(WORKING, None)[0], LINK)
    assert stack(dialogue).generation == 9
    assert hear(dialogue, Ack(8)) == dialogue
    assert not stack(dialogue).acknowledged
    assert refusal(dialogue, Ack(10)) == "there is no config of generation 10"
    assert stack(hear(dialogue, Ack(9))).acknowledged


def test_only_the_status_of_the_newest_config_counts() -> None:
    dialogue = hear(tell(WORKING, LINK)[0], Ack(8))
    failed = Peer(MME, PeerState.FAILED, cause="misc/unspecified")
    assert hear(dialogue, status(7, failed)) == dialogue
    assert stack(hear(dialogue, status(8, failed))).peers == (failed,)
    assert refusal(dialogue, status(9, failed)) == "there is no config of generation 9"


def test_messages_out_of_order_are_refused() -> None:
    assert refusal(Dialogue(), Ack(0)) == "hello comes first"
    assert refusal(Dialogue(), status(0)) == "hello comes first"
    assert refusal(WORKING, Hello("s", 7, LINK)) == "hello was said already"
    told, _ = tell(WORKING, LINK)
    assert refusal(told, status(8, UP)) == "status of generation 8 comes after its ack"


def test_a_status_is_about_the_peers_of_the_config() -> None:
    both = replace(LINK, peers=(MME, SECOND_MME))
    dialogue = hear(tell(WORKING, both)[0], Ack(8))
    other = Peer(SECOND_MME, PeerState.CONNECTING)
    for peers in ((), (UP,), (other, UP), (UP, UP), (UP, other, other)):
        text = refusal(dialogue, status(8, *peers))
        assert text == "peers are not those of generation 8, in its order"
    assert stack(hear(dialogue, status(8, UP, other))).peers == (UP, other)


def test_what_was_said_of_a_peer_stands_while_the_peer_stays() -> None:
    dialogue, _ = tell(WORKING, replace(LINK, may_transmit=True, peers=(SECOND_MME, MME)))
    assert stack(dialogue).peers == (UP,)
    assert stack(tell(WORKING, replace(LINK, peers=(SECOND_MME,)))[0]).peers == ()
    assert stack(tell(WORKING, None)[0]).peers == ()


def test_the_end_of_a_connection_leaves_no_stack() -> None:
    assert ended(WORKING) == Dialogue(newest=7)


@given(
    st.lists(
        st.builds(Hello, st.just("s"), st.integers(0, 3), st.none() | st.just(LINK))
        | st.builds(Ack, st.integers(0, 3))
        | st.builds(status, st.integers(0, 3), st.just(UP))
        | st.builds(status, st.integers(0, 3))
        | st.none()
        | st.just(LINK),
        max_size=12,
    )
)
def test_no_order_of_messages_acknowledges_what_was_not(
    steps: list[Hello | Ack | Status | S1Link | None],
) -> None:
    dialogue, acknowledged = Dialogue(), 0
    for step in steps:
        if step is None or isinstance(step, S1Link):
            if dialogue.stack is not None:
                dialogue, _ = tell(dialogue, step)
                assert not stack(dialogue).acknowledged
            continue
        try:
            dialogue = hear(dialogue, step)
        except ValueError:
            continue
        if isinstance(step, Hello | Ack):
            acknowledged = max(acknowledged, step.generation)
        assert stack(dialogue).acknowledged == (acknowledged >= stack(dialogue).generation)
        assert dialogue.newest >= stack(dialogue).generation
