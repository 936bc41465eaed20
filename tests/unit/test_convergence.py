"""Whatever happened, in whatever order: the loop gets to what is wanted, safely, and then rests.

The world itself watches all the while that nothing of S1 leaves in the clear, that the stack is
told of no link that does not stand, and that the loop is no busy one.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, note, settings
from hypothesis import strategies as st

from henbd.control.plan import plan
from henbd.model import paths
from henbd.values import (
    Block,
    Desired,
    Device,
    EspMode,
    Kernel,
    Route,
    S1Link,
    TerminateIke,
    Unreachable,
)
from tests.unit.fakes.charon import Health
from tests.unit.fakes.gateway import Manner
from tests.unit.fakes.hems import Manner as HemsManner
from tests.unit.fakes.kernel import OUTER, WAN0, WAN1, Fate
from tests.unit.fakes.stack import FakeMme
from tests.unit.fakes.stack import Manner as MmeManner
from tests.unit.settings import QUICK
from tests.unit.world import (
    ADDRESS,
    CORE,
    GATEWAY,
    GATEWAY_2,
    HEMS,
    INNER,
    INNER_2,
    INNER_3,
    MME,
    MME_2,
    SGW,
    World,
)

CORE_MME = next(host for host in CORE.hosts() if host != HEMS)
EXTRA = Device(20, "wan2", up=True, loopback=False, carries_tunnel=False)

Deed = Callable[[World], None]


def provision(far_ends: str, *, inside: str, mode: str) -> Deed:
    """Return a deed of the HeMS."""
    values = {paths.S1_SERVERS: far_ends, paths.IPSEC_ENABLE: inside, paths.S1_MODE: mode}
    return lambda world: world.provision(values)


def lease(*addresses: object) -> Deed:
    """Return: the first gateway grants another address from now on, and ends what there is."""

    def change(world: World) -> None:
        world.gateways[GATEWAY].lease = addresses  # type: ignore[assignment]
        if world.charon.health is Health.RUNNING:
            world.charon.reauthenticate()

    return change


def restart_charon(world: World) -> None:
    """End charon, however it is, and start another."""
    world.charon.kill()
    world.charon.restart()


def awake(world: World) -> None:
    """Have a charon that was stopped go on."""
    if world.charon.health is Health.STOPPED:
        world.charon.go_on()


def running(deed: Callable[[World], None]) -> Deed:
    """Return a deed that only a charon that runs can do."""
    return lambda world: deed(world) if world.charon.health is Health.RUNNING else None


def set_manner(gateway: Manner) -> Deed:
    """Return: all gateways behave so from now on."""

    def change(world: World) -> None:
        for each in world.gateways.values():
            each.manner = gateway

    return change


def stray(world: World) -> None:
    """Leave guards and a route about, as a former version of the program might have."""
    world.kernel.guards |= {Unreachable(CORE), Block(CORE, CORE, WAN1)}
    world.kernel.routes[Route(CORE, WAN0, None, OUTER, 254, 0, ours=True)] = 1
    world.kernel.changed()


def mmes(manner: MmeManner) -> Deed:
    """Return: all MMEs behave so from now on."""

    def change(world: World) -> None:
        for mme in world.mmes.values():
            mme.manner = manner

    return change


def user_plane(*peers: object) -> Deed:
    """Return: the stack's user plane talks to these from now on."""

    def change(world: World) -> None:
        world.stack.user_plane_peers = peers  # type: ignore[assignment]
        world.stack.rung()

    return change


def assign(party: str, name: str, value: object) -> Deed:
    """Return: an attribute of a party has this value from now on."""
    return lambda world: setattr(getattr(world, party), name, value)


