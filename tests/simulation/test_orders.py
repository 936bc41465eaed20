"""Reboot, FactoryReset and ScheduleInform as a daemon carries them out: once, after the session."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from henbd.cwmp import files
from henbd.cwmp.transfers import INSTALL_S
from henbd.departure import DOWN_WITHIN_S, MOST_ATTEMPTS
from henbd.model import paths
from henbd.waits import waits
from tests.unit.fakes.files import TAKES_S
from tests.unit.fakes.hems import Manner, command, set_values
from tests.unit.settings import SECRET
from tests.unit.world import MME, World

REBOOT = command("Reboot", CommandKey="key")
RESET = command("FactoryReset")
IMAGE = command(
    "Download", CommandKey="key", FileType=files.IMAGE, URL="http://files.lab/a", Username="",
    Password="",
)  # fmt: skip


def order(world: World, *requests: str) -> None:
    """Have a registered box called, and these requests made in the session."""
    world.hems.will_ask(*requests)
    world.listener.call()
    world.run(1)


def stages(world: World) -> list[str]:
    """Return how far each transfer is, as it is on flash."""
    return [transfer["stage"] for transfer in json.loads(str(world.store.text))["transfers"]]


@pytest.mark.conformance("C143", "C077", "C055", "C056")
def test_reboot_comes_after_the_session_and_is_told_with_the_next_boot(world: World) -> None:
    world.register()
    order(world, REBOOT, set_values({paths.S1_SERVERS: str(MME)}))
    assert world.hems.responses == ["RebootResponse", "SetParameterValuesResponse"]
    assert world.doors.reboots == 1
    assert json.loads(str(world.store.text))["orders"]["reboot"] == world.boot_id
    world.power_cycle("boot-2")
    world.run(3)
    (boot,) = [inform for inform in world.informs[1:] if "1 BOOT" in inform.events]
    assert ("M Reboot", "key") in zip(boot.events, boot.keys, strict=True)
    assert world.values[paths.S1_SERVERS] == str(MME)
    world.run(2 * DOWN_WITHIN_S)
    assert world.doors.reboots == 1
    assert sum("M Reboot" in inform.events for inform in world.informs) == 1


def test_no_session_is_begun_while_the_box_goes_down(world: World) -> None:
    world.register()
    order(world, REBOOT)
    before = len(world.informs)
    world.listener.call()
    world.run(DOWN_WITHIN_S - 10)
    assert len(world.informs) == before
    # Nobody is promised a session that there will not be.
    assert world.listener.answers == [True, False]
    assert next(waits(world.daemon)).what == "the box to reboot, as ordered"


@pytest.mark.conformance("C138", "C143")
@pytest.mark.parametrize("ordered", [REBOOT, RESET], ids=["Reboot", "FactoryReset"])
def test_box_is_not_rebooted_while_an_image_is_written(world: World, ordered: str) -> None:
    world.register()
    world.files.takes_s = 120
    order(world, IMAGE)
    world.run(121)
    assert stages(world) == ["installing"]
    order(world, ordered)
    world.run(5)
    assert world.doors.asked == 0
    awaited = next(waits(world.daemon)).what
    assert awaited == "the image to be written: then the box reboots, as ordered"
    # The installer ends without having restarted the box; then the order's turn has come.
    world.run(120)
    assert world.doors.reboots == 1


def test_box_is_rebooted_when_nobody_knows_of_an_installer_any_more(world: World) -> None:
    """It was begun by an earlier process, and is not waited for for ever."""
    world.register()
    world.files.takes_s = 120
    order(world, IMAGE)
    world.run(121)
    world.restart()
    world.run(2)
    order(world, REBOOT)
    world.run(INSTALL_S - 10)
    assert world.doors.asked == 0
    world.run(20)
    assert world.doors.reboots == 1


def test_no_image_is_begun_to_be_written_when_the_box_is_to_reboot(world: World) -> None:
    """It has arrived in the session in which the reboot was ordered."""
    world.register()
    order(world, IMAGE)
    world.hems.answers_after_s = 3
    order(world, REBOOT)
    world.run(TAKES_S + 1)
    assert world.files.images
    awaited = next(waits(world.daemon)).what
    assert awaited == "the session to end: then the box reboots, as ordered"
    world.run(10)
    assert world.doors.reboots == 1
    assert stages(world) == ["running"]


def test_image_that_a_factory_reset_has_overtaken_is_not_that_of_the_next_download(
    world: World,
) -> None:
    """The box could not be rebooted, and goes on."""
    world.register()
    world.doors.shut = True
    order(world, IMAGE)
    world.hems.answers_after_s = 3
    order(world, RESET)
    world.run(10)
    assert stages(world) == []
    world.hems.answers_after_s = 0.01
    world.run((MOST_ATTEMPTS + 1) * DOWN_WITHIN_S)
    assert world.files.images == set()
    order(world, IMAGE)
    world.run(TAKES_S - 2)
    assert stages(world) == ["running"]


def test_reboot_whose_session_fails_is_done_all_the_same(world: World) -> None:
    """Its response was said; the HeMS counts on it."""
    world.register()
    world.hems.will_ask(REBOOT, "garbage")
    world.listener.call()
    world.run(1)
    assert world.doors.reboots == 1


UPLOAD = command(
    "Upload", CommandKey="key", FileType="1 Vendor Configuration File", URL="http://files.lab/a",
    Username="", Password="",
)  # fmt: skip


@pytest.mark.conformance("C056")
@pytest.mark.parametrize(
    "ordered", [REBOOT, RESET, UPLOAD, command("ScheduleInform", DelaySeconds="60", CommandKey="k")]
)
@pytest.mark.parametrize("manner", [Manner.REFUSES, Manner.SILENT])
def test_order_is_forgotten_where_its_response_has_not_left(
    world: World, ordered: str, manner: Manner
) -> None:
    """Then the HeMS knows nothing of it; where it has left, and no more is heard, it is done."""
    world.register()
    world.provision({paths.HNB_NAME: "as it was"})
    world.run(2)
    # The Inform and an empty post arrive, the response to the order does not.
    world.hems.turns = (2, manner)
    order(world, ordered)
    world.hems.turns = None
    world.hems.will_ask()
    world.run(120)
    events = {event for inform in world.informs for event in inform.events}
    done = bool(
        world.doors.reboots
        or world.file_server.received
        or events & {"M Reboot", "M ScheduleInform"}
    )
    assert done is (manner is Manner.SILENT)
    assert (world.values[paths.HNB_NAME] == "") is (done and ordered == RESET)
    assert not world.daemon.memory.state.transfers
    assert json.loads(str(world.store.text))["orders"]["factory_reset"] is False


@pytest.mark.conformance("C081")
def test_order_that_a_killed_daemon_has_left_is_carried_out_by_the_next(world: World) -> None:
    world.register()
    world.doors.shut = True
    order(world, REBOOT)
    assert world.doors.reboots == 0
    world.doors.shut = False
    world.restart()
    world.run(1)
    assert world.doors.reboots == 1


def test_box_that_cannot_be_rebooted_stays_reachable_and_the_order_is_dropped(
    world: World,
) -> None:
    world.register()
    world.doors.shut = True
    order(world, REBOOT)
    world.listener.call()
    world.run(1)
    assert world.informs[-1].events == ("6 CONNECTION REQUEST",)
    world.run(10 * DOWN_WITHIN_S)
    assert (world.doors.asked, world.doors.reboots) == (MOST_ATTEMPTS, 0)
    assert json.loads(str(world.store.text))["orders"]["reboot"] == ""
    world.power_cycle("boot-2")
    world.run(3)
    assert "M Reboot" in world.informs[-1].events


@pytest.mark.conformance("C144", "C064", "C117")
def test_factory_reset_forgets_all_that_the_hems_made_and_keeps_who_the_box_is(
    world: World,
) -> None:
    world.bring_up_s1()
    url = world.values[paths.CONNECTION_REQUEST_URL]
    identity = world.informs[0].device_id
    order(world, set_values({paths.PERIODIC_INTERVAL: "4711"}, key="key"), RESET)
    assert world.hems.responses[-1] == "FactoryResetResponse"
    assert world.doors.reboots == 1
    kept = json.loads(str(world.store.text))
    assert (kept["secret"], kept["values"], kept["hems"]) == (SECRET, {}, "")
    world.power_cycle("boot-2")
    world.run(3)
    inform = world.informs[-1]
    assert inform.events == ("0 BOOTSTRAP", "1 BOOT")
    assert inform.device_id == identity
    assert inform.values[paths.PARAMETER_KEY] == ""
    assert inform.values[paths.CONNECTION_REQUEST_URL] == url
    assert world.values[paths.S1_SERVERS] == ""
    assert not world.stack.up


@pytest.mark.conformance("C175", "C144")
def test_tampering_that_was_seen_outlives_a_factory_reset(world: World) -> None:
    world.register()
    order(world, set_values({paths.TAMPERED: "true", paths.TAC: "7"}), RESET)
    world.power_cycle("boot-2")
    world.run(3)
    assert (world.values[paths.TAMPERED], world.values[paths.TAC]) == ("true", "0")


@pytest.mark.conformance("C004")
def test_url_that_the_hems_set_outlives_a_reboot_and_not_a_factory_reset(world: World) -> None:
    world.register()
    order(world, set_values({paths.URL: "https://10.30.0.3:7548/new"}))
    world.power_cycle("boot-2")
    world.run(3)
    assert world.informs[-1].url == "https://10.30.0.3:7548/new"
    order(world, RESET)
    world.power_cycle("boot-3")
    world.run(3)
    assert world.informs[-1].url == world.settings.hems.url


@pytest.mark.conformance("C088")
def test_time_is_the_unknown_one_while_the_clock_is_not_set(world: World) -> None:
    world.register()
    world.time.wall_at_start = datetime(1970, 1, 1, tzinfo=UTC)
    order(world, command("GetRPCMethods"))
    assert [inform.current_time for inform in world.informs] == [
        "2026-06-01T12:00:00Z",
        "0001-01-01T00:00:00Z",
    ]


def test_factory_reset_that_the_flash_does_not_take_is_tried_again(world: World) -> None:
    world.register()
    world.hems.answers_after_s = 1
    world.hems.will_ask(RESET)
    world.listener.call()
    world.run(2.5)
    world.store.full = True
    world.run(10)
    assert world.hems.responses == ["FactoryResetResponse"]
    assert json.loads(str(world.store.text))["hems"]
    world.store.full = False
    world.run(DOWN_WITHIN_S)
    assert not json.loads(str(world.store.text))["hems"]
    assert world.doors.reboots == 1


@pytest.mark.parametrize("ordered", [REBOOT, RESET], ids=["Reboot", "FactoryReset"])
def test_loop_sleeps_in_a_session_while_an_order_waits_for_its_end(
    world: World, ordered: str
) -> None:
    """It could not be carried out at first; the world sees a loop that does not sleep."""
    world.register()
    world.hems.answers_after_s = 1
    world.hems.will_ask(ordered)
    world.listener.call()
    world.run(2.5)
    world.doors.shut = world.store.full = True
    world.run(DOWN_WITHIN_S - 5)
    world.hems.manner = Manner.SILENT
    world.listener.call()
    world.run(20)
    assert world.daemon.conversation.current is not None
    world.doors.shut = world.store.full = False
    world.run(60)
    assert world.doors.reboots == 1


@pytest.mark.conformance("C145", "C068")
def test_scheduled_inform_comes_when_it_is_due(world: World) -> None:
    world.register()
    schedule = [command("ScheduleInform", DelaySeconds=s, CommandKey=s) for s in ("300", "100")]
    order(world, *schedule)
    assert world.hems.responses == ["ScheduleInformResponse"] * 2
    before = len(world.informs)
    world.run(98)
    assert len(world.informs) == before
    world.run(3)
    assert world.informs[-1].events == ("3 SCHEDULED", "M ScheduleInform")
    assert world.informs[-1].keys == ("", "100")
    world.run(200)
    assert world.informs[-1].keys == ("", "300")
    assert len(world.informs) == before + 2


@pytest.mark.conformance("C145")
def test_scheduled_inform_survives_a_reboot(world: World) -> None:
    world.register()
    order(world, command("ScheduleInform", DelaySeconds="300", CommandKey="key"))
    world.run(100)
    world.power_cycle("boot-2")
    world.run(150)
    assert all("3 SCHEDULED" not in inform.events for inform in world.informs)
    world.run(60)
    assert world.informs[-1].events == ("3 SCHEDULED", "M ScheduleInform")


def test_scheduled_inform_that_is_not_delivered_is_told_when_the_hems_is_back(
    world: World,
) -> None:
    world.register()
    order(world, command("ScheduleInform", DelaySeconds="100", CommandKey="key"))
    world.hems.manner = Manner.REFUSES
    world.run(150)
    world.hems.manner = Manner.ANSWERS
    world.restart()
    world.run(60)
    # That sessions failed is an alarm.
    assert world.informs[-1].events == ("3 SCHEDULED", "4 VALUE CHANGE", "M ScheduleInform")
