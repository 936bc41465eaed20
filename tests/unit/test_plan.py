"""Want − have = actions; equal states give none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from henbd.actions import (
    AddGuard,
    AddRoute,
    Initiate,
    LoadConnection,
    LoadCredentials,
    MarkKey,
    RemoveGuard,
    RemoveRoute,
    Tell,
    TerminateChild,
    TerminateIke,
    UnloadConnection,
    UnloadKey,
    UnloadSecret,
)
from henbd.control.connection import connection
from henbd.control.plan import missing_guards, plan
from henbd.control.tunnel import Condition, Tunnel
from henbd.values import (
    Block,
    Certificate,
    Charon,
    Desired,
    Direction,
    EspMode,
    Hold,
    Loaded,
    S1Link,
    Stack,
    Unknown,
    Unreachable,
)
from tests.unit.plan_table import (
    ADDED,
    GUARDS,
    NEW_GUARDS,
    OTHER_CHILD,
    OTHER_GATEWAY,
    OWN,
    TABLE,
    WANTED,
    loaded,
    planned,
    sa_of,
    seen,
    up,
    want,
)
from tests.unit.settings import ipsec
from tests.unit.sights import (
    ANY,
    CORE,
    GATEWAY,
    INNER,
    INNER_2,
    MME,
    MME_2,
    NOBODY,
    OUTER,
    WAN,
    guards_of,
    host,
    kernel,
    link,
    stack,
)


def test_equal_states_give_no_action() -> None:
    assert planned(want(), seen()) == []


@pytest.mark.parametrize("name", TABLE)
def test_what_is_wanted_and_not_there_is_done(name: str) -> None:
    wanted, look, actions = TABLE[name]
    assert planned(wanted, look) == actions


def test_a_private_key_is_loaded_by_its_id() -> None:
    certificate = Certificate(b"certificate", b"key", "ab" * 20, ())
    wanted = connection(GATEWAY, (CORE,), ipsec(credentials=certificate))
    has = Loaded({}, frozenset(), frozenset({wanted.secret_id}))
    look = seen(charon=up(has=has), stack=stack())
    # The mark is first: a key that is there without it is somebody else's.
    assert planned(want(connection=wanted, link=None), look)[:2] == [
        MarkKey(wanted),
        LoadCredentials(wanted),
    ]
    has = replace(has, keys=frozenset({"ab" * 20}))
    look = seen(charon=up(has=has), stack=stack())
    assert planned(want(connection=wanted, link=None), look)[0] == LoadConnection(wanted)


def test_what_was_renewed_is_unloaded_when_nothing_uses_it_any_more() -> None:
    proofs = [Certificate(c, c, 20 * c.hex(), ()) for c in (b"a", b"b")]
    old, new = (connection(GATEWAY, (CORE,), ipsec(credentials=proof)) for proof in proofs)
    keys = frozenset({20 * b"a".hex(), 20 * b"b".hex(), "ef" * 20})
    secrets = frozenset({old.secret_id, new.secret_id, WANTED.secret_id, "of somebody else"})
    wanted = want(connection=new)
    both = Loaded({old.name: frozenset(), new.name: frozenset({new.child.name})}, keys, secrets)
    sas = sa_of(old), sa_of(new, 2)
    ended = [TerminateIke(1), UnloadConnection(old.name)]
    assert planned(wanted, seen(charon=up(*sas, has=both))) == ended
    one = replace(both, connections={new.name: frozenset({new.child.name})})
    assert planned(wanted, seen(charon=up(*sas, has=one))) == ended[:1]
    assert set(planned(wanted, seen(charon=up(sa_of(new, 2), has=one)))) == {
        UnloadKey(20 * b"a".hex()),
        UnloadSecret(old.secret_id),
        UnloadSecret(WANTED.secret_id),
    }
    # One that somebody unloaded already.
    rest = replace(one, keys=frozenset({"ef" * 20, 20 * b"b".hex()}))
    assert UnloadKey(20 * b"a".hex()) not in planned(wanted, seen(charon=up(sa_of(new), has=rest)))


# Order and conditions.


def test_guards_come_before_everything_and_nothing_rests_on_those_that_miss() -> None:
    wanted = want(guards=NEW_GUARDS, link=link(MME_2), connection=OTHER_CHILD)
    look = seen(charon=up(sa_of(WANTED), has=loaded(OTHER_CHILD)))
    actions = planned(wanted, look)
    assert set(actions) == {AddGuard(guard) for guard in ADDED}


def test_a_stack_is_told_only_when_routes_stand() -> None:
    wanted = want(routes=frozenset({OWN}))
    assert planned(wanted, seen(stack=stack())) == [AddRoute(OWN)]


@pytest.mark.parametrize(
    "wanted",
    [
        want(link=None, guards=NEW_GUARDS),
        want(link=None, routes=frozenset({OWN})),
        want(link=None, guards=NEW_GUARDS, routes=frozenset({OWN})),
    ],
)
def test_silence_waits_for_nothing(wanted: Desired) -> None:
    """A guard or a route that cannot be put is no reason to let S1 go on."""
    assert Tell(None) in planned(wanted, seen())


def test_outside_starts_only_when_the_guards_are_gone() -> None:
    wanted = want(
        link=link(local=OUTER, inside=False), guards=guards_of(sources=(INNER,)), connection=None
    )
    closed = seen(stack=stack(), charon=up(has=loaded(secrets=False)))
    assert not any(isinstance(action, Tell) for action in planned(wanted, closed))
    assert RemoveGuard(Unreachable(ANY, host(MME))) in planned(wanted, closed)
    open_now = replace(closed, kernel=kernel(*guards_of(sources=(INNER,))))
    assert planned(wanted, open_now) == [Tell(link(local=OUTER, inside=False))]


NOT_SETTLED: dict[str, Stack] = {
    "has not acknowledged": stack(link(MME_2), acknowledged=False),
    "was not told": stack(link(MME)),
}


@pytest.mark.parametrize("name", NOT_SETTLED)
def test_nothing_is_taken_away_that_the_stack_may_use(name: str) -> None:
    wanted = want(
        connection=OTHER_CHILD,
        link=link(MME_2),
        guards=guards_of(CORE, host(MME_2), sources=(INNER,)),
    )
    look = seen(
        kernel=kernel(*NEW_GUARDS, routes=(*kernel().routes, OWN)),
        charon=up(
            sa_of(WANTED, children=(*sa_of(WANTED).children, *sa_of(OTHER_CHILD, 2).children)),
            has=loaded(OTHER_CHILD),
        ),
        stack=NOT_SETTLED[name],
    )
    taken = RemoveGuard | RemoveRoute | TerminateChild | TerminateIke
    assert not any(isinstance(action, taken) for action in planned(wanted, look))


def test_what_is_held_keeps_all_that_it_rests_on() -> None:
    wanted = want(connection=None, guards=frozenset(), link=Hold.HOLD)
    look = seen(kernel=kernel(*GUARDS, routes=(*kernel().routes, OWN)))
    assert planned(wanted, look) == []


def test_an_old_child_stays_until_the_new_one_carries() -> None:
    wanted = want(connection=OTHER_CHILD)
    look = seen(charon=up(sa_of(WANTED), has=loaded(OTHER_CHILD)))
    assert planned(wanted, look) == [Initiate(OTHER_CHILD.name, OTHER_CHILD.child.name)]


def test_an_old_gateway_stays_until_the_new_one_carries() -> None:
    wanted = want(connection=OTHER_GATEWAY)
    look = seen(charon=up(sa_of(WANTED), has=loaded(WANTED, OTHER_GATEWAY)))
    assert planned(wanted, look) == [Initiate(OTHER_GATEWAY.name, OTHER_GATEWAY.child.name)]


def test_old_blocks_go_when_those_of_the_other_kind_of_esp_stand() -> None:
    of_any, of_wan = guards_of(CORE), guards_of(CORE, device=WAN)
    wanted = want(guards=of_wan, connection=None, link=Hold.HOLD)
    both = seen(kernel=kernel(*(of_any | of_wan)))
    removed = {RemoveGuard(guard) for guard in of_any - of_wan}
    assert set(planned(wanted, both)) == removed
    assert len(removed) == len(Direction)
    first = seen(kernel=kernel(*of_any))
    assert planned(wanted, first) == [AddGuard(Block(ANY, CORE, WAN))]


# Unknown is not absent.


def test_of_a_kernel_that_cannot_be_read_nothing_follows() -> None:
    assert plan(want(), seen(kernel=NOBODY), Tunnel(Condition.UNKNOWN)) == []


def test_a_charon_that_does_not_answer_is_told_nothing() -> None:
    wanted = want(connection=OTHER_GATEWAY, guards=NEW_GUARDS, link=Hold.HOLD)
    actions = planned(wanted, seen(charon=NOBODY))
    assert set(actions) == {AddGuard(guard) for guard in ADDED}


def test_a_connection_that_cannot_be_said_yet_touches_nothing_of_charon() -> None:
    wanted = want(connection=Unknown("names are being looked up"))
    look = seen(charon=up(sa_of(WANTED), sa_of(OTHER_GATEWAY, 2), has=loaded(OTHER_GATEWAY)))
    assert planned(wanted, look) == []


def test_a_stack_that_does_not_answer_keeps_its_guards() -> None:
    wanted = want(guards=guards_of(CORE, sources=(INNER,)), link=None)
    assert not any(isinstance(a, RemoveGuard) for a in planned(wanted, seen(stack=NOBODY)))


def test_what_would_leave_the_box_is_stopped_first() -> None:
    """A flush of all policies opens everything: what comes in can wait, for it is no leak."""
    wanted = want(guards=guards_of(CORE, sources=(INNER,)), link=None)
    missing = missing_guards(wanted, kernel())
    kinds = ["rule" if isinstance(g, Unreachable) else g.direction.value for g in missing]
    assert list(dict.fromkeys(kinds)) == ["rule", "out", "fwd", "in"]
    assert len(kinds) == len(wanted.guards)


def test_without_a_word_of_the_stack_a_guard_goes_only_with_its_inner_address() -> None:
    wanted = want(guards=guards_of(CORE, host(MME)), link=None)
    gone = seen(stack=NOBODY, kernel=kernel(*GUARDS, inner=()), charon=up(has=loaded(WANTED)))
    for sides in ((host(INNER), ANY), (ANY, host(INNER))):
        assert RemoveGuard(Unreachable(*sides)) in planned(wanted, gone)
    there = seen(stack=NOBODY, charon=up(has=loaded(WANTED)))
    assert RemoveGuard(Block(host(INNER), ANY, 0)) not in planned(wanted, there)


@pytest.mark.parametrize("mode", EspMode)
@pytest.mark.parametrize("name", TABLE)
def test_each_action_is_planned_once(name: str, mode: EspMode) -> None:
    wanted, look, _ = TABLE[name]
    if isinstance(look.charon, Charon):
        look = replace(look, charon=replace(look.charon, mode=mode))
    actions = planned(wanted, look)
    assert len(actions) == len(set(actions))


def test_a_link_that_differs_in_anything_is_told() -> None:
    told = link()
    others: list[S1Link] = [
        replace(told, local=INNER_2),
        replace(told, peers=link(MME_2).peers),
        replace(told, may_transmit=True),
        replace(told, cell=replace(told.cell, tac=2)),
        replace(told, peers=link(MME, MME_2).peers),
    ]
    for other in others:
        assert planned(want(link=other), seen()) == [Tell(other)]
