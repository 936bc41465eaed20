"""Where S1 is to be: from which address, to which far ends, held as it is, or down."""

from __future__ import annotations

from dataclasses import replace

import pytest

from henbd.control import s1, trials
from henbd.control.trials import Trials
from henbd.control.tunnel import Condition, Tunnel, judge
from henbd.settings import StackAdapter
from henbd.values import (
    Address,
    FarEnd,
    Hold,
    Observed,
    Peer,
    PeerState,
    Provisioned,
    S1Link,
    S1Mode,
    Stack,
    Unknown,
)
from tests.unit.settings import s1 as s1_settings
from tests.unit.sights import (
    CORE,
    DEFAULT_ROUTE,
    INNER,
    INNER6,
    INNER_2,
    MME,
    MME6,
    MME_2,
    NOBODY,
    NOW,
    OUTER,
    charon,
    child_sa,
    course,
    host,
    ike_sa,
    kernel,
    link,
    observed,
    provisioned,
    route,
    stack,
)

HELD_FOR = 10
BOTH = child_sa(CORE, host(MME), host(MME_2))
UP = judge(charon(ike_sa(BOTH)), kernel())
DOWN = Tunnel(Condition.DOWN)


def ends(*addresses: Address) -> tuple[FarEnd, ...]:
    """Return far ends at the usual port."""
    return tuple(FarEnd(address, 36412) for address in addresses)


def wanted(
    asked: Provisioned,
    *far_ends: Address,
    seen: Observed | None = None,
    tunnel: Tunnel = UP,
    waits: bool = False,
    **changes: object,
) -> S1Link | Hold | None:
    """Return where S1 is to be; `changes` are those of the course of things."""
    return s1.link(
        asked,
        s1_settings(hold_s=HELD_FOR, wait_for_admin_state=waits),
        seen or observed(),
        tunnel,
        ends(*far_ends),
        course(**changes),
        NOW,
    )


def test_inside_the_local_address_is_the_inner_one() -> None:
    assert wanted(provisioned(), MME) == link(MME, local=INNER)


def test_outside_the_local_address_is_the_source_of_the_route() -> None:
    found = wanted(provisioned(s1_inside=False), MME, tunnel=DOWN)
    assert found == link(MME, local=OUTER, inside=False)


def test_without_far_ends_s1_stays_down() -> None:
    assert wanted(provisioned(far_ends=()), seen=observed(stack=stack())) is None


def test_far_ends_that_were_taken_away_end_s1_at_once() -> None:
    assert wanted(provisioned(far_ends=()), seen=observed(stack=stack(link()))) is None


@pytest.mark.parametrize(
    ("waits", "admin_state", "up"),
    [(False, False, True), (False, True, True), (True, False, False), (True, True, True)],
)
def test_s1_waits_for_admin_state_only_where_it_is_told_to(
    waits: bool, admin_state: bool, up: bool
) -> None:
    found = wanted(provisioned(admin_state=admin_state), MME, waits=waits)
    assert isinstance(found, S1Link) is up


def test_a_stack_that_cannot_be_silent_waits_for_admin_state() -> None:
    asked = provisioned(admin_state=False)
    for adapter, waits in ((StackAdapter.NATIVE, False), (StackAdapter.SRSENB, True)):
        assert s1.waits_for_admin_state(asked, s1_settings(adapter=adapter)) is waits
        ready = replace(asked, admin_state=True)
        assert not s1.waits_for_admin_state(ready, s1_settings(adapter=adapter))


def test_admin_state_is_whether_it_may_transmit() -> None:
    assert wanted(provisioned(admin_state=True), MME) == replace(link(), may_transmit=True)


# S1ConnectionMode.


def test_one_at_a_time_is_the_first() -> None:
    assert wanted(provisioned(), MME, MME_2, seen=observed(stack=stack())) == link(MME)


def test_all_are_all() -> None:
    assert wanted(provisioned(mode=S1Mode.ALL), MME, MME_2) == link(MME, MME_2)


def peers(**states: PeerState) -> Stack:
    """Return a stack that was told both far ends."""
    of = {"mme": MME, "mme_2": MME_2}
    found = tuple(Peer(FarEnd(of[name], 36412), state, INNER) for name, state in states.items())
    return replace(stack(link(MME, MME_2)), peers=found)


FIRST_FAILED = trials.failed(Trials(), MME, NOW, 0.5)


@pytest.mark.parametrize(
    ("seen", "tried", "chosen"),
    [
        (stack(), Trials(), MME),
        (stack(), FIRST_FAILED, MME_2),
        (peers(mme_2=PeerState.UP), Trials(), MME_2),
        (peers(mme_2=PeerState.SETUP), Trials(), MME_2),
        (peers(mme_2=PeerState.CONNECTING), Trials(), MME_2),
        (peers(mme_2=PeerState.FAILED), Trials(), MME),
        (peers(mme_2=PeerState.DOWN), Trials(), MME),
        (peers(mme=PeerState.FAILED), FIRST_FAILED, MME_2),
        (peers(mme=PeerState.UP, mme_2=PeerState.UP), Trials(), MME),
        (peers(mme=PeerState.CONNECTING, mme_2=PeerState.UP), Trials(), MME_2),
        (NOBODY, Trials(), MME),
        (NOBODY, FIRST_FAILED, MME_2),
    ],
)
def test_one_that_works_or_is_being_tried_is_kept_else_the_first_that_may_be_tried(
    seen: Stack | Unknown, tried: Trials, chosen: Address
) -> None:
    found = wanted(provisioned(), MME, MME_2, seen=observed(stack=seen), far_ends=tried)
    assert found == link(chosen)


