"""What may befall a HeNB that is in service: done to a lab, and undone, by name.

Each fault returns when what caused it is over: from then on all must become right by itself. Where
the outage is to be seen, the fault waits until it is.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from ipaddress import IPv4Address

from tests.lab.dns import Behaviour, Dns
from tests.lab.events import PATIENCE
from tests.lab.gateway import Refusal
from tests.lab.hems.rpc import Set
from tests.lab.lab import S1_SERVERS, SECURITY_GATEWAY, Lab
from tests.lab.namespaces import run
from tests.lab.probe import eventually
from tests.lab.topology import GATEWAY, MME, SGW

# DPD, then five requests: so soon a dead gateway is noticed.
NOTICED_S = 40.0

# The HeNB's name server is its router.
NAME_SERVER = IPv4Address("10.10.1.1")

FLOOD = 5000

# The HeNB's addresses on its second WAN: charon takes the path that answers first.
SECOND_WAN = {"10.10.2.2", "fd00:10:2::2"}


def nothing(_lab: Lab) -> None:
    """All is well."""


def link_cut(lab: Lab) -> None:
    """The gateway cannot be reached until the tunnel is given up, and a while longer."""
    lab.net.cut("segw")
    _away(lab)
    time.sleep(3 * PATIENCE)
    lab.net.restore("segw")


def gateway_killed(lab: Lab) -> None:
    """The gateway dies without a word, and comes back when that has been noticed."""
    lab.gateway.kill()
    _away(lab)
    lab.gateway.start()


def gateway_restarted_with_another_pool(lab: Lab) -> None:
    """The gateway restarts, and grants other addresses."""
    lab.grant_another()
    lab.gateway.restart()


def charon_killed(lab: Lab) -> None:
    """The HeNB's charon dies; the service manager starts it again."""
    lab.charon.kill()
    _charon_missed(lab)
    lab.charon.start()


def charon_stopped(lab: Lab) -> None:
    """The HeNB's charon ends in good order, and is started again."""
    lab.charon.stop()
    _charon_missed(lab)
    lab.charon.start()


def charon_paused(lab: Lab) -> None:
    """The HeNB's charon hangs for ten seconds."""
    lab.charon.pause()
    time.sleep(10)
    lab.charon.resume()


def henbd_killed(lab: Lab) -> None:
    """henbd dies, and is started again."""
    lab.henbd.kill()
    lab.henbd.start()


def all_restarted(lab: Lab) -> None:
    """Everything on the HeNB, and the gateway, is started anew."""
    lab.stack.stop()
    lab.henbd.stop()
    lab.charon.restart()
    lab.gateway.restart()
    lab.start()


def operators_load_all(lab: Lab) -> None:
    """An operator loads a configuration of his own, in which nothing is."""
    empty = lab.folder / "swanctl.conf"
    empty.touch()
    vici = lab.charon.vici
    run("swanctl", "--load-all", "--file", str(empty), "--uri", f"unix://{vici.path}")
    assert not vici.request("get-conns").get("conns")


def wan_switched(lab: Lab) -> None:
    """The first WAN goes down; the IKE_SA moves to the second (RFC 4555), and the first is back."""
    (before,) = lab.charon.vici.sas()
    lab.net.take_down("wan0")
    assert eventually(lambda: _at(lab, SECOND_WAN) == before.unique_id, NOTICED_S)
    lab.net.bring_up("wan0")


def address_removed(lab: Lab) -> None:
    """Somebody takes the inner address away, with which the IKE_SA goes."""
    address = lab.status()["tunnel"]["inner_addresses"][0]
    before = {sa.unique_id for sa in lab.charon.vici.sas()}
    lab.net.henb.ip(f"address del {address}/32 dev {lab.inner_device()}")
    assert eventually(lambda: not before & {sa.unique_id for sa in lab.charon.vici.sas()}, 10)


