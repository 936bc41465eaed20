"""What the box does while gateways fail, refuse, or take back what they grant."""

from __future__ import annotations

import pytest

from henbd.values import EspMode, Initiate, TerminateIke
from tests.unit.conftest import Worlds
from tests.unit.fakes.gateway import Manner
from tests.unit.settings import ipsec
from tests.unit.world import (
    CORE,
    GATEWAY,
    GATEWAY_2,
    INNER,
    INNER_2,
    MME,
    World,
    lab_settings,
)


def test_the_next_gateway_has_its_turn_when_one_is_dead(world: World) -> None:
    world.gateways[GATEWAY].manner = Manner.SILENT
    world.start()
    world.run(15)
    assert world.informs[0].source == INNER_2


def test_a_slow_gateway_is_given_its_time_though_the_first_may_be_tried_again(
    world: World,
) -> None:
    world.gateways[GATEWAY].manner = Manner.SILENT
    world.gateways[GATEWAY_2].takes_s = 4.0
    world.start()
    world.run(11 + 4 + 3)
    assert len(world.gateways[GATEWAY_2].asked_at) == 1
    assert world.informs
    assert world.informs[0].source == INNER_2


def test_a_gateway_that_works_is_kept_though_a_better_one_is_back(world: World) -> None:
    world.gateways[GATEWAY].manner = Manner.SILENT
    world.start()
    world.run(15)
    world.gateways[GATEWAY].manner = Manner.GRANTS
    world.run(600)
    assert len(world.informs) == 1


@pytest.mark.parametrize("manner", [Manner.REFUSES, Manner.ADDRESSLESS, Manner.CHILDLESS])
def test_a_gateway_that_gives_nothing_is_left_alone_for_longer_and_longer(
    worlds: Worlds, manner: Manner
) -> None:
    world = worlds(
        EspMode.POLICY, lab_settings(ipsec=ipsec(gateways=(str(GATEWAY),), networks=(CORE,)))
    )
    world.gateways[GATEWAY].manner = manner
    world.start()
    world.run(600)
    assert 8 <= len(world.done(Initiate)) <= 25
    world.gateways[GATEWAY].manner = Manner.GRANTS
    world.run(95)
    assert world.informs


def test_a_gateway_that_takes_back_what_it_grants_is_not_hammered(worlds: Worlds) -> None:
    world = worlds(
        EspMode.POLICY, lab_settings(ipsec=ipsec(gateways=(str(GATEWAY),), networks=(CORE,)))
    )
    world.gateways[GATEWAY].manner = Manner.FICKLE
    world.start()
    world.run(60)
    assert len(world.gateways[GATEWAY].asked_at) <= 60


def test_all_gateways_dead_and_one_back(world: World) -> None:
    for gateway in world.gateways.values():
        gateway.manner = Manner.SILENT
    world.start()
    world.run(3600)
    world.gateways[GATEWAY_2].manner = Manner.GRANTS
    # A minute and a half at most it is left alone, and the other one may be being tried then.
    world.run(120)
    assert world.informs


def test_an_address_that_somebody_took_away_is_fetched_again(world: World) -> None:
    world.bring_up_s1()
    world.kernel.seize_address(INNER)
    world.run(5)
    assert world.done(TerminateIke)
    assert world.kernel.has(INNER)
    assert world.stack.up == [MME]


def test_a_child_that_the_gateway_deletes_is_negotiated_again(world: World) -> None:
    world.bring_up_s1()
    told = len(world.informs)
    world.charon.lose_children()
    world.run(2)
    assert world.stack.up == [MME]
    assert len(world.charon.sas) == 1
    assert len(world.informs) == told
