"""The loop itself: how often it turns, what it asks the world, how it starts and ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from henbd.actions import AddGuard, KernelAction
from henbd.errors import KernelError
from henbd.model import paths
from henbd.settings import HemsPath
from henbd.trace import MOST_ENDED
from henbd.values import EspMode
from tests.unit.conftest import Worlds
from tests.unit.fakes import vici
from tests.unit.fakes.hems import Manner
from tests.unit.fakes.kernel import OUTER
from tests.unit.settings import hems, settings
from tests.unit.world import HEMS_OUTSIDE, INNER, MME, World, direct_settings

HOUR_S = 3600
AUDIT_S = 60


def repeat(world: World, every_s: float, do: Callable[[], None]) -> None:
    """Do something now, and again and again."""
    do()
    world.time.after(every_s, lambda: repeat(world, every_s, do))


def test_an_idle_hour_costs_two_turns_an_audit(world: World) -> None:
    world.bring_up_s1()
    world.run(60)
    before, done = world.bells.turns, len(world.journal.actions)
    world.run(HOUR_S)
    assert world.settings.ipsec is not None
    audits = HOUR_S / world.settings.ipsec.audit_s
    assert world.bells.turns - before <= 2 * audits + 2
    assert len(world.journal.actions) == done


@pytest.mark.parametrize("interval_s", [300, 60, 6])
def test_an_audit_goes_with_a_periodic_inform_that_is_no_more_frequent(
    world: World, interval_s: int
) -> None:
    world.bring_up_s1()
    world.provision({paths.PERIODIC_INTERVAL: str(interval_s)})
    world.run(interval_s + 90)
    looks, told, turns = len(world.vici.looks_at), len(world.informs), world.bells.turns
    world.run(HOUR_S)
    looked_at, told = world.vici.looks_at[looks:], len(world.informs) - told
    audits = HOUR_S / AUDIT_S
    assert told == HOUR_S // interval_s
    assert audits - 1 <= len(looked_at) <= audits + 1
    # Each of both is its timer and its answers: one, and two.
    apart = 2 * audits + 3 * told
    if interval_s >= AUDIT_S:
        assert abs(world.bells.turns - turns - (apart - told)) <= 3
    else:
        assert abs(world.bells.turns - turns - apart) <= 3


def test_a_start_at_which_all_is_well_warns_of_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.bring_up_s1()
    assert [r.getMessage() for r in caplog.records if r.levelname == "WARNING"] == []
    world.charon.kill()
    world.run(1)
    assert "charon: charon does not listen" in caplog.text


def test_a_periodic_inform_writes_nothing_to_flash(world: World) -> None:
    world.register()
    world.provision({paths.PERIODIC_INTERVAL: "600"})
    world.run(60)
    told, writes = len(world.informs), world.store.writes
    world.run(HOUR_S)
    assert [i.events for i in world.informs[told:]] == [("2 PERIODIC",)] * 6
    assert world.store.writes == writes


def test_sessions_without_a_pause_do_not_keep_onlookers_waiting(world: World) -> None:
    world.bring_up_s1()
    world.run(1)
    repeat(world, 0.008, world.listener.call)
    told, shown, lines = len(world.informs), world.board.shown, world.flushed
    for _ in range(5):
        world.run(1)
        assert len(world.daemon.trace.take()) <= MOST_ENDED
    assert len(world.informs) - told > 400
    assert world.board.shown - shown >= 4
    assert world.flushed - lines >= 4


def test_a_storm_of_bells_is_answered_by_looks_one_at_a_time(world: World) -> None:
    world.bring_up_s1()
    turns = world.bells.turns
    for _ in range(1000):
        world.bells.ring(world.daemon.rung)
    world.run(1)
    assert world.bells.turns - turns < 20


def test_a_lasting_storm_of_bells_does_not_keep_onlookers_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is always a look going on: charon is slower than the bells."""
    world.bring_up_s1()
    monkeypatch.setattr(vici, "ROUND_TRIP_S", 0.012)
    repeat(world, 0.005, lambda: world.bells.ring(world.daemon.rung))
    shown = world.board.shown
    world.run(5)
    assert world.board.shown - shown >= 4


def test_a_lasting_storm_of_bells_does_not_keep_the_work_from_being_done(world: World) -> None:
    world.register()
    repeat(world, 0.02, lambda: world.bells.ring(world.daemon.rung))
    world.provision_far_ends(MME)
    world.run(2)
    assert world.stack.up == [MME]


