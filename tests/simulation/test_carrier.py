"""Download and Upload as a daemon carries them out: after the session, and told until answered."""

from __future__ import annotations

import json
import logging

import pytest

from henbd.control.backup import backup
from henbd.cwmp import files
from henbd.cwmp.transfers import INSTALL_S, LONGEST_S, MOST_ATTEMPTS
from henbd.errors import TransferError
from henbd.model import paths
from henbd.screen import screen
from henbd.settings import Settings
from henbd.status import status
from henbd.values import EspMode
from tests.unit.conftest import Worlds
from tests.unit.fakes.files import IMAGE, TAKES_S, image
from tests.unit.fakes.hems import command
from tests.unit.settings import device
from tests.unit.world import MME, MME_2, World, lab_settings

URL = "http://files.lab/a"


def ask(world: World, method: str, file_type: str, key: str = "key", **arguments: str) -> None:
    """Have the HeMS call the box, and ask it for a transfer."""
    given = {"FileType": file_type, "URL": URL, "Username": "u", "Password": "p", **arguments}
    world.hems.will_ask(command(method, CommandKey=key, **given))
    world.listener.call()
    world.run(0.3)
    assert world.hems.responses[-1] == f"{method}Response"


def told(world: World) -> list[tuple[str, str, int]]:
    """Return what the HeMS was told of transfers: CommandKey, FaultString, FaultCode."""
    return [
        (c["CommandKey"], c["FaultString"], int(c["FaultCode"])) for c in world.hems.completions
    ]


def upgraded(version: str) -> Settings:
    """Return the configuration of a box with another version of its software."""
    return lab_settings(device=device(software_version=version))


@pytest.mark.conformance("C073", "C131", "C133", "C136")
def test_an_upload_is_sent_after_the_session_and_told_of(world: World) -> None:
    world.register()
    ask(world, "Upload", files.CONFIGURATIONS[0])
    assert world.file_server.asked == []
    world.run(TAKES_S)
    sent = world.file_server.received[URL]
    assert isinstance(sent, bytes)
    assert json.loads(sent) == backup(world.daemon.memory.tree)
    world.run(2)
    assert told(world) == [("key", "", 0)]
    inform = world.informs[-1]
    assert list(zip(inform.events, inform.keys, strict=True)) == [
        ("7 TRANSFER COMPLETE", ""),
        ("M Upload", "key"),
    ]
    world.run(600)
    assert len(world.hems.completions) == 1


def test_neither_path_nor_password_is_in_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world.register()
    where = {"URL": "http://files.lab:8080/token?key=hidden", "Password": "hunter22"}
    ask(world, "Upload", files.LOGS[0], **where)
    world.run(10)
    said = [r.getMessage() for r in caplog.records if r.name == "henbd.carrier"]
    assert said == [
        "transfer: 2 Vendor Log File with http://files.lab:8080",
        "transfer: 2 Vendor Log File: done",
    ]
    assert "hunter22" not in caplog.text


@pytest.mark.conformance("C131")
def test_a_log_is_what_its_command_writes(world: World) -> None:
    world.register()
    ask(world, "Upload", files.LOGS[0])
    world.run(10)
    assert world.file_server.received[URL] == ("logs",)


@pytest.mark.conformance("C134", "C135")
def test_transfers_wait_for_their_time_and_go_one_after_the_other(world: World) -> None:
    world.register()
    for number, delay_s in enumerate((60, 0, 60, 0)):
        ask(world, "Upload", files.LOGS[0], str(number), DelaySeconds=str(delay_s))
    world.run(40)
    assert [key for key, _, _ in told(world)] == ["1", "3"]
    world.run(30)
    assert [key for key, _, _ in told(world)] == ["1", "3", "0", "2"]


def test_what_is_in_the_queue_is_shown_to_people_without_its_url(world: World) -> None:
    world.register()
    ask(world, "Upload", files.LOGS[0], DelaySeconds="60")
    ask(world, "Upload", files.LOGS[0], "")
    values = status(world.daemon)
    lines = screen(values).splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("transfers"))
    assert [line[13:] for line in lines[start : start + 2]] == [
        "2 Vendor Log File (key): queued, in 59.4 s",
        "2 Vendor Log File: running",
    ]
    assert URL not in str(values)


@pytest.mark.conformance("C150")
# 9013 is said at once, in the response.
@pytest.mark.parametrize("code", [c for c in range(9010, 9020) if c != 9013])
def test_what_has_failed_is_told_and_not_tried_again(world: World, code: int) -> None:
    world.register()
    world.file_server.there[URL] = TransferError(code, "why")  # type: ignore[arg-type]
    ask(world, "Upload" if code == 9011 else "Download", files.CONFIGURATIONS[0]
        if code == 9011 else files.CONFIGURATION_DOWNLOAD)  # fmt: skip
    world.run(600)
    # By the schemas, 9013 is said in the answer to a Download alone.
    assert told(world) == [("key", "why", 9010 if code == 9013 else code)]
    assert world.file_server.asked == [URL]


