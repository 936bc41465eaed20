"""What is guarded, and when, in boxes that are configured in an odd way or are in trouble."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from henbd.control.guard import networks
from henbd.settings import HemsPath
from henbd.values import EspMode
from tests.unit.settings import hems, ipsec
from tests.unit.world import GATEWAY, HEMS, HEMS_OUTSIDE, MME, World, lab_settings

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