def test_a_session_that_is_only_an_inform_takes_no_look_and_one_status(world: World) -> None:
    world.bring_up_s1()
    world.run(20)
    dumps, shown, kept = world.kernel.dumps, world.board.shown, len(world.diary.kept)
    looks = len(world.vici.looks_at)
    told = len(world.informs)
    world.listener.call()
    world.run(2)
    assert len(world.informs) == told + 1
    assert (world.kernel.dumps, len(world.vici.looks_at)) == (dumps, looks)
    assert world.board.shown == shown + 1
    assert len(world.diary.kept) == kept + 1
    assert world.board.values is not None
    assert world.board.values["hems"]["session"] is None


def test_a_session_that_is_due_while_nobody_has_heard_yet_that_its_way_has_gone_looks_first(
    world: World,
) -> None:
    world.bring_up_s1()
    world.run(20)
    told, sessions = len(world.informs), len(world.daemon.conversation.past)
    world.kernel.rung = lambda: None
    world.kernel.seize_address(INNER)
    world.listener.call()
    world.run(0.01)
    assert len(world.daemon.conversation.past) == sessions
    assert world.daemon.conversation.current is None
    assert len(world.informs) == told


def test_a_session_that_hangs_is_shown_while_it_does_and_no_longer(world: World) -> None:
    world.bring_up_s1()
    world.run(20)
    world.hems.manner = Manner.SILENT
    world.listener.call()
    world.run(0.2)
    assert world.board.values is not None
    assert world.board.values["hems"]["session"]["events"] == ["6 CONNECTION REQUEST"]
    shown, ended = world.board.shown, world.daemon.conversation.last
    while world.daemon.conversation.last is ended:
        world.run(0.05)
    assert world.board.shown == shown + 1
    assert world.board.values["hems"]["session"] is None


def test_the_daemon_is_ready_only_when_it_has_looked(world: World) -> None:
    world.start()
    assert world.supervisor.said == []
    world.run(0.001)
    assert world.supervisor.said == ["ready"]
    assert world.kernel.guards


def test_a_kernel_that_refuses_one_action_does_not_stop_the_others(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = worlds()
    perform = world.kernel.perform
    refused: list[KernelAction] = []

    def refuse_the_first(action: KernelAction) -> None:
        if not refused:
            refused.append(action)
            raise KernelError("xfrm policy add: Cannot allocate memory")
        perform(action)

    monkeypatch.setattr(world.kernel, "perform", refuse_the_first)
    world.register()
    assert isinstance(refused[0], AddGuard)
    assert refused[0].guard in world.kernel.guards


def test_a_box_without_ipsec_registers_and_brings_s1_up_outside(worlds: Worlds) -> None:
    world = worlds(
        EspMode.POLICY,
        settings(ipsec=None, hems=hems(address=HEMS_OUTSIDE, path=HemsPath.DIRECT)),
    )
    world.start()
    world.run(1)
    assert world.informs[0].source == OUTER
    world.provision_far_ends(MME)
    world.run(2)
    assert world.stack.up == [MME]
    assert not world.kernel.guards
    assert not world.charon.connections


def test_connection_requests_are_refused_while_cwmp_is_disabled(world: World) -> None:
    world.register()
    world.provision({paths.ENABLE_CWMP: "false"})
    world.run(1)
    told = len(world.informs)
    world.listener.call()
    world.run(600)
    assert world.listener.answers == [True, False]
    assert len(world.informs) == told


def test_a_new_hems_is_told_of_a_bootstrap(world: World) -> None:
    world.register()
    world.provision({paths.URL: "https://other.example:7548/acs"})
    world.run(1)
    assert world.informs[-1].url == "https://other.example:7548/acs"
    assert world.informs[-1].events == ("0 BOOTSTRAP",)
    assert world.informs[-1].values[paths.INNER_IPV4 + "IPAddress"] == str(INNER)


def test_the_listener_is_at_the_outer_address_where_the_hems_is_outside(worlds: Worlds) -> None:
    world = worlds(EspMode.POLICY, direct_settings())
    world.register()
    assert world.listener.address == OUTER


@pytest.mark.conformance("C013")
@pytest.mark.parametrize(("year", "checked"), [(1970, False), (2026, True)])
def test_dates_of_certificates_count_once_the_clock_is_set(
    world: World, year: int, checked: bool
) -> None:
    world.time.wall_at_start = world.time.wall_at_start.replace(year=year)
    world.register()
    assert {endpoint.passed is None for endpoint in world.hems.endpoints} == {checked}
