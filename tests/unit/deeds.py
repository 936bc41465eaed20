"""What may befall a box, its network and its operator: deeds that are done to a world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address, ip_network

from henbd.control.connection import connection
from henbd.model import paths
from henbd.values import (
    Address,
    Block,
    Cell,
    Device,
    FarEnd,
    Network,
    Route,
    S1Link,
    Unreachable,
)
from tests.unit.fakes.charon import Health
from tests.unit.fakes.gateway import Manner
from tests.unit.fakes.hems import Manner as HemsManner
from tests.unit.fakes.kernel import EVERYTHING, OUTER, WAN0, WAN1
from tests.unit.fakes.stack import Manner as MmeManner
from tests.unit.world import (
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
    world.kernel.guards |= {Unreachable(EVERYTHING, CORE), Block(CORE, CORE, WAN1)}
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


HEMS_DEEDS: dict[str, Deed] = {
    "far end 1": provision(str(MME), inside="true", mode="One"),
    "far end 2": provision(str(MME_2), inside="true", mode="One"),
    "both, one at a time": provision(f"{MME},{MME_2}", inside="true", mode="One"),
    "both at once": provision(f"{MME_2},{MME}", inside="true", mode="All"),
    "far end in the core": provision(str(CORE_MME), inside="true", mode="One"),
    "outside": provision(str(MME), inside="false", mode="One"),
    "core outside": provision(f"{CORE_MME},{MME}", inside="false", mode="All"),
}

DEEDS: dict[str, Deed] = HEMS_DEEDS | {
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


def load_another(networks: tuple[Network, ...], gateway: Address) -> Deed:
    """Return: a former configuration of ours is loaded in charon, and up."""

    def load(world: World) -> None:
        if world.charon.health is not Health.RUNNING:
            return
        assert world.settings.ipsec is not None
        former = connection(gateway, networks, replace(world.settings.ipsec, dpd_s=99))
        world.charon.load_credentials(former)
        world.charon.load(former)
        world.charon.initiate(former.name, former.child.name, lambda _: None)

    return load


def tell(link: S1Link | None) -> Deed:
    """Return: the stack works by something that this daemon never told it."""

    def work(world: World) -> None:
        world.stack.restart()
        world.stack.told = link

    return work


def without_guards(world: World) -> None:
    """Take all guards away; the stack is not there to use what is open then."""
    world.stack.restart()
    world.kernel.guards.clear()


def stranger(local: Address, far_end: Address, *, inside: bool) -> S1Link:
    """Return a link of somebody else's making."""
    cell = Cell(identity=9, tac=9, plmns=("00199",), name="former", csg_id=None)
    return S1Link(local, (FarEnd(far_end, 36499),), inside, may_transmit=True, cell=cell)


NOBODYS = ip_address("10.99.9.9")

# What may happen while no daemon is there: not what the HeMS does, for it cannot.
UNATTENDED: dict[str, Deed] = {
    name: deed
    for name, deed in DEEDS.items()
    if name not in HEMS_DEEDS and name not in ("daemon killed", "guards refused")
} | {
    "former connection": load_another((CORE,), GATEWAY),
    "former gateway": load_another((CORE, ip_network("10.60.0.0/16")), GATEWAY_2),
    "no guards": without_guards,
    "stack inside": tell(stranger(INNER, MME, inside=True)),
    "stack outside": tell(stranger(OUTER, MME_2, inside=False)),
    "stack from nowhere": tell(stranger(NOBODYS, MME, inside=True)),
    "stack told nothing": tell(None),
}


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
