"""The cell's configuration goes to the stack whole, and only when something of it has changed."""

from __future__ import annotations

from henbd.actions import Tell
from henbd.model import paths
from tests.unit.world import World

NAME = "AccessMgmt.LTE.HNBName"
BAND = "CellConfig.LTE.RAN.RF.FreqBandIndicator"


def given(world: World) -> dict[str, str]:
    """Return what the stack was told of the cell last."""
    link = world.done(Tell)[-1].link
    assert link is not None
    return dict(link.cell.parameters)


def test_what_is_set_is_given_with_all_the_rest() -> None:
    world = World()
    world.bring_up_s1()
    before = given(world)
    assert BAND not in before
    world.provision({paths.FAP + BAND: "7", paths.FAP + NAME: "at home"})
    world.run(3)
    assert given(world) == {**before, BAND: "7", NAME: "at home"}


def test_what_is_no_part_of_the_cell_is_not_given_anew() -> None:
    world = World()
    world.bring_up_s1()
    told = len(world.done(Tell))
    world.provision({paths.PERIODIC_INTERVAL: "3600", paths.FAP + "Alias": "mine"})
    world.run(3)
    assert world.values[paths.PERIODIC_INTERVAL] == "3600"
    assert len(world.done(Tell)) == told
    world.provision({paths.FAP + NAME: world.values[paths.FAP + NAME] + "x"})
    world.run(3)
    assert len(world.done(Tell)) == told + 1
    world.provision({paths.FAP + NAME: world.values[paths.FAP + NAME]})
    world.run(3)
    assert len(world.done(Tell)) == told + 1
