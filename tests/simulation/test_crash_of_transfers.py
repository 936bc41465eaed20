"""A daemon that is killed at each of its writes, while it carries files: each is told of, once."""

from __future__ import annotations

from collections import Counter

import pytest

from henbd.control.backup import FORMAT
from henbd.cwmp import files
from henbd.cwmp.transfers import INSTALL_S
from henbd.errors import TransferError
from henbd.model import paths
from henbd.settings import Settings
from henbd.values import EspMode
from tests.unit.conftest import Worlds
from tests.unit.fakes.hems import command
from tests.unit.settings import device
from tests.unit.world import World, lab_settings

URL = "http://files.lab/"
WISHES = (
    ("log", "Upload", files.LOGS[0]),
    ("configuration", "Download", files.CONFIGURATION_DOWNLOAD),
    ("image", "Download", files.IMAGE),
)
CONFIGURATION = {"format": FORMAT, "parameters": {paths.HNB_NAME: "restored"}, "rows": {}}


def version(text: str) -> Settings:
    """Return the configuration of a box with this version of its software."""
    return lab_settings(device=device(software_version=text))


class Box:
    """A world in which an installer restarts the box into another version, soon after it began."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.installed = 0
        world.file_server.there[URL + "configuration"] = CONFIGURATION

    def live(self) -> None:
        """Have the HeMS ask for each file until it has been told that it will come."""
        world = self.world
        for key, method, file_type in WISHES:
            answered = len(world.hems.responses)
            for _ in range(5):
                self._go_on(5)
                arguments = {"CommandKey": key, "FileType": file_type, "URL": URL + key}
                world.hems.requests.clear()
                world.hems.will_ask(command(method, **arguments))
                world.listener.call()
                self._go_on(5)
                if f"{method}Response" in world.hems.responses[answered:]:
                    break
        self._go_on(60)
        for _ in range(3):
            self._go_on(INSTALL_S + 60)

    def _go_on(self, seconds: float) -> None:
        if not self.world.alive:
            self.world.restart()
        self.world.files.installed = self._install
        self.world.run(seconds)
        if self.installed and self.world.boot_id == "boot-1":
            self.world.settings = version("2.0")
            self.world.power_cycle("boot-2")
            self.world.files.installed = self._install
            self.world.run(1)

    def _install(self) -> TransferError | None:
        self.installed += 1
        return None

    def check(self) -> None:
        """See that the HeMS was told of each file with one outcome, and nothing is left to do."""
        told = Counter(
            (c["CommandKey"], c["FaultCode"], c["CompleteTime"])
            for c in self.world.hems.completions
        )
        # A request whose response was not heard is made again, and that is another transfer.
        assert {key for key, _, _ in told} == {key for key, _, _ in WISHES}
        assert {fault for key, fault, _ in told if key != "image"} == {"0"}
        # Between the note and the installer nobody can say which came: the old image stays.
        assert {fault for key, fault, _ in told if key == "image"} <= {"0", "9010"}
        assert max(told.values()) <= 2
        assert self.installed <= sum(key == "image" for key, _, _ in told)
        assert self.world.values[paths.HNB_NAME] == "restored"
        assert self.world.daemon.memory.state.transfers == ()
        assert self.world.daemon.memory.ledger.owed == ()


@pytest.mark.conformance("C073", "C081", "C082", "C136")
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_daemon_that_is_killed_at_any_write_tells_of_each_transfer(
    worlds: Worlds, done: bool
) -> None:
    undisturbed = Box(worlds(EspMode.POLICY, version("1.0")))
    undisturbed.world.start("boot-1")
    undisturbed.live()
    undisturbed.check()
    assert undisturbed.installed == 1
    assert Counter(c["FaultCode"] for c in undisturbed.world.hems.completions) == {"0": 3}
    writes = undisturbed.world.store.writes
    assert writes >= 3 * len(WISHES)
    for number in range(1, writes + 1):
        box = Box(worlds(EspMode.POLICY, version("1.0")))
        box.world.store.deadly, box.world.store.done_when_deadly = number, done
        box.world.start("boot-1")
        box.live()
        box.check()
