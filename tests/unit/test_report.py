"""What was read of the world → the read-only parameters."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from henbd.control.report import connection_request, report
from henbd.control.tunnel import Condition, Tunnel, judge
from henbd.model import paths
from henbd.model.tree import Tree
from henbd.values import Address, AddressFamily, Observed, PeerState, Stack, Unknown
from tests.unit.settings import factory, ipsec
from tests.unit.sights import (
    CORE,
    GATEWAY,
    INNER,
    INNER6,
    INNER_2,
    MME,
    NOBODY,
    charon,
    child_sa,
    ike_sa,
    kernel,
    link,
    observed,
    stack,
)

NETWORK6 = ip_network("2001:db8::/32")
ROW, ROW6 = paths.INNER_IPV4, paths.INNER_IPV6
FACTORY = factory()
UP = judge(charon(ike_sa()), kernel())
DOWN = Tunnel(Condition.DOWN)


def told(
    seen: Observed | None = None,
    tunnel: Tunnel = UP,
    before: Tree = FACTORY,
    *,
    stack_lost: bool = False,
) -> Tree:
    """Return the tree after a look."""
    return report(before, seen or observed(), tunnel, stack_lost=stack_lost)


def test_a_tunnel_that_is_up_is_told_with_all_its_parts() -> None:
    values, known = told().values, told(observed(charon=charon()), DOWN).values
    fresh = {path: value for path, value in values.items() if known.get(path) != value}
    filters = {path: fresh.pop(path) for path in [*fresh] if path.startswith(paths.FILTERS)}
    assert filters.keys() == {p for p in values if p.startswith(paths.FILTERS)}
    assert filters[paths.FILTERS + "2.DestIP"] == str(MME)
    assert filters[paths.FILTERS + "1.DestIP"] == str(CORE.network_address)
    assert filters[paths.FILTERS + "1.DestMask"] == str(CORE.netmask)
    assert filters[paths.FILTERS + "1.ProcessingChoice"] == "Protect"
    assert fresh == {
        paths.IPSEC + "FilterNumberOfEntries": "2",
        paths.TUNNEL_FILTERS: f"{paths.FILTERS}1,{paths.FILTERS}2",
        paths.INTERFACE + "Status": "Up",
        paths.INTERFACE + "Name": "dev2",
        ROW + "Status": "Enabled",
        ROW + "IPAddress": str(INNER),
        ROW + "SubnetMask": "255.255.255.255",
        paths.IKE_SA + "Status": "Up",
        paths.IKE_SA + "LocalAddress": str(INNER),
        paths.IKE_SA + "RemoteAddress": str(GATEWAY),
    }
    assert values[paths.REMOTE_ENDPOINTS] == "segw.example"


def test_filters_are_the_traffic_selectors_each_once_and_stay_without_the_tunnel() -> None:
    both = child_sa(CORE, NETWORK6), child_sa(CORE, unique_id=9)
    tree = told(tunnel=judge(charon(ike_sa(*both)), kernel()))
    assert tree.value(paths.TUNNEL_FILTERS) == f"{paths.FILTERS}1,{paths.FILTERS}2"
    assert tree.value(paths.FILTERS + "2.DestMask") == "ffff:ffff::"
    away = told(observed(charon=charon()), DOWN, tree)
    assert away.value(paths.TUNNEL_FILTERS) == f"{paths.FILTERS}1,{paths.FILTERS}2"
    one = told(tunnel=judge(charon(ike_sa(child_sa(CORE))), kernel()), before=away)
    assert one.instances[paths.FILTERS] == (1,)


@pytest.mark.parametrize(
    "condition",
    [c for c in Condition if c not in (Condition.UP, Condition.UNKNOWN)],
)
def test_absence_is_no_value(condition: Condition) -> None:
    before = told()
    after = told(observed(charon=charon()), Tunnel(condition), before).values
    assert after[ROW + "IPAddress"] == str(INNER)
    assert after[paths.IKE_SA + "LocalAddress"] == str(INNER)
    assert after[ROW + "Status"] == "Disabled"
    assert after[paths.INTERFACE + "Status"] == "Down"
    assert after[paths.IKE_SA + "Status"] == "Down"


def test_the_same_look_again_gives_the_same_tree() -> None:
    once = told()
    assert told(before=once) is once


def test_of_an_unknown_tunnel_nothing_is_said() -> None:
    before = told()
    seen = observed(charon=NOBODY)
    assert told(seen, Tunnel(Condition.UNKNOWN), before) is before


def test_of_an_unknown_stack_nothing_is_said_before_it_is_lost() -> None:
    before = told()
    seen = observed(stack=NOBODY)
    assert told(seen, before=before) is before
    assert told(seen, before=before, stack_lost=True).values[paths.OP_STATE] == "false"
    assert told(seen, before=before, stack_lost=True).values[paths.RF_TX_STATUS] == "false"


@pytest.mark.parametrize(
    ("seen", "op_state", "transmitting"),
    [
        (stack(link()), "true", "false"),
        (replace(stack(link()), transmitting=True), "true", "true"),
        (stack(link(), PeerState.SETUP), "false", "false"),
        (stack(), "false", "false"),
    ],
)
def test_op_state_is_s1_and_rf_tx_status_is_the_radio(
    seen: Stack | Unknown, op_state: str, transmitting: str
) -> None:
    values = told(observed(stack=seen)).values
    assert values[paths.OP_STATE] == op_state
    assert values[paths.RF_TX_STATUS] == transmitting


def test_another_inner_address_takes_the_place_of_the_old_one() -> None:
    moved = judge(charon(ike_sa(inner=(INNER_2,))), kernel(inner=(INNER_2,)))
    values = told(tunnel=moved, before=told()).values
    assert values[ROW + "IPAddress"] == str(INNER_2)
    assert values[paths.IKE_SA + "LocalAddress"] == str(INNER_2)


def test_each_family_has_its_row() -> None:
    both = factory(ipsec=ipsec(families=(AddressFamily.IPV4, AddressFamily.IPV6)))
    tunnel = judge(charon(ike_sa(child_sa(), inner=(INNER, INNER6))), kernel(inner=(INNER, INNER6)))
    values = told(tunnel=tunnel, before=both).values
    assert values[ROW + "IPAddress"] == str(INNER)
    assert values[ROW6 + "IPAddress"] == str(INNER6)
    assert values[ROW6 + "Status"] == "Enabled"


def test_an_address_of_a_family_that_was_not_asked_for_has_no_row() -> None:
    tunnel = judge(charon(ike_sa(inner=(INNER6,))), kernel(inner=(INNER6,)))
    values = told(tunnel=tunnel).values
    assert values[ROW + "Status"] == "Disabled"
    assert values[paths.INTERFACE + "Status"] == "Up"
    assert not any(path.startswith(ROW6) for path in values)


def test_a_box_without_ipsec_has_no_tunnel_to_tell_of() -> None:
    tree = told(tunnel=DOWN, before=factory(ipsec=None))
    assert tree.values[paths.IPSEC_STATUS] == "Disabled"


@pytest.mark.conformance("C160")
@pytest.mark.parametrize(
    ("local", "url"),
    [
        (INNER, "http://10.99.0.1:7547/path"),
        (ip_address("2001:db8::1"), "http://[2001:db8::1]:7547/path"),
    ],
)
def test_the_connection_request_url_names_the_address(local: Address, url: str) -> None:
    tree = connection_request(FACTORY, local, 7547, "/path")
    assert tree.values[paths.CONNECTION_REQUEST_URL] == url


def test_without_an_address_the_connection_request_url_stays() -> None:
    tree = connection_request(FACTORY, INNER, 7547, "/path")
    assert connection_request(tree, None, 7547, "/path") is tree
