"""How actions read in the log: key facts first, short whatever is in them, and no secret."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import get_args

import pytest

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
from henbd.control import wording
from henbd.control.connection import connection
from henbd.control.guard import host
from henbd.control.wording import worded
from henbd.values import (
    Block,
    Certificate,
    Device,
    Direction,
    FarEnd,
    Interface,
    InterfaceAddress,
    PresharedKey,
    Unreachable,
)
from tests.unit.settings import ipsec
from tests.unit.sights import (
    ANY,
    CORE,
    GATEWAY,
    INNER,
    MME,
    ROUTER,
    WAN,
    link,
    provisioned,
    route,
)

SECRET = b"a secret of fifty characters, or a key in DER form"
WANTED = replace(
    connection(GATEWAY, (CORE, host(MME)), ipsec()),
    name="henbd-1",
    local_id="henb.example",
    remote_id="segw.example",
)
CERTIFIED = replace(WANTED, credentials=Certificate(b"cert", SECRET, "0011aabb", (b"ca",)))
SHARED = replace(WANTED, credentials=PresharedKey(SECRET))
CHILD = WANTED.child.name

CASES: list[tuple[Action, str]] = [
    (AddGuard(Unreachable(ANY, CORE)), "AddGuard(from 0.0.0.0/0 to 10.30.0.0/24, unreachable)"),
    (
        RemoveGuard(Block(ANY, CORE, WAN, Direction.OUT)),
        "RemoveGuard(from 0.0.0.0/0 to 10.30.0.0/24, block out, device=2)",
    ),
    (
        AddGuard(Block(CORE, ANY, 0, Direction.FORWARD)),
        "AddGuard(from 10.30.0.0/24 to 0.0.0.0/0, block fwd)",
    ),
    (
        AddRoute(route(host(MME), WAN, gateway=ROUTER, source=INNER, mtu=1400)),
        (
            "AddRoute(to 10.40.0.1/32, source=10.99.0.1, device=2, gateway=192.0.2.1, "
            "table=254, metric=0, mtu=1400)"
        ),
    ),
    (
        RemoveRoute(route(CORE, WAN)),
        "RemoveRoute(to 10.30.0.0/24, source=None, device=2, table=254, metric=0)",
    ),
    (AddInterface(Interface("s1", 7)), "AddInterface(s1, if_id=7)"),
    (
        RemoveInterface(Device(9, "s1", up=True, loopback=False, carries_tunnel=True)),
        "RemoveInterface(s1, index=9)",
    ),
    (
        RemoveAddress(InterfaceAddress(INNER, 9, usable=True)),
        "RemoveAddress(10.99.0.1, device=9)",
    ),
    (LoadCredentials(CERTIFIED), "LoadCredentials(henbd-1, key=0011aabb)"),
    (LoadCredentials(SHARED), "LoadCredentials(henbd-1, shared secret)"),
    (
        LoadConnection(CERTIFIED),
        (
            f"LoadConnection(henbd-1, gateway=192.0.2.101, child={CHILD}, "
            "networks=10.30.0.0/24, 10.40.0.1/32, local_id=henb.example, remote_id=segw.example)"
        ),
    ),
    (MarkKey(CERTIFIED), "MarkKey(henbd-1, key=0011aabb)"),
    (UnloadKey("0011aabb"), "UnloadKey(0011aabb)"),
    (UnloadSecret("henbd-key-0011aabb"), "UnloadSecret(henbd-key-0011aabb)"),
    (UnloadConnection("henbd-1"), "UnloadConnection(henbd-1)"),
    (Initiate("henbd-1", CHILD), f"Initiate(henbd-1, child={CHILD})"),
    (TerminateIke(3), "TerminateIke(unique_id=3)"),
    (TerminateChild(4), "TerminateChild(unique_id=4)"),
    (Tell(None), "Tell(stay down)"),
    (
        Tell(link()),
        (
            "Tell(from 10.99.0.1 to 10.40.0.1 port 36412, inside the tunnel, may not transmit, "
            "cell 1 TAC 1 PLMN 00101)"
        ),
    ),
]


@pytest.mark.parametrize(("action", "line"), CASES)
def test_an_action_has_its_facts_in_a_line(action: Action, line: str) -> None:
    assert worded(action) == line


def test_there_is_a_line_for_each_action() -> None:
    kinds = {kind for party in get_args(Action) for kind in get_args(party) or (party,)}
    assert {type(action) for action, _ in CASES} == kinds


def test_what_is_asked_has_its_facts_in_a_line() -> None:
    assert wording.provisioned(provisioned()) == (
        "S1 inside the tunnel, to 10.40.0.1 port 36412, mode One, "
        "gateways 192.0.2.101, 192.0.2.102, AdminState false, cell 1 TAC 1 PLMN 00101"
    )
    nothing = replace(provisioned(), far_ends=(), gateways=(), s1_inside=False)
    assert wording.provisioned(nothing).startswith("S1 outside the tunnel, stays down, ")


def test_of_long_lists_a_line_has_the_beginning() -> None:
    networks = tuple(ip_network((0x0A000000 + (n << 8), 24)) for n in range(250))
    peers = tuple(FarEnd(ip_address(0x0A000001 + n), 36412) for n in range(32))
    load = LoadConnection(replace(WANTED, child=replace(WANTED.child, networks=networks)))
    tell = Tell(replace(link(), peers=peers))
    assert "10.0.3.0/24 and 246 more" in worded(load)
    assert "10.0.0.4 port 36412 and 28 more" in worded(tell)
    assert max(len(worded(load)), len(worded(tell))) < 300
