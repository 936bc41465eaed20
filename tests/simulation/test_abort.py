"""When a session is given up, when it is finished first, and what becomes of what it carried."""

from __future__ import annotations

import pytest

from henbd.errors import ExchangeError
from henbd.model import paths
from henbd.values import Address, EspMode
from tests.unit.conftest import Worlds
from tests.unit.fakes.hems import READ_TIMEOUT_S, Manner, get_values, set_values
from tests.unit.world import ADDRESS, GATEWAY, INNER, INNER_2, INNER_3, MME, World, direct_settings


def move(world: World, *leases: Address) -> None:
    """Have the gateway grant one address after the other, half a second each."""
    for lease in leases:
        world.gateways[GATEWAY].lease = (lease,)
        world.charon.reauthenticate()
        world.run(0.5)


def direct(worlds: Worlds) -> World:
    """Return a registered box that reaches its HeMS outside of the tunnel, and has told it all."""
    world = worlds(EspMode.POLICY, direct_settings())
    world.register()
    assert world.informs[-1].values[ADDRESS] == str(INNER)
    return world


def test_a_session_is_given_up_when_its_own_address_goes(world: World) -> None:
    world.register()
    world.hems.manner = Manner.SILENT
    world.listener.call()
    world.run(1)
    world.hems.manner = Manner.ANSWERS
    before = world.time.now
    move(world, INNER_3)
    inform = world.informs[-1]
    assert inform.source == INNER_3
    assert inform.values[ADDRESS] == str(INNER_3)
    assert inform.at - before < 0.1


def test_giving_up_is_no_failed_attempt(world: World) -> None:
    world.register()
    world.hems.manner = Manner.SILENT
    world.listener.call()
    world.run(1)
    world.hems.manner = Manner.ANSWERS
    move(world, INNER_3)
    assert world.informs[-1].retry_count == 0
    assert world.daemon.memory.ledger.failures == 0


def test_giving_up_is_no_failed_attempt_though_the_worker_hears_of_it_first(world: World) -> None:
    world.register()
    world.hems.manner = Manner.SILENT
    world.listener.call()
    world.run(1)
    world.kernel.rung = lambda: None
    world.kernel.remove_address(INNER)
    world.bells.ring(lambda: world.daemon.answered(ExchangeError("No route to host")))
    world.run(0.001)
    assert world.daemon.conversation.past[0].given_up
    assert world.daemon.memory.ledger.failures == 0


def test_two_changes_before_the_first_inform_is_answered_are_told_as_they_ended(
    world: World,
) -> None:
    world.register()
    world.hems.manner = Manner.SILENT
    move(world, INNER_3, INNER_2)
    assert len(world.hems.attempts_at) == 3
    world.hems.manner = Manner.ANSWERS
    move(world, INNER_3)
    assert [i.values.get(ADDRESS) for i in world.informs[1:]] == [str(INNER_3)]
    world.run(60)
    assert len(world.informs) == 2


def test_a_change_and_back_before_the_first_inform_is_answered_is_told(world: World) -> None:
    world.register()
    world.hems.manner = Manner.SILENT
    move(world, INNER_3)
    world.hems.manner = Manner.ANSWERS
    move(world, INNER)
    world.run(60)
    assert [(i.events, i.source, i.values.get(ADDRESS)) for i in world.informs[1:]] == [
        (("4 VALUE CHANGE",), INNER, str(INNER))
    ]


def test_a_late_answer_of_an_abandoned_session_is_not_heard(world: World) -> None:
    world.register()
    world.hems.answers_after_s = 1.0
    world.listener.call()
    world.run(0.9)
    move(world, INNER_3)
    world.run(5)
    assert world.informs[-1].values[ADDRESS] == str(INNER_3)
    assert world.daemon.memory.ledger.acknowledged[ADDRESS] == str(INNER_3)
    assert world.daemon.conversation.current is None


