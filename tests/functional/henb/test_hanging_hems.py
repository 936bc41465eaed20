"""A HeMS that keeps the daemon waiting, at every point, delays nothing (TS 32.593 5.2.4)."""

from __future__ import annotations

import time
from ipaddress import IPv4Address

import pytest

from henbd.conversation import PATIENCE_S
from tests.functional.henb.test_address_change import told
from tests.lab import topology
from tests.lab.dns import Behaviour, Dns
from tests.lab.events import PATIENCE
from tests.lab.hems.rpc import Get
from tests.lab.hems.script import Drip, Hang, Point, Script, on_connect, on_inform
from tests.lab.lab import IPSEC_ENABLE, S1_SERVERS, Lab, provisioning

# The router's address on wan0: out in the open, as a provider's name server is.
NAME_SERVER = IPv4Address("10.10.1.1")

# On a busy machine the gateway may be late: a SYN that is lost is repeated after 1 s, and after 3.
REPEATED_S = 3.0

HANGS: dict[str, Script] = {
    "before anything is read": [on_connect(Hang())],
    "before InformResponse": [on_inform(Hang())],
    "after the headers": [on_inform(Hang(Point.AFTER_HEADERS))],
    "in mid-body": [on_inform(Hang(Point.MID_BODY))],
    "dripping": [on_inform(Drip(0.05))],
    "before a request": [(Get([S1_SERVERS]), Hang())],
    "in the middle of a request": [(Get([S1_SERVERS]), Hang(Point.MID_BODY))],
}


def hang(lab: Lab, script: Script) -> float:
    """Have a session hang in that way; return when that was seen."""
    lab.hems.play(script)
    since = time.monotonic()
    assert lab.call() == 200
    lab.log.wait("hang", 10, since=since)
    return time.monotonic()


def in_time(lab: Lab, address: str, since: float) -> None:
    """See that an address is told, and not later than the patience with the HeMS allows."""
    inform = told(lab, address, since)
    arrival = lab.addresses.wait(since, 1)
    assert arrival is not None
    assert str(arrival.address) == address
    assert inform.at - arrival.at < (PATIENCE_S + REPEATED_S + 1) * PATIENCE


@pytest.mark.parametrize("where", HANGS)
def test_a_new_address_is_told_while_a_session_hangs(registered: Lab, where: str) -> None:
    since = hang(registered, HANGS[where])
    address = registered.grant_another()
    registered.reauthenticate()
    in_time(registered, address, since)


@pytest.mark.lab(tls="hems")
def test_a_new_address_is_told_while_a_tls_handshake_hangs(registered: Lab) -> None:
    since = hang(registered, [on_connect(Hang())])
    address = registered.grant_another()
    registered.reauthenticate()
    in_time(registered, address, since)


@pytest.mark.lab(henb_charon={"make_before_break": "yes"})
def test_a_new_address_is_told_though_the_old_one_is_still_there(registered: Lab) -> None:
    """Nothing breaks the hanging session off but henbd's own patience of two seconds."""
    since = hang(registered, [on_inform(Hang())])
    address = registered.grant_another()
    registered.reauthenticate()
    in_time(registered, address, since)


def test_a_new_address_is_told_while_a_connection_hangs(registered: Lab) -> None:
    """The HeMS is deaf when the session begins: no SYN is answered, until there is an address."""
    with registered.net.core.inside():
        registered.hems.deaf()
    since = time.monotonic()
    first = registered.grant_another()
    registered.reauthenticate()
    assert registered.addresses.wait(since, 10) is not None
    time.sleep(0.5)
    registered.hems.up()
    again = time.monotonic()
    second = registered.grant_another()
    registered.reauthenticate()
    in_time(registered, second, again)
    assert first not in {e.facts["source"][0] for e in registered.log.events("Inform", since)}


@pytest.mark.lab(
    configuration={
        "hems": {"url": "http://hems.lab:7557/"},
        "ipsec": {"networks": ["10.30.0.0/24"]},
    }
)
def test_a_name_server_that_hangs_holds_up_no_new_address(lab: Lab) -> None:
    with lab.net.net.inside():
        server = Dns(lab.log, str(NAME_SERVER))
    with server:
        server.name("hems.lab", str(topology.HEMS))
        lab.net.henb.set_nameserver(NAME_SERVER)
        lab.register()
        server.behave(Behaviour.SILENCE)
        since = time.monotonic()
        address = lab.grant_another()
        lab.reauthenticate()
        in_time(lab, address, since)


def test_provisioning_before_the_hang_takes_effect_after_the_abort(lab: Lab) -> None:
    """What was committed stays and is settled, however the session ends."""
    lab.hems.play([provisioning(), (Get([IPSEC_ENABLE]), Hang())])
    lab.start()
    lab.log.wait("hang", 20)
    since = time.monotonic()
    address = lab.grant_another()
    lab.reauthenticate()
    in_time(lab, address, since)
