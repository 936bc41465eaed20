"""What is guarded, and when, in boxes that are configured in an odd way or are in trouble."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from henbd.control.guard import networks
from henbd.model import paths
from henbd.settings import HemsPath
from henbd.status import status
from henbd.values import Block, Device, EspMode
from tests.unit.fakes.gateway import FakeGateway
from tests.unit.settings import hems, ipsec
from tests.unit.world import GATEWAY, HEMS, HEMS_OUTSIDE, INNER, MME, World, lab_settings

MODES = pytest.mark.parametrize("mode", EspMode)
EVERYWHERE = ip_network("0.0.0.0/0")


@MODES
@pytest.mark.parametrize("path", HemsPath)
def test_where_the_tunnel_leads_everywhere_far_ends_and_hems_are_guarded_one_by_one(
    mode: EspMode, path: HemsPath
) -> None:
    """The world blames a stack that is told of a far end without guards, or without a way.

    Into a TUN charon itself puts no route that would lead its own packets there.
    """
    inside = path is HemsPath.TUNNEL
    box = lab_settings(
        hems=hems(address=HEMS if inside else HEMS_OUTSIDE, path=path),
        ipsec=ipsec(gateways=(str(GATEWAY),), networks=(EVERYWHERE,)),
    )
    world = World(mode, box)
    world.charon.esp.puts_routes = mode is EspMode.POLICY
    world.bring_up_s1(MME)
    guarded = {str(network) for network in networks(frozenset(world.kernel.guards))}
    assert guarded == {f"{MME}/32"} | ({f"{HEMS}/32"} if inside else set())
    world.charon.lose()
    world.run(60)
    assert world.stack.up == [MME]


def waits_for(world: World) -> list[str]:
    return [wait["for"] for wait in status(world.daemon)["waiting_for"]]


@MODES
@pytest.mark.parametrize("who", ["far end", "HeMS", "user plane"])
def test_a_gateway_is_not_guarded_whoever_else_is_there(mode: EspMode, who: str) -> None:
    at_gateway = hems(address=GATEWAY if who == "HeMS" else HEMS)
    world = World(mode, lab_settings(hems=at_gateway))
    world.bring_up_s1(MME)
    if who == "far end":
        world.zone.hosts["mme.example"] = (GATEWAY,)
        world.provision({paths.S1_SERVERS: "mme.example"})
    if who == "user plane":
        world.stack.user_plane_peers = (GATEWAY,)
        world.stack.rung()
    world.run(60)
    told_of = "mme.example to be elsewhere: it is where a security gateway is"
    assert (told_of in waits_for(world)) is (who == "far end")
    world.charon.lose()
    world.run(600)
    assert world.daemon.witness.tunnel.up


def test_a_gateway_inside_a_guarded_network_is_told_of() -> None:
    """Its name alone does not show it: the configuration is sound."""
    core, gateway = ip_network("10.0.0.0/8"), ip_address("10.20.0.2")
    box = lab_settings(ipsec=ipsec(gateways=("segw.example",), networks=(core,)))
    world = World(EspMode.POLICY, box)
    world.gateways[gateway] = FakeGateway(gateway, (INNER,))
    world.zone.hosts["segw.example"] = (gateway,)
    world.start()
    world.run(60)
    assert f"{gateway} to be let out: it lies in {core}, which is guarded" in waits_for(world)


@MODES
def test_a_far_end_of_ipv6_keeps_no_tunnel_down_where_the_kernel_has_none(mode: EspMode) -> None:
    world = World(mode)
    world.kernel.versions = frozenset({4})
    world.zone.hosts["mme.example"] = (MME, ip_address("2001:db8:40::1"))
    world.register()
    world.provision({paths.S1_SERVERS: "mme.example"})
    world.run(5)
    world.charon.lose()
    world.run(60)
    assert world.daemon.witness.tunnel.up
    assert world.stack.up == [MME]


def test_a_new_way_out_is_guarded_though_charon_hangs() -> None:
    """However many come: charon is given up on only after seconds."""
    world = World(EspMode.INTERFACE)
    world.bring_up_s1()
    world.charon.stop()
    for index in (77, 78):
        world.kernel.add_device(Device(index, f"wwan{index}", True, False, False))
        world.run(0.05)
        assert index in {g.device for g in world.kernel.guards if isinstance(g, Block)}