@pytest.mark.conformance("C073", "C082")
def test_the_hems_is_told_until_it_answers_over_power_cycles_too(world: World) -> None:
    world.register()
    world.hems.answers_no_call = True
    ask(world, "Upload", files.LOGS[0])
    world.run(10)
    before = len(world.hems.completions)
    assert before
    world.power_cycle("boot-2")
    world.run(10)
    assert len(world.hems.completions) > before
    world.hems.answers_no_call = False
    world.run(60)
    after = len(world.hems.completions)
    assert {tuple(c.items()) for c in world.hems.completions} == {
        tuple(world.hems.completions[0].items())
    }
    world.run(600)
    assert len(world.hems.completions) == after
    assert world.file_server.asked == [URL]


@pytest.mark.conformance("C134")
def test_a_transfer_that_the_power_has_cut_short_is_repeated_but_not_for_ever(
    world: World,
) -> None:
    world.register()
    ask(world, "Upload", files.LOGS[0])
    for number in range(MOST_ATTEMPTS):
        world.run(TAKES_S / 2 if number == 0 else 2 + TAKES_S / 2)
        if world.hems.completions:
            break
        world.power_cycle(f"boot-{number + 2}")
    world.run(10)
    assert len(world.hems.completions) == 1


@pytest.mark.conformance("C129", "C136", "C138", "C139")
def test_an_image_is_installed_after_the_session_and_told_of_after_the_reboot(
    worlds: Worlds,
) -> None:
    world = worlds(EspMode.POLICY, upgraded("1.0"))
    world.register()
    ask(world, "Download", files.IMAGE)
    world.run(2 * TAKES_S + 1)
    (kept,) = json.loads(str(world.store.text))["transfers"]
    assert (kept["stage"], kept["version"]) == ("installing", "1.0")
    assert told(world) == []
    world.settings = upgraded("2.0")
    world.power_cycle("boot-2")
    world.run(10)
    assert told(world) == [("key", "", 0)]
    inform = world.informs[-1]
    assert {"1 BOOT", "4 VALUE CHANGE", "7 TRANSFER COMPLETE", "M Download"} <= set(inform.events)
    assert inform.values[paths.SOFTWARE_VERSION] == "2.0"


@pytest.mark.conformance("C138")
def test_a_box_that_comes_up_as_before_says_so(world: World) -> None:
    world.register()
    ask(world, "Download", files.IMAGE)
    world.run(2 * TAKES_S + 1)
    world.power_cycle("boot-2")
    world.run(10)
    assert told(world) == [("key", "the box has restarted, and runs version 0.1.0 as before", 9010)]


@pytest.mark.conformance("C138")
def test_an_installer_that_fails_leaves_the_box_as_it_is(world: World) -> None:
    world.register()
    world.files.installed = lambda: TransferError(9010, "no room")  # type: ignore[arg-type]
    ask(world, "Download", files.IMAGE)
    world.run(10)
    assert told(world) == [("key", "no room", 9010)]
    assert world.files.images == set()


def test_an_installer_that_does_nothing_is_not_waited_for_for_ever(world: World) -> None:
    world.register()
    ask(world, "Download", files.IMAGE)
    world.run(INSTALL_S)
    assert told(world) == []
    assert world.files.images == {IMAGE}
    world.run(10)
    assert told(world) == [("key", "the box was not restarted by its installer", 9010)]
    assert world.files.images == set()


def test_no_image_is_left_by_processes_that_were_killed_while_they_fetched_it(
    world: World,
) -> None:
    world.register()
    ask(world, "Download", files.IMAGE)
    for number in range(MOST_ATTEMPTS):
        world.run(TAKES_S / 2)
        assert world.files.images == {image(number + 1)}
        world.restart()
        assert world.files.images == set()
        world.run(1)
    world.run(10)
    assert told(world) == [("key", f"cut short {MOST_ATTEMPTS} times", 9010)]
    assert world.files.images == set()


def test_an_image_stays_for_its_installer_though_another_process_has_begun_that(
    world: World,
) -> None:
    world.register()
    ask(world, "Download", files.IMAGE)
    world.run(TAKES_S + 1)
    world.restart()
    world.run(INSTALL_S - 10)
    assert world.files.images == {IMAGE}
    world.run(20)
    assert told(world) == [("key", "the box was not restarted by its installer", 9010)]
    assert world.files.images == set()


