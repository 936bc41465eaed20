"""The guards in every state of tunnel and charon: who gets out, and that it is never in the clear.

Each row is a state, each column a kind of socket, for both families. What is told is the error that
a program meets; that nothing was on the wire is for the capture to say.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from ipaddress import ip_address

import pytest

from tests.functional.kernel.kernel_box import SENT, send
from tests.lab.charon import kernel_has_esp
from tests.lab.events import PATIENCE
from tests.lab.lab import Lab, provisioning
from tests.lab.namespaces import Address
from tests.lab.probe import eventually, ping
from tests.lab.topology import MME, MME_6

BOTH = {
    "ipsec": {
        "networks": ["10.30.0.0/24", "fd00:30::/64"],
        "addresses": ["ipv4", "ipv6"],
        "dpd_s": 2,
    }
}
pytestmark = [
    pytest.mark.matrix,
    pytest.mark.lab(configuration=BOTH),
    pytest.mark.timeout(180 * PATIENCE),
]

FAR_ENDS: tuple[Address, ...] = (MME, MME_6)
OUTER = {4: "10.10.1.2", 6: "fd00:10:1::2"}
STOPPED = {errno.EHOSTUNREACH, errno.EPERM, errno.ENETUNREACH, errno.EACCES}


def outcomes(lab: Lab, far_end: Address) -> dict[str, int]:
    """Return what sockets of each kind meet that send to a far end."""
    with lab.net.henb.inside():
        return {
            "free": send(far_end),
            "from the WAN": send(far_end, source=ip_address(OUTER[far_end.version])),
            "on wan0": send(far_end, device="wan0"),
            "on wan1": send(far_end, device="wan1"),
        }


def closed(lab: Lab) -> None:
    """See that nobody gets out at all."""
    for far_end in FAR_ENDS:
        met = outcomes(lab, far_end)
        assert all(error in STOPPED for error in met.values()), (str(far_end), met)
    assert lab.leaks() == []


def through(lab: Lab) -> None:
    """See that who leaves the way to the kernel gets inside, and nobody gets out elsewhere."""
    for far_end in FAR_ENDS:
        met = outcomes(lab, far_end)
        assert met["free"] == SENT, (str(far_end), met)
        # Where ESP is by policy, wan0 is the way of the tunnel itself.
        assert met["on wan1"] in STOPPED, (str(far_end), met)
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
    since = time.monotonic()
    end(lab)
    if kernel_has_esp() and end in (kill_charon, kill_henbd_and_charon):
        # The SAs go on without it: what goes inside is inside still, and the rest is closed.
        through(lab)
    else:
        closed(lab)
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
    closed(lab)
    lab.net.restore("segw")
    assert eventually(lambda: up(lab), 60)
    through(lab)


def test_a_new_way_out_is_guarded_before_it_has_a_route(lab: Lab) -> None:
    start(lab)
    assert eventually(lambda: up(lab), 30)
    lab.net.henb.ip(
        "link add wan9 type veth peer name far9", "link set wan9 up", "link set far9 up"
    )
    assert eventually(lambda: "wan9" in blocked_devices(lab) or kernel_has_esp())
    lab.net.henb.ip("address add 10.10.9.2/24 dev wan9", "route add 10.30.0.0/24 dev wan9 metric 5")
    with lab.net.henb.inside():
        assert send(MME, device="wan9") in STOPPED
    assert lab.leaks() == []


def blocked_devices(lab: Lab) -> str:
    return lab.net.henb.run("ip", "xfrm", "policy")