def netlink_flooded(lab: Lab) -> None:
    """Thousands of addresses and routes come and go, until everybody has heard of those it could.

    A charon that loses the end of its virtual IP in the midst of that waits for the next one for
    ever, and answers no question about its IKE_SAs any more.
    """
    half = FLOOD // 2
    lab.net.henb.ip(
        *(
            f"address {verb} 127.1.{n // 250}.{n % 250}/32 dev lo"
            for n in range(half // 2)
            for verb in ("add", "del")
        ),
        *(
            f"route {verb} 192.0.2.{n % 250} dev lo"
            for n in range(half // 2)
            for verb in ("add", "del")
        ),
    )
    assert eventually(lambda: _all_is_heard(lab), NOTICED_S)


def _all_is_heard(lab: Lab) -> bool:
    """Return whether nobody on the HeNB has events of netlink yet to read."""
    lines = lab.net.henb.run("cat", "/proc/net/netlink").splitlines()
    queued = lines[0].split().index("Rmem")
    return all(line.split()[queued] == "0" for line in lines[1:])


def names_gone(lab: Lab) -> None:
    """The name server is silent, and the gateway dies meanwhile and comes back."""
    with lab.net.net.inside():
        dns = Dns(lab.log, str(NAME_SERVER))
    with dns:
        dns.name("mme.lab", str(MME))
        dns.name("segw.lab", str(GATEWAY))
        _provision(lab, "mme.lab", "segw.lab")
        assert eventually(lambda: right(lab) is None, 30), right(lab)
        dns.behave(Behaviour.SILENCE, "mme.lab")
        dns.behave(Behaviour.SERVFAIL, "segw.lab")
        gateway_killed(lab)
        assert eventually(lambda: right(lab) is None, 60), right(lab)
        _provision(lab, str(MME), str(GATEWAY))


def gateway_refuses(lab: Lab) -> None:
    """The gateway ends the tunnel and turns the HeNB away for a while."""
    since = time.monotonic()
    lab.gateway.refuse(Refusal.IDENTITY)
    lab.gateway.terminate_ike()
    lab.log.wait("ike-refused", NOTICED_S, since=since)
    assert eventually(lambda: lab.status()["tunnel"]["failures"], NOTICED_S)
    lab.gateway.accept()


def no_address_granted(lab: Lab) -> None:
    """The gateway ends the tunnel and grants no address for a while."""
    lab.gateway.use_pool()
    lab.gateway.terminate_ike()
    told = "established, but the gateway granted no inner address"
    assert eventually(lambda: lab.status()["tunnel"]["condition"] == told, NOTICED_S)
    lab.grant_another()


def certificate_rotated(lab: Lab, others: str = "") -> None:
    """The files of certificate and key are renewed, one after the other; nobody is told.

    `others` is a connection that is not henbd's.
    """
    before = {sa.unique_id for sa in lab.charon.vici.sas() if sa.name != others}
    for new, old in (
        (lab.pki.henb_next.certificate, lab.pki.henb.certificate),
        (lab.pki.henb_next.key, lab.pki.henb.key),
    ):
        shutil.copy(new, old)
    assert eventually(lambda: not before & {sa.unique_id for sa in lab.charon.vici.sas()}, 20)
    assert lab.pki.henb_next.certificate_der in lab.gateway.peers_certificates()


def _at(lab: Lab, outer: set[str]) -> str | None:
    """Return which IKE_SA the HeNB has from one of these outer addresses."""
    here = [sa for sa in lab.gateway.sas() if sa.remote_host in outer]
    mine = lab.charon.vici.sas()
    return mine[0].unique_id if len(here) == len(mine) == 1 else None


def _provision(lab: Lab, mme: str, gateway: str) -> None:
    """Have the HeMS set the far end of S1 and the gateway, in a session of its own."""
    values = {S1_SERVERS: (mme, "xsd:string"), SECURITY_GATEWAY: (gateway, "xsd:string")}
    lab.hems.play([Set(values)])
    since = time.monotonic()
    assert lab.call() == 200
    done = lab.log.wait("SetParameterValuesResponse", since=since)
    lab.log.wait("session-end", since=done.at)
    assert eventually(lambda: lab.status()["s1"]["far_ends"] == [mme])


def _away(lab: Lab) -> None:
    """Wait until the tunnel is not up any more; of attempts until then the HeMS has not heard."""
    assert eventually(lambda: lab.status()["tunnel"]["condition"] != "up", NOTICED_S)
    lab.hems.allow_unseen_attempts()


def _charon_missed(lab: Lab) -> None:
    assert eventually(lambda: lab.status()["tunnel"]["charon"] != "answers", 10)


FAULTS: dict[str, Callable[[Lab], None]] = {
    fault.__name__: fault
    for fault in (
        nothing,
        link_cut,
        gateway_killed,
        gateway_restarted_with_another_pool,
        charon_killed,
        charon_stopped,
        charon_paused,
        henbd_killed,
        all_restarted,
        operators_load_all,
        wan_switched,
        address_removed,
        netlink_flooded,
        names_gone,
        gateway_refuses,
        no_address_granted,
        certificate_rotated,
    )
}


def right(lab: Lab) -> str | None:
    """Return what is not as it should be in a lab whose HeNB is in service; None: all is right."""
    status = lab.status()
    tunnel, s1 = status["tunnel"], status["s1"]
    if tunnel["condition"] != "up":
        return f"the tunnel: {tunnel['condition']}"
    # The gateway may hold an SA that the HeNB has given up, with the same address.
    granted = {str(a) for sa in lab.gateway.sas() for a in sa.remote_inner}
    if len(granted) != 1 or set(tunnel["inner_addresses"]) != granted:
        return f"inner addresses: {tunnel['inner_addresses']}, the gateway granted {granted}"
    (inner,) = granted
    if status["guards"]["missing"] or f"from {inner}/32" not in status["guards"]["standing"]:
        return f"guards: {status['guards']}"
    if not s1["up"] or {str(r.address) for r in lab.mme.s1_up} != {inner}:
        return f"S1: {[str(r.address) for r in lab.mme.s1_up]}, not {inner}: {s1['peers']}"
    if f"{SGW}/32" not in tunnel["networks"]:
        return f"the S-GW that the stack has announced is not in {tunnel['networks']}"
    if lab.hems_knows() != inner:
        return f"the HeMS believes in {lab.hems_knows()}, not in {inner}"
    if status["waiting_for"]:
        return f"waiting for {status['waiting_for']}"
    loaded = lab.charon.vici.request("get-conns").get("conns", [])
    if not any(name.startswith(b"henbd-") for name in loaded):
        return "no connection is loaded"
    return None