def test_a_server_that_never_comes_to_an_end_holds_up_nobody_for_ever(world: World) -> None:
    world.register()
    world.files.takes_s = 2 * LONGEST_S
    ask(world, "Download", files.IMAGE, "slow")
    ask(world, "Upload", files.LOGS[0], "next")
    world.files.takes_s = TAKES_S
    world.run(LONGEST_S + 60)
    assert told(world) == [("slow", "it took longer than 7200 s", 9010), ("next", "", 0)]
    assert world.files.given_up == 1
    # What comes of it in the end is thrown away.
    world.files.installed = lambda: pytest.fail("installed")
    world.run(LONGEST_S)
    assert world.files.images == set()
    assert len(world.hems.completions) == 2


def test_no_image_is_installed_without_a_note_of_it(world: World) -> None:
    world.register()
    ask(world, "Download", files.IMAGE)
    world.run(TAKES_S / 2)
    world.store.full = True
    world.files.installed = lambda: pytest.fail("installed")
    world.run(10)
    assert told(world) == [("key", "not stored: No space left on device", 9002)]


@pytest.mark.conformance("C129", "C140")
def test_a_configuration_comes_back_as_a_whole(world: World) -> None:
    world.bring_up_s1()
    saved = backup(world.daemon.memory.tree)
    world.provision({paths.S1_SERVERS: str(MME_2), paths.HNB_NAME: "another"})
    world.run(3)
    assert world.stack.up == [MME_2]
    world.file_server.there[URL] = json.loads(json.dumps(saved))
    ask(world, "Download", files.CONFIGURATION_DOWNLOAD)
    world.run(10)
    assert told(world) == [("key", "", 0)]
    assert world.values[paths.S1_SERVERS] == str(MME)
    assert world.values[paths.HNB_NAME] == ""
    assert world.stack.up == [MME]
    assert backup(world.daemon.memory.tree) == saved


@pytest.mark.conformance("C140")
@pytest.mark.parametrize(
    "change",
    [
        {"format": "something else"},
        {"parameters": None},
        {"rows": []},
        {"parameters": {paths.S1_PORT: "0", paths.HNB_NAME: "changed"}},
        {"parameters": {paths.HNB_NAME: "changed", "Device.Nothing": "1"}},
        {"parameters": {paths.HNB_NAME: "changed", paths.OP_STATE: "true"}},
        {"parameters": {paths.HNB_NAME: "changed", paths.PASSWORD: "secret"}},
        {"parameters": {paths.HNB_NAME: "changed", paths.PARAMETER_KEY: "x"}},
        {"parameters": {paths.HNB_NAME: "changed", paths.URL: "ftp://x/"}},
        {"parameters": {paths.HNB_NAME: 1}},
        {"parameters": {paths.HNB_NAME: "changed", paths.CONNECTION_REQUEST_USERNAME: "\ud800"}},
        {"rows": {paths.PLMN_LIST: [0]}},
        {"rows": {paths.PLMN_LIST: []}},
        {"rows": {paths.PLMN_LIST: [2, 1]}},
        {"rows": {paths.PLMN_LIST: [1, 1]}},
        {"rows": {paths.PLMN_LIST: [1, 2**32]}},
        {"rows": {paths.PLMN_LIST: list(range(1, 100))}},
        {"rows": {"Device.Nothing.": [1]}},
    ],
    ids=str,
)
def test_a_configuration_that_does_not_fit_changes_nothing(
    world: World, change: dict[str, object]
) -> None:
    world.register()
    world.provision({paths.HNB_NAME: "kept"})
    world.run(2)
    before = backup(world.daemon.memory.tree)
    world.file_server.there[URL] = {**before, **change}
    ask(world, "Download", files.CONFIGURATION_DOWNLOAD)
    world.run(10)
    ((_, text, code),) = told(world)
    assert code == 9018
    assert text
    assert backup(world.daemon.memory.tree) == before


def test_a_configuration_that_cannot_be_stored_changes_nothing(world: World) -> None:
    world.register()
    before = backup(world.daemon.memory.tree)
    world.file_server.there[URL] = {**before, "parameters": {paths.HNB_NAME: "changed"}}
    ask(world, "Download", files.CONFIGURATION_DOWNLOAD)
    world.run(TAKES_S / 2)
    world.store.full = True
    world.run(10)
    assert told(world) == [("key", "not stored: No space left on device", 9002)]
    assert world.values[paths.HNB_NAME] == ""


def test_secrets_are_not_in_a_configuration_and_stay_when_one_comes(world: World) -> None:
    world.register()
    world.provision({paths.CONNECTION_REQUEST_PASSWORD: "secret word"})
    world.run(2)
    saved = backup(world.daemon.memory.tree)
    assert "secret word" not in str(saved)
    assert "key" not in saved["parameters"].values()
    world.file_server.there[URL] = {**saved, "parameters": {}}
    ask(world, "Download", files.CONFIGURATION_DOWNLOAD)
    world.run(10)
    assert told(world) == [("key", "", 0)]
    assert world.values[paths.CONNECTION_REQUEST_PASSWORD] == "secret word"
