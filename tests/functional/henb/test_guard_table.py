"""The guards in every state of tunnel and charon: who gets out, and that it is never in the clear.

Each row is a state, each column a kind of socket, for both families. What is told is the error that
a program meets; that nothing was on the wire is for the capture to say.
"""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Callable, Iterable
from functools import partial
from ipaddress import ip_address

import pytest

from henbd.control.course import LOST_S
from henbd.values import Network
from tests.functional.henb.planes import PLANES
from tests.functional.kernel.kernel_box import SCTP, SENT, TCP, send
from tests.lab import topology
from tests.lab.charon import kernel_has_esp
from tests.lab.events import PATIENCE
from tests.lab.lab import Lab, Options, provisioning
from tests.lab.namespaces import Address
from tests.lab.probe import eventually, ping, unanswered
from tests.lab.topology import MME, MME_6

BOTH = {
    "networks": ["10.30.0.0/24", "fd00:30::/64"],
    "addresses": ["ipv4", "ipv6"],
    "dpd_s": 2,
}
pytestmark = [pytest.mark.matrix, pytest.mark.timeout(180 * PATIENCE)]

FAR_ENDS: tuple[Address, ...] = (MME, MME_6)
OUTER = {4: "10.10.1.2", 6: "fd00:10:1::2"}
# A way leads there, but none through the tunnel.
ELSEWHERE: dict[int, Address] = {4: topology.GATEWAY, 6: topology.GATEWAY_6}
ROUTER = {"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1"}
POOLS: dict[int, Network] = {4: topology.POOLS, 6: topology.POOLS_6}
STOPPED = {errno.EHOSTUNREACH, errno.EPERM, errno.ENETUNREACH, errno.EACCES}


@pytest.fixture(params=PLANES)
def options(request: pytest.FixtureRequest) -> Options:
    """Every way to do ESP that this kernel has."""
    ours, charon = PLANES[request.param]
    return Options(configuration={"ipsec": {**BOTH, **ours}}, henb_charon=charon)


def outcomes(lab: Lab, far_end: Address) -> dict[str, int]:
    """Return what sockets of each kind meet that send to a far end."""
    version = far_end.version
    outer, inner = ip_address(OUTER[version]), inner_addresses(lab, version)
    with lab.net.henb.inside():
        return {
            "free": send(far_end),
            "from the WAN": send(far_end, source=outer),
            "on wan0": send(far_end, device="wan0"),
            "on wan1": send(far_end, device="wan1"),
            "with a mark": send(far_end, mark=7),
            "as SCTP": send(far_end, kind=SCTP),
            "by TCP": send(far_end, kind=TCP),
            **{f"from {a}": send(far_end, source=a) for a in inner},
            **{f"from {a} on wan0": send(far_end, source=a, device="wan0") for a in inner},
            **{f"from {a} elsewhere": send(ELSEWHERE[version], source=a) for a in inner},
        }


def inner_addresses(lab: Lab, version: int) -> list[Address]:
    """Return the inner addresses that linger on any interface, wanted or not."""
    links = json.loads(lab.net.henb.run("ip", "-j", "address"))
    held = [ip_address(info["local"]) for link in links for info in link["addr_info"]]
    return [address for address in held if address in POOLS[version]]


def by_policy(lab: Lab) -> bool:
    """Return whether ESP meets packets on their way out, and not behind an interface."""
    return kernel_has_esp() and "if_id" not in (lab.options.configuration["ipsec"] or {})


def closed(lab: Lab, *, but: str = "nobody", gone: Iterable[Address] = ()) -> None:
    """See that nobody gets out at all; `but` is how those end who may still get inside.

    `gone` are inner addresses that are on the box no more: neither gets anything out to them.
    """
    with lab.net.henb.inside():
        assert all(send(address) in STOPPED for address in gone), gone
    for far_end in FAR_ENDS:
        met = {k: v for k, v in outcomes(lab, far_end).items() if not k.endswith(but)}
        assert all(error in STOPPED for error in met.values()), (str(far_end), met)
    assert lab.leaks() == []


