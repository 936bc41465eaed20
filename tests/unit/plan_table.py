"""What is wanted, what is there, and what is to be done now: the table of the plan."""

from __future__ import annotations

from dataclasses import replace

from henbd.actions import (
    Action,
    AddGuard,
    AddRoute,
    Initiate,
    LoadConnection,
    LoadCredentials,
    RemoveGuard,
    RemoveRoute,
    Tell,
    TerminateChild,
    TerminateIke,
    UnloadConnection,
)
from henbd.control.connection import connection
from henbd.control.plan import plan
from henbd.control.routing import CHARON_TABLE
from henbd.control.tunnel import judge
from henbd.values import (
    Charon,
    Connection,
    Desired,
    Hold,
    IkeSa,
    Loaded,
    Observed,
    Route,
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
OWN = Route(host(MME), TUN, None, INNER, CHARON_TABLE, 0, ours=True)


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


def up(*sas: IkeSa, has: Loaded | None = None, initiating: frozenset[str] = frozenset()) -> Charon:
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


NEW_GUARDS = guards_of(CORE, host(MME), host(MME_2), sources=(INNER,))
ADDED = NEW_GUARDS - GUARDS

# What is wanted, what is there, and what is to be done now.
TABLE: dict[str, tuple[Desired, Observed, list[Action]]] = {
    "a missing guard is added": (
        want(guards=GUARDS | {Unreachable(ANY, host(MME_2))}),
        seen(),
        [AddGuard(Unreachable(ANY, host(MME_2)))],
    ),
    "a guard that nobody needs goes": (
        want(),
        seen(kernel=kernel(*GUARDS, Unreachable(ANY, host(MME_2)))),
        [RemoveGuard(Unreachable(ANY, host(MME_2)))],
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
        seen(charon=up(initiating=frozenset({WANTED.name})), stack=stack()),
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
    "the younger one of two IKE_SAs of a connection counts alone": (
        want(connection=OTHER_CHILD, link=link(MME_2)),
        seen(charon=up(sa_of(WANTED), sa_of(OTHER_CHILD, 2), has=loaded(OTHER_CHILD))),
        [TerminateIke(1), Tell(link(MME_2))],
    ),
    "though the older one carries what is wanted": (
        want(connection=OTHER_CHILD, link=link(MME_2)),
        seen(
            charon=up(sa_of(WANTED, 2), sa_of(OTHER_CHILD), has=loaded(OTHER_CHILD)),
            stack=stack(link(MME_2)),
        ),
        [TerminateIke(1)],
    ),
    "or carries nothing": (
        want(),
        seen(charon=up(sa_of(WANTED, children=()), sa_of(WANTED, 2))),
        [TerminateIke(1)],
    ),
    "or is the only one to carry anything": (
        want(),
        seen(charon=up(sa_of(WANTED), sa_of(WANTED, 2, children=()))),
        [TerminateIke(1)],
    ),
    "one that is made before the other is broken is left to charon": (
        want(),
        seen(charon=up(sa_of(WANTED), sa_of(WANTED, 2))),
        [],
    ),
    "one that was granted no address takes nobody's place": (
        want(),
        seen(charon=up(sa_of(WANTED), sa_of(WANTED, 2, inner=(), children=()))),
        [],
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