DEEDS: dict[str, Deed] = {
    "far end 1": provision(str(MME), inside="true", mode="One"),
    "far end 2": provision(str(MME_2), inside="true", mode="One"),
    "both, one at a time": provision(f"{MME},{MME_2}", inside="true", mode="One"),
    "both at once": provision(f"{MME_2},{MME}", inside="true", mode="All"),
    "far end in the core": provision(str(CORE_MME), inside="true", mode="One"),
    "outside": provision(str(MME), inside="false", mode="One"),
    "core outside": provision(f"{CORE_MME},{MME}", inside="false", mode="All"),
    "same address": lambda world: lease(*world.gateways[GATEWAY].lease)(world),
    "address 2": lease(INNER_2),
    "address 3": lease(INNER_3),
    "tunnel lost": running(lambda world: world.charon.lose()),
    "child lost": running(lambda world: world.charon.lose_children()),
    "charon killed": lambda world: world.charon.kill(),
    "charon restarted": restart_charon,
    "charon stopped": running(lambda world: world.charon.stop()),
    "charon goes on": awake,
    "charon forgets": lambda world: world.charon.forget(),
    "gateways dead": set_manner(Manner.SILENT),
    "gateways refuse": set_manner(Manner.REFUSES),
    "gateways addressless": set_manner(Manner.ADDRESSLESS),
    "gateways childless": set_manner(Manner.CHILDLESS),
    "gateways grant": set_manner(Manner.GRANTS),
    "address seized": lambda world: world.kernel.seize_address(INNER),
    "device in": lambda world: world.kernel.add_device(EXTRA),
    "device out": lambda world: world.kernel.remove_device(EXTRA.index),
    "strays": stray,
    "guards refused": assign("kernel", "guards_allowed", False),
    "guards taken": assign("kernel", "guards_allowed", True),
    "kernel unreadable": assign("kernel", "readable", False),
    "kernel readable": assign("kernel", "readable", True),
    "stack away": lambda world: world.stack.vanish(),
    "stack back": lambda world: world.stack.come_back(),
    "stack restarted": lambda world: world.stack.restart(),
    "stack deaf": assign("stack", "acknowledges", False),
    "user plane": user_plane(SGW),
    "user plane in the core": user_plane(CORE_MME),
    "no user plane": user_plane(),
    "mmes refuse": mmes(MmeManner.REFUSES),
    "mmes silent": mmes(MmeManner.SILENT),
    "mmes accept": mmes(MmeManner.ACCEPTS),
    "hems refuses": assign("hems", "manner", HemsManner.REFUSES),
    "hems silent": assign("hems", "manner", HemsManner.SILENT),
    "hems answers": assign("hems", "manner", HemsManner.ANSWERS),
    "daemon killed": lambda world: world.restart(),
}  # fmt: skip


def heal(world: World) -> None:
    """Make everybody well again."""
    if world.charon.health is Health.DEAD:
        world.charon.restart()
    awake(world)
    set_manner(Manner.GRANTS)(world)
    mmes(MmeManner.ACCEPTS)(world)
    world.kernel.guards_allowed = world.kernel.readable = True
    world.kernel.changed()
    world.hems.manner = HemsManner.ANSWERS
    world.stack.acknowledges = True
    if not world.stack.acknowledged:
        world.stack.restart()
    if not world.stack.connected:
        world.stack.come_back()


def tell_of(world: World) -> None:
    """Check that what stands is what is wanted, and that nothing is left to do."""
    daemon, kernel = world.daemon, world.daemon.observed.kernel
    assert isinstance(daemon.desired, Desired)
    assert isinstance(kernel, Kernel)
    assert plan(daemon.desired, daemon.observed, daemon.tunnel) == []
    assert kernel.guards == daemon.desired.guards
    assert daemon.tunnel.up
    assert len(world.charon.connections) == 1
    assert world.kernel.fate(daemon.tunnel.inner[0], HEMS) is Fate.INSIDE
    link = daemon.desired.link
    if not world.daemon.asked.far_ends:
        assert link is None
        return
    assert isinstance(link, S1Link)
    assert link.inside is world.daemon.asked.s1_inside
    assert set(world.stack.up) == {peer.address for peer in link.peers}
    assert link.local == (daemon.tunnel.inner[0] if link.inside else OUTER)


steps = st.lists(
    st.tuples(st.sampled_from(sorted(DEEDS)), st.sampled_from([0.0, 0.001, 0.012, 0.1, 3.0, 15.0])),
    max_size=8,
)


def check(mode: EspMode, happenings: list[tuple[str, float]]) -> None:
    """Have it all happen to a box whose S1 is up, heal it, and see what it comes to."""
    world = World(mode)
    world.mmes[CORE_MME] = FakeMme()
    try:
        world.bring_up_s1()
        for name, pause_s in happenings:
            note(f"{world.time.now - 1000:.4f} {name}")
            DEEDS[name](world)
            world.run(pause_s)
        heal(world)
        note(f"{world.time.now - 1000:.4f} healed")
        # The longest wait for a gateway is 90 s, and one for an action 30 s.
        world.run(150)
        for _ in range(1 + len(world.hems.requests)):
            world.listener.call()
            world.run(20)
        done, told = len(world.journal.actions), len(world.informs)
        world.run(70)
        assert world.journal.actions[done:] == []
        assert len(world.informs) == told
        tell_of(world)
        known = world.daemon.memory.ledger.acknowledged
        assert known[ADDRESS] == str(world.daemon.tunnel.inner[0])
        assert known[paths.OP_STATE] == world.values[paths.OP_STATE]
    finally:
        world.kill()


@settings(QUICK, max_examples=150)
@given(st.sampled_from(EspMode), steps)
def test_whatever_happens_the_box_gets_there_and_rests(
    mode: EspMode, happenings: list[tuple[str, float]]
) -> None:
    check(mode, happenings)


def test_superseded_sas_do_not_pile_up() -> None:
    world = World()
    try:
        world.bring_up_s1()
        for number in range(20):
            gateway = (GATEWAY, GATEWAY_2)[number % 2]
            world.provision({paths.SECURITY_GATEWAYS[0]: str(gateway)})
            world.provision({paths.SECURITY_GATEWAYS[1]: ""})
            world.run(2)
        assert len(world.charon.sas) == 1
        assert len(world.done(TerminateIke)) >= 19
    finally:
        world.kill()