def gets_out(lab: Lab, far_end: Address) -> bool:
    return outcomes(lab, far_end)["free"] == SENT


def through(lab: Lab) -> None:
    """See that who leaves the way to the kernel gets inside, and nobody gets out elsewhere.

    Where ESP is by policy, wan0 is the way of the tunnel itself. Its interface takes what comes
    from the WAN as well: nobody is behind it.
    """
    outside = "from the WAN" if by_policy(lab) else "on wan0"
    for far_end in FAR_ENDS:
        # Into an interface of xfrm henbd itself puts the routes, once the tunnel is up.
        assert eventually(partial(gets_out, lab, far_end))
        met = outcomes(lab, far_end)
        shut = [k for k in met if outside in k or "wan1" in k or "elsewhere" in k]
        assert all(met[kind] in STOPPED for kind in shut), (str(far_end), met)
        assert {met[k] for k in ("with a mark", "as SCTP", "by TCP")} == {SENT}, (far_end, met)
        ping(lab.net.henb, far_end)
    assert lab.leaks() == []


def up(lab: Lab) -> bool:
    return lab.answers() and len(lab.status()["tunnel"]["inner_addresses"]) == 2


def start(lab: Lab) -> None:
    lab.hems.play([provisioning(MME)])
    lab.start()


def test_before_the_tunnel_is_up_nobody_gets_out(lab: Lab) -> None:
    lab.gateway.stop()
    start(lab)
    assert eventually(lambda: not lab.status()["guards"]["missing"])
    closed(lab)
    lab.gateway.start()
    assert eventually(lambda: up(lab), 60)
    through(lab)


Deed = Callable[[Lab], None]


def stop_charon(lab: Lab) -> None:
    lab.charon.stop()


def kill_charon(lab: Lab) -> None:
    lab.charon.kill()


def stop_henbd_and_charon(lab: Lab) -> None:
    lab.henbd.stop()
    lab.charon.stop()


def kill_henbd_and_charon(lab: Lab) -> None:
    lab.henbd.kill()
    lab.charon.kill()


@pytest.mark.parametrize(
    "end",
    [stop_charon, kill_charon, stop_henbd_and_charon, kill_henbd_and_charon],
)
def test_when_charon_has_ended_nobody_gets_out_and_afterwards_inside_again(
    lab: Lab, end: Deed
) -> None:
    start(lab)
    assert eventually(lambda: up(lab), 30)
    through(lab)
    inner = [address for version in (4, 6) for address in inner_addresses(lab, version)]
    since = time.monotonic()
    end(lab)
    if kernel_has_esp() and end in (kill_charon, kill_henbd_and_charon):
        # The SAs go on without it: what goes inside is inside still, and the rest is closed.
        through(lab)
    else:
        closed(lab, gone=inner)
    if not lab.henbd.running:
        lab.henbd.start()
    lab.charon.start()
    lab.log.wait("ike-up", 60, since=since)
    assert eventually(lambda: up(lab), 60)
    through(lab)


def test_while_the_gateway_is_away_nobody_gets_out(lab: Lab) -> None:
    start(lab)
    assert eventually(lambda: up(lab), 30)
    lab.net.cut("segw")
    assert eventually(lambda: lab.status()["tunnel"]["condition"] != "up", 40)
    lab.hems.allow_unseen_attempts()
    # henbd's own route into an interface of xfrm, which takes nothing, is gone a moment later.
    assert eventually(lambda: not any(gets_out(lab, far_end) for far_end in FAR_ENDS))
    closed(lab)
    lab.net.restore("segw")
    assert eventually(lambda: up(lab), 60)
    through(lab)


def test_an_address_that_lingers_gets_nobody_out(lab: Lab) -> None:
    """charon hangs, its routes have gone, and the inner addresses are still there."""
    start(lab)
    assert eventually(lambda: up(lab), 30)
    through(lab)
    lab.charon.pause()
    for version in (4, 6):
        lab.net.henb.ip("route flush table 220", version=version)
        assert inner_addresses(lab, version)
    # Where ESP is by policy, the SAs still take what wan0 is given from the inner address.
    closed(lab, but=" on wan0" if by_policy(lab) else "nobody")
    lab.charon.resume()