def test_a_hems_that_owes_an_answer_for_two_seconds_is_not_waited_for(worlds: Worlds) -> None:
    world = direct(worlds)
    world.hems.hangs_after_inform = True
    world.listener.call()
    world.run(0.5)
    told = len(world.informs)
    move(world, INNER_3)
    assert len(world.informs) == told
    world.run(1.2)
    assert world.informs[-1].values[ADDRESS] == str(INNER_3)
    assert world.informs[-1].retry_count == 0


def test_a_hems_that_answers_in_time_is_heard_to_the_end(worlds: Worlds) -> None:
    world = direct(worlds)
    world.hems.answers_after_s = 1.5
    world.hems.will_ask(get_values(paths.S1_PORT), get_values(paths.S1_PORT))
    ended, told = world.hems.sessions_ended, len(world.informs)
    world.listener.call()
    world.run(2)
    move(world, INNER_3)
    world.run(4.5)
    assert world.hems.sessions_ended == ended + 1
    assert world.hems.responses == ["GetParameterValuesResponse"] * 2
    world.run(3)
    assert [i.values.get(ADDRESS) for i in world.informs[told:]] == [None, str(INNER_3)]


def test_an_inform_that_carries_the_address_already_is_waited_for(worlds: Worlds) -> None:
    world = direct(worlds)
    world.hems.answers_after_s = 5
    move(world, INNER_3)
    world.run(12)
    assert [i.values.get(ADDRESS) for i in world.informs[-1:]] == [str(INNER_3)]
    assert world.hems.sessions_ended == len(world.hems.attempts_at)


def test_what_was_committed_before_an_abort_stays_and_takes_effect(world: World) -> None:
    world.register()
    world.hems.answers_after_s = 0.4
    world.hems.will_ask(set_values({paths.S1_SERVERS: str(MME)}), get_values(paths.S1_PORT))
    world.listener.call()
    world.run(1.4)
    assert world.hems.responses == ["SetParameterValuesResponse"]
    assert world.daemon.conversation.current is not None
    move(world, INNER_3)
    world.run(5)
    assert world.stack.up == [MME]
    assert world.stack.associations[0].link.local == INNER_3


def test_without_an_address_to_tell_a_silent_hems_is_waited_for(world: World) -> None:
    world.register()
    world.hems.hangs_after_inform = True
    world.listener.call()
    ended = world.daemon.conversation.last
    world.run(READ_TIMEOUT_S - 1)
    assert world.daemon.conversation.last is ended
    assert len(world.hems.attempts_at) == 2
    world.run(2)
    assert world.daemon.conversation.last is not ended


def test_a_session_without_end_is_ended(world: World) -> None:
    world.register()
    world.hems.answers_after_s = 10
    world.hems.will_ask(*[get_values(paths.S1_PORT)] * 100)
    world.listener.call()
    ended = world.daemon.conversation.last
    world.run(world.settings.hems.session_s - 1)
    assert world.daemon.conversation.last is ended
    world.run(2)
    assert world.daemon.conversation.last is not None
    assert world.daemon.conversation.last.failure == "it took longer than 600 s"


@pytest.mark.parametrize("silent_s", [0.5, 5.0, 29.0])
def test_a_value_that_changes_during_a_session_is_told_in_the_next(
    world: World, silent_s: float
) -> None:
    world.bring_up_s1()
    world.hems.answers_after_s = silent_s
    world.listener.call()
    world.run(0.1)
    world.stack.restart()
    world.run(120)
    assert world.informs[-1].events == ("4 VALUE CHANGE",)
    assert world.informs[-1].values[paths.OP_STATE] == "true"


def test_a_boot_event_is_not_lost_with_the_session_that_carried_it(world: World) -> None:
    world.hems.manner = Manner.SILENT
    world.start()
    world.run(1)
    world.hems.manner = Manner.ANSWERS
    move(world, INNER_3)
    assert world.informs[0].events == ("0 BOOTSTRAP", "1 BOOT")
