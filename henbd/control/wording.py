"""How an action, and what is asked of us, read in the log: one line each, key facts first.

A line is short however long the lists in it are, and has no secret in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from henbd.actions import (
    Action,
    AddGuard,
    AddInterface,
    AddRoute,
    Initiate,
    LoadConnection,
    LoadCredentials,
    MarkKey,
    RemoveAddress,
    RemoveGuard,
    RemoveInterface,
    RemoveRoute,
    Tell,
    TerminateChild,
    TerminateIke,
    UnloadConnection,
    UnloadKey,
    UnloadSecret,
)
from henbd.values import (
    Block,
    Cell,
    Certificate,
    Connection,
    Guard,
    Provisioned,
    Route,
    S1Link,
)

# More of a list than these says no more to a person; how many there are does.
MOST_LISTED = 4


def worded(action: Action) -> str:
    """Return an action as a line: its name, and in brackets what it is about."""
    return f"{type(action).__name__}({_about(action)})"


def provisioned(asked: Provisioned) -> str:
    """Return what the parameters ask of tunnel and S1."""
    where = "inside" if asked.s1_inside else "outside"
    ends = f"to {_listed(asked.far_ends)} port {asked.port}" if asked.far_ends else "stays down"
    facts = [
        f"S1 {where} the tunnel, {ends}",
        f"mode {asked.mode.value}",
        f"gateways {_listed(asked.gateways) or 'none'}",
        f"AdminState {str(asked.admin_state).lower()}",
        _cell(asked.cell),
    ]
    return ", ".join(facts)


def _about(action: Action) -> str:
    match action:
        case AddGuard(guard) | RemoveGuard(guard):
            return _guard(guard)
        case AddRoute(route) | RemoveRoute(route):
            return _route(route)
        case AddInterface(interface):
            return f"{interface.name}, if_id={interface.if_id}"
        case RemoveInterface(device):
            return f"{device.name}, index={device.index}"
        case RemoveAddress(address):
            return f"{address.address}, device={address.device}"
        case LoadCredentials(connection) | MarkKey(connection):
            return _credentials(connection)
        case LoadConnection(connection):
            return _connection(connection)
        case UnloadConnection(name) | UnloadKey(name) | UnloadSecret(name):
            return name
        case Initiate(connection, child):
            return f"{connection}, child={child}"
        case TerminateIke(unique_id) | TerminateChild(unique_id):
            return f"unique_id={unique_id}"
        case Tell(link):
            return "stay down" if link is None else _link(link)
        case _:
            assert_never(action)


def _guard(guard: Guard) -> str:
    if not isinstance(guard, Block):
        return f"from {guard.source} to {guard.destination}, unreachable"
    device = f", device={guard.device}" if guard.device else ""
    return f"from {guard.source} to {guard.destination}, block {guard.direction.value}{device}"


def _route(route: Route) -> str:
    facts = [f"to {route.destination}", f"source={route.source}", f"device={route.device}"]
    if route.gateway is not None:
        facts.append(f"gateway={route.gateway}")
    facts += [f"table={route.table}", f"metric={route.metric}"]
    if route.mtu:
        facts.append(f"mtu={route.mtu}")
    return ", ".join(facts)


def _credentials(connection: Connection) -> str:
    if isinstance(connection.credentials, Certificate):
        return f"{connection.name}, key={connection.credentials.key_id}"
    return f"{connection.name}, shared secret"


def _connection(connection: Connection) -> str:
    facts = [
        connection.name,
        f"gateway={connection.gateway}",
        f"child={connection.child.name}",
        f"networks={_listed(connection.child.networks)}",
        f"local_id={connection.local_id}",
        f"remote_id={connection.remote_id}",
    ]
    return ", ".join(facts)


def _link(link: S1Link) -> str:
    peers = _listed(f"{peer.address} port {peer.port}" for peer in link.peers)
    where = "inside" if link.inside else "outside"
    may = "may" if link.may_transmit else "may not"
    return f"from {link.local} to {peers}, {where} the tunnel, {may} transmit, {_cell(link.cell)}"


def _cell(cell: Cell) -> str:
    return f"cell {cell.identity} TAC {cell.tac} PLMN {_listed(cell.plmns, ' ') or 'none'}"


def _listed(things: Iterable[object], comma: str = ", ") -> str:
    texts = [str(thing) for thing in things]
    more = len(texts) - MOST_LISTED
    return comma.join(texts[:MOST_LISTED]) + (f" and {more} more" if more > 0 else "")