def test_what_comes_for_an_inner_address_that_has_gone_is_not_passed_on(lab: Lab) -> None:
    """A box that is a router, too, would send it to whom it takes for nearer."""
    start(lab)
    assert eventually(lambda: up(lab), 30)
    through(lab)
    device = lab.inner_device()
    lab.henbd.stop()
    lab.net.henb.sysctl(ROUTER)
    for version in (4, 6):
        (address,) = inner_addresses(lab, version)
        lab.net.henb.ip(f"address del {address}/{address.max_prefixlen} dev {device}")
        assert unanswered(lab.net.core, address)
    assert lab.leaks() == []


def test_routes_of_others_lead_nobody_out(lab: Lab) -> None:
    """A DHCP server's, a router's and an operator's, before the tunnel is up and meanwhile."""
    lab.gateway.stop()
    start(lab)
    assert eventually(lambda: not lab.status()["guards"]["missing"])
    for far_end, via in ((MME, "10.10.1.1"), (MME_6, "fd00:10:1::1")):
        lab.net.henb.ip(
            f"route add {far_end} via {via} dev wan0 proto dhcp",
            f"route add {far_end} via {via} dev wan0 table 1000",
        )
        lab.net.henb.ip("rule add priority 1000 lookup 1000", version=far_end.version)
    closed(lab)
    lab.gateway.start()
    assert eventually(lambda: up(lab), 60)
    through(lab)


def test_flushed_policies_are_put_back_at_once(lab: Lab) -> None:
    """Ours by us, those of the child by charon: it is replaced, where the kernel had them."""
    start(lab)
    assert eventually(lambda: up(lab), 30)
    standing = blocks(lab)
    assert standing
    before = children(lab)
    # Where ESP is by policy, charon's route leads outside until the blocks are back.
    with lab.in_the_clear(*(topology.PROTECTED if by_policy(lab) else ())):
        lab.net.henb.ip("xfrm policy flush")
        assert eventually(lambda: blocks(lab) == standing, 1)
    if kernel_has_esp():
        assert eventually(lambda: not before & children(lab), 10)
    assert eventually(lambda: up(lab), 10)
    through(lab)


def test_whatever_is_rekeyed_is_no_loss_of_policies(lab: Lab) -> None:
    """The kernel's policies change hands; nothing is replaced, and nobody gets out meanwhile."""
    start(lab)
    assert eventually(lambda: up(lab), 30)
    through(lab)
    for rekey in (lab.gateway.rekey_child, lab.gateway.rekey_ike) * 2:
        before = children(lab)
        rekey()
        assert eventually(partial(are_others, lab, before), 10)
        # Somebody who took it for a loss would have told of it by then.
        time.sleep(LOST_S + 0.5)
        through(lab)
    assert "has lost charon's policies" not in lab.henbd.output.read_text()


def children(lab: Lab) -> set[tuple[str, str]]:
    return {(sa.unique_id, c.unique_id) for sa in lab.charon.vici.sas() for c in sa.children}


def are_others(lab: Lab, before: set[tuple[str, str]]) -> bool:
    now = children(lab)
    return bool(now) and not before & now


def blocks(lab: Lab) -> int:
    return lab.net.henb.run("ip", "xfrm", "policy").count("priority 1000000")


def test_a_new_way_out_is_guarded_before_it_has_a_route(lab: Lab) -> None:
    start(lab)
    assert eventually(lambda: up(lab), 30)
    lab.net.henb.ip(
        "link add wan9 type veth peer name far9", "link set wan9 up", "link set far9 up"
    )
    assert eventually(lambda: "wan9" in blocked_devices(lab) or "dev" not in blocked_devices(lab))
    lab.net.henb.ip("address add 10.10.9.2/24 dev wan9", "route add 10.30.0.0/24 dev wan9 metric 5")
    with lab.net.henb.inside():
        assert send(MME, device="wan9") in STOPPED
    assert lab.leaks() == []


def blocked_devices(lab: Lab) -> str:
    return lab.net.henb.run("ip", "xfrm", "policy")