def test_one_that_works_and_is_no_longer_provisioned_is_left() -> None:
    seen = observed(stack=peers(mme_2=PeerState.UP))
    assert wanted(provisioned(), MME, seen=seen) == link(MME)


# What the path allows.


def test_a_far_end_that_no_child_leads_to_yet_waits() -> None:
    only_first = judge(charon(ike_sa()), kernel())
    found = wanted(provisioned(mode=S1Mode.ALL), MME, MME_2, tunnel=only_first)
    assert found == link(MME)


def test_one_link_has_one_local_address() -> None:
    both_families = judge(
        charon(ike_sa(child_sa(CORE, host(MME), host(MME6)), inner=(INNER, INNER6))),
        kernel(inner=(INNER, INNER6)),
    )
    asked = provisioned(mode=S1Mode.ALL)
    assert wanted(asked, MME, MME6, tunnel=both_families) == link(MME, local=INNER)
    assert wanted(asked, MME6, MME, tunnel=both_families) == link(MME6, local=INNER6)


def test_outside_without_a_route_there_is_no_link() -> None:
    seen = observed(kernel=kernel(routes=()), stack=stack())
    assert wanted(provisioned(s1_inside=False), MME, seen=seen) is None


def test_outside_the_tunnel_does_not_matter() -> None:
    seen = observed(
        charon=NOBODY,
        kernel=kernel(inner=(), routes=(DEFAULT_ROUTE, route(CORE, 3))),
        stack=stack(),
    )
    unknown = Tunnel(Condition.UNKNOWN)
    found = wanted(provisioned(s1_inside=False), MME, seen=seen, tunnel=unknown)
    assert found == link(MME, local=OUTER, inside=False)


# Hold.


@pytest.mark.parametrize(
    ("pathless_since", "held"),
    [(None, True), (NOW - 1, True), (NOW - HELD_FOR + 0.1, True), (NOW - HELD_FOR, False)],
)
def test_a_lost_path_is_held_for_a_while(pathless_since: float | None, held: bool) -> None:
    seen = observed(charon=charon())
    found = wanted(provisioned(), MME, seen=seen, tunnel=DOWN, pathless_since=pathless_since)
    assert found is (Hold.HOLD if held else None)


@pytest.mark.parametrize("seen", [stack(), NOBODY])
def test_what_is_not_there_is_not_held(seen: Stack | Unknown) -> None:
    found = wanted(provisioned(), MME, seen=observed(stack=seen, charon=charon()), tunnel=DOWN)
    assert found is None


def test_while_charon_does_not_answer_s1_is_held_as_long_as_its_address_is_there() -> None:
    unknown = Tunnel(Condition.UNKNOWN)
    found = wanted(
        provisioned(), MME, seen=observed(charon=NOBODY), tunnel=unknown, pathless_since=0.0
    )
    assert found is Hold.HOLD
    gone = observed(charon=NOBODY, kernel=kernel(inner=()))
    found = wanted(provisioned(), MME, seen=gone, tunnel=unknown, pathless_since=0.0)
    assert found is None


def test_another_inner_address_is_not_waited_for() -> None:
    moved = judge(charon(ike_sa(BOTH, inner=(INNER_2,))), kernel(inner=(INNER_2,)))
    assert wanted(provisioned(), MME, tunnel=moved) == link(MME, local=INNER_2)


# Up.


@pytest.mark.parametrize(
    ("seen", "up"),
    [
        (stack(link()), True),
        (stack(link(), PeerState.SETUP), False),
        (stack(link(), PeerState.CONNECTING), False),
        (stack(link(), PeerState.FAILED), False),
        (stack(link(), PeerState.DOWN), False),
        (stack(), False),
        (NOBODY, False),
        (replace(stack(link(local=INNER_2)), peers=stack(link()).peers), False),
        (replace(peers(mme=PeerState.FAILED, mme_2=PeerState.UP)), True),
        (replace(stack(link()), peers=()), False),
    ],
)
def test_s1_is_up_when_s1_setup_was_answered_from_the_address_that_was_asked_for(
    seen: Stack | Unknown, up: bool
) -> None:
    assert s1.up(seen) is up


def test_an_association_of_unknown_source_counts_when_the_link_is_acknowledged() -> None:
    peer = replace(stack(link()).peers[0], local=None)
    assert s1.up(replace(stack(link()), peers=(peer,)))
    assert not s1.up(replace(stack(link()), peers=(peer,), acknowledged=False))
