"""Boxes that lose a gateway together: their first Informs are spread, if that is wanted."""

from __future__ import annotations

from henbd.cwmp import ledger as ledgers
from tests.unit.box import Box, registered
from tests.unit.settings import hems
from tests.unit.world import ADDRESS, GATEWAY, HEMS, INNER_3, World, lab_settings

SPREAD_S = 300


def spreading() -> World:
    """Return a box that spreads its Informs, not started."""
    return World(configuration=lab_settings(hems=hems(address=HEMS, spread_s=SPREAD_S)))


def test_what_is_put_off_waits_however_much_there_is_to_tell() -> None:
    box = registered()
    box.ledger = ledgers.put_off(box.ledger, box.now + 40)
    box.report(address="10.99.0.2")
    assert box.due == 40
    box.report(up="true")
    assert box.due == 40
    box.now += 50
    assert box.due is not None
    assert box.due <= 0


def test_what_is_put_off_comes_when_the_hems_calls() -> None:
    box = registered()
    box.ledger = ledgers.called(ledgers.put_off(box.ledger, box.now + 40))
    assert box.due == 0


def test_nothing_to_tell_is_not_due_because_it_was_put_off() -> None:
    box = registered()
    box.ledger = ledgers.put_off(box.ledger, box.now + 40)
    assert box.due is None


def test_a_retry_is_not_later_for_it() -> None:
    box = Box()
    box.ledger = ledgers.put_off(box.ledger, box.now)
    box.fail()
    assert box.due == 5


def test_a_gateway_that_comes_back_is_no_reason_to_hurry() -> None:
    world = spreading()
    try:
        world.start()
        world.run(SPREAD_S)
        (first,) = world.informs
        world.gateways[GATEWAY].lease = (INNER_3,)
        world.charon.lose()
        lost_at = world.time.now
        world.run(SPREAD_S + 10)
        (again,) = world.informs[1:]
        assert again.values[ADDRESS] == str(INNER_3)
        # That two waits by chance are nearly none is possible for one seed in ten thousand.
        assert first.at - 1000 > 1
        assert again.at - lost_at > 1
    finally:
        world.kill()


def test_a_call_ends_the_waiting() -> None:
    world = spreading()
    try:
        world.start()
        world.run(SPREAD_S)
        world.gateways[GATEWAY].lease = (INNER_3,)
        world.charon.lose()
        world.run(1)
        assert len(world.informs) == 1
        world.listener.call()
        world.run(0.1)
        assert world.informs[1].values[ADDRESS] == str(INNER_3)
    finally:
        world.kill()
