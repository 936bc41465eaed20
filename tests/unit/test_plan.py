"""Want − have = actions, as tables; equal states give none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from henbd.control.connection import connection
from henbd.control.plan import plan
from henbd.control.routing import MAIN_TABLE
from henbd.control.tunnel import Condition, Tunnel, judge
from henbd.values import (
    Action,
    AddGuard,
    AddRoute,
    Block,
    Certificate,
    Charon,
    Connection,
    Desired,
    EspMode,
    Hold,
    IkeSa,
    Initiate,
    LoadConnection,
    LoadCredentials,
    Loaded,
    Observed,
    RemoveGuard,
    RemoveRoute,
    Route,
    S1Link,
    Stack,
    Tell,
    TerminateChild,
    TerminateIke,
    Unknown,
    UnloadConnection,
    Unreachable,
)
from tests.unit.settings import ipsec
from tests.unit.sights import (
    ANY,
    CORE,
    GATEWAY,
    GATEWAY_2,
    INNER,
    INNER_2,
    MME,
    MME_2,
    NOBODY,
    OUTER,
    TUN,
    WAN,
    charon,
    child_sa,
    desired,
    guards_of,
    host,
    ike_sa,
    kernel,
    link,
    observed,
    route,
    stack,
)

GUARDS = guards_of(CORE, host(MME), sources=(INNER,))
WANTED = connection(GATEWAY, (CORE, host(MME)), ipsec())
OTHER_CHILD = connection(GATEWAY, (CORE, host(MME_2)), ipsec())
OTHER_GATEWAY = connection(GATEWAY_2, (CORE, host(MME)), ipsec())
OWN = Route(host(MME), TUN, None, INNER, MAIN_TABLE, 0, ours=True)


def sa_of(wanted: Connection, unique_id: int = 1, **changes: object) -> IkeSa:
    """Return the established SA of a connection, with its child."""
    child = child_sa(*wanted.child.networks, name=wanted.child.name, unique_id=10 * unique_id + 1)
    sa = ike_sa(child, connection=wanted.name, unique_id=unique_id, gateway=str(wanted.gateway))
    return replace(sa, **changes)  # type: ignore[arg-type]


def loaded(*wanted: Connection, secrets: bool = True) -> Loaded:
    """Return what charon has when these were loaded."""
    names = {each.name: frozenset({each.child.name}) for each in wanted}
    ids = {each.secret_id for each in (WANTED, *wanted)} if secrets else set()
    return Loaded(names, frozenset(), frozenset(ids))


def up(*sas: IkeSa, has: Loaded | None = None, initiating: bool = False) -> Charon:
    """Return a look at a charon that has what is wanted loaded, with these SAs."""
    return charon(*sas, loaded=has or loaded(WANTED), initiating=initiating)


def seen(**changes: object) -> Observed:
    """Return a look at a box that has all that is wanted."""
    found = observed(charon=up(sa_of(WANTED)), kernel=kernel(*GUARDS), stack=stack(link()))
    return replace(found, **changes)  # type: ignore[arg-type]


def want(**changes: object) -> Desired:
    """Return what is wanted of a box whose tunnel and S1 are up."""
    return replace(desired(connection=WANTED, guards=GUARDS), **changes)  # type: ignore[arg-type]


def planned(wanted: Desired, look: Observed) -> list[Action]:
    """Return the actions."""
    return plan(wanted, look, judge(look.charon, look.kernel))


def test_equal_states_give_no_action() -> None:
    assert planned(want(), seen()) == []


NEW_GUARDS = guards_of(CORE, host(MME), host(MME_2), sources=(INNER,))
ADDED = NEW_GUARDS - GUARDS

# What is wanted, what is there, and what is to be done now.
TABLE: dict[str, tuple[Desired, Observed, list[Action]]] = {
    "a missing guard is added": (
        want(guards=GUARDS | {Unreachable(host(MME_2))}),
        seen(),
        [AddGuard(Unreachable(host(MME_2)))],
    ),
    "a guard that nobody needs goes": (
        want(),
        seen(kernel=kernel(*GUARDS, Unreachable(host(MME_2)))),
        [RemoveGuard(Unreachable(host(MME_2)))],
    ),
    "a missing route is added": (want(routes=frozenset({OWN})), seen(), [AddRoute(OWN)]),
    "a route that nobody needs goes": (
        want(),
        seen(kernel=kernel(*GUARDS, routes=(*kernel().routes, OWN))),
        [RemoveRoute(OWN)],
    ),
    "a route of somebody else stays": (
        want(),
        seen(kernel=kernel(*GUARDS, routes=(*kernel().routes, route(host(MME_2), WAN)))),
        [],
    ),
    "an empty charon gets credentials and connection": (
        want(link=None),
        seen(charon=up(has=loaded(secrets=False)), stack=stack()),
        [LoadCredentials(WANTED), LoadConnection(WANTED)],
    ),
    "credentials that are there are not loaded again": (
        want(link=None),
        seen(charon=up(has=loaded()), stack=stack()),
        [LoadConnection(WANTED)],
    ),
    "a loaded child that is not up is initiated": (
        want(link=None),
        seen(charon=up(), stack=stack()),
        [Initiate(WANTED.name, WANTED.child.name)],
    ),
    "a gateway that is to be left alone is not": (
        want(link=None, may_initiate=False),
        seen(charon=up(), stack=stack()),
        [],
    ),
    "while an initiation is outstanding there is no other": (
        want(link=None),
        seen(charon=up(initiating=True), stack=stack()),
        [],
    ),
    "while an IKE_SA is being negotiated there is no other": (
        want(link=None),
        seen(
            charon=up(sa_of(WANTED, established=False, connecting=True, inner=(), children=())),
            stack=stack(),
        ),
        [],
    ),
    "an IKE_SA without an inner address never gets one": (
        want(link=None),
        seen(charon=up(sa_of(WANTED, inner=(), children=())), stack=stack()),
        [TerminateIke(1), Initiate(WANTED.name, WANTED.child.name)],
    ),
    "a lost child is negotiated under its IKE_SA": (
        want(link=Hold.HOLD),
        seen(charon=up(sa_of(WANTED, children=()))),
        [Initiate(WANTED.name, WANTED.child.name)],
    ),
    "an address that was taken away is had again by a new IKE_SA": (
        want(link=Hold.HOLD),
        seen(kernel=kernel(*GUARDS, inner=())),
        [TerminateIke(1)],
    ),
    "a look that did not ask what is loaded loads and initiates nothing": (
        want(link=None),
        seen(charon=charon(), stack=stack()),
        [],
    ),
    "an SA and a connection of somebody else stay": (
        want(),
        seen(
            charon=up(
                sa_of(WANTED),
                ike_sa(connection="operator", unique_id=7),
                has=replace(
                    loaded(WANTED),
                    connections={**loaded(WANTED).connections, "operator": frozenset()},
                ),
            )
        ),
        [],
    ),
    "what is not wanted any longer is unloaded": (
        want(),
        seen(charon=up(sa_of(WANTED), has=loaded(WANTED, OTHER_GATEWAY))),
        [UnloadConnection(OTHER_GATEWAY.name)],
    ),
    "without a tunnel wanted all of ours goes": (
        want(connection=None, link=None),
        seen(stack=stack()),
        [TerminateIke(1), UnloadConnection(WANTED.name)],
    ),
    "a stack that was told nothing is told": (want(), seen(stack=stack()), [Tell(link())]),
    "a stack is silenced": (want(link=None), seen(), [Tell(None)]),
    "what is held is left": (want(link=Hold.HOLD), seen(stack=stack(link(MME_2))), []),
    "a stack that does not answer is told nothing": (want(), seen(stack=NOBODY), []),
    "inside to outside goes by way of silence": (
        want(link=link(local=OUTER, inside=False)),
        seen(),
        [Tell(None)],
    ),
    "a new child stands beside the old one until the stack has moved": (
        want(connection=OTHER_CHILD, guards=NEW_GUARDS, link=link(MME_2)),
        seen(
            kernel=kernel(*NEW_GUARDS),
            charon=up(
                sa_of(WANTED, children=(*sa_of(WANTED).children, *sa_of(OTHER_CHILD, 2).children)),
                has=loaded(OTHER_CHILD),
            ),
        ),
        [Tell(link(MME_2))],
    ),
    "then it goes": (
        want(connection=OTHER_CHILD, link=link(MME_2)),
        seen(
            charon=up(
                sa_of(WANTED, children=(*sa_of(WANTED).children, *sa_of(OTHER_CHILD, 2).children)),
                has=loaded(OTHER_CHILD),
            ),
            stack=stack(link(MME_2)),
        ),
        [TerminateChild(11)],
    ),
    "a new IKE_SA stands beside the old one until the stack has moved": (
        want(connection=OTHER_GATEWAY, link=link(local=INNER_2)),
        seen(
            charon=up(
                sa_of(WANTED),
                sa_of(OTHER_GATEWAY, 2, inner=(INNER_2,)),
                has=loaded(WANTED, OTHER_GATEWAY),
            ),
            kernel=kernel(*GUARDS, inner=(INNER, INNER_2)),
        ),
        [Tell(link(local=INNER_2))],
    ),
    "then it goes, connection and all": (
        want(connection=OTHER_GATEWAY, link=link(local=INNER_2)),
        seen(
            charon=up(
                sa_of(WANTED),
                sa_of(OTHER_GATEWAY, 2, inner=(INNER_2,)),
                has=loaded(WANTED, OTHER_GATEWAY),
            ),
            kernel=kernel(*GUARDS, inner=(INNER, INNER_2)),
            stack=stack(link(local=INNER_2)),
        ),
        [TerminateIke(1), UnloadConnection(WANTED.name)],
    ),
    "an attempt with a gateway that is given up is ended": (
        want(connection=OTHER_GATEWAY, link=None),
        seen(
            charon=up(
                sa_of(WANTED, established=False, connecting=True, inner=(), children=()),
                has=loaded(OTHER_GATEWAY),
            ),
            stack=stack(),
        ),
        [Initiate(OTHER_GATEWAY.name, OTHER_GATEWAY.child.name), TerminateIke(1)],
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_is_wanted_and_not_there_is_done(name: str) -> None:
    wanted, look, actions = TABLE[name]
    assert planned(wanted, look) == actions


def test_a_private_key_is_loaded_by_its_id() -> None:
    certificate = Certificate(b"certificate", b"key", "ab" * 20, ())
    wanted = connection(GATEWAY, (CORE,), ipsec(credentials=certificate))
    has = Loaded({}, frozenset(), frozenset({wanted.secret_id}))
    look = seen(charon=up(has=has), stack=stack())
    assert planned(want(connection=wanted, link=None), look)[0] == LoadCredentials(wanted)
    has = replace(has, keys=frozenset({"ab" * 20}))
    look = seen(charon=up(has=has), stack=stack())
    assert planned(want(connection=wanted, link=None), look)[0] == LoadConnection(wanted)


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
    closed = seen(stack=stack(), charon=up(has=loaded()))
    assert not any(isinstance(action, Tell) for action in planned(wanted, closed))
    assert RemoveGuard(Unreachable(host(MME))) in planned(wanted, closed)
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
    assert planned(wanted, both) == [RemoveGuard(Block(ANY, CORE, 0))]
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


def test_without_a_word_of_the_stack_a_guard_goes_only_with_its_inner_address() -> None:
    wanted = want(guards=guards_of(CORE, host(MME)), link=None)
    gone = seen(stack=NOBODY, kernel=kernel(*GUARDS, inner=()), charon=up(has=loaded(WANTED)))
    assert RemoveGuard(Block(host(INNER), ANY, 0)) in planned(wanted, gone)
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
