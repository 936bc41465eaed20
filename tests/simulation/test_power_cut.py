"""The power fails, or the daemon is killed, before and after all that it does: nothing is lost.

Cut is before and after each write to flash, each action, each deed of the door and of the guard
file, each errand for a file, and before and after the HeMS takes in each post. That the files of
the store are whole at each of its system calls is for tests/functional/test_store.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from henbd.control.backup import FORMAT
from henbd.cwmp import files
from henbd.cwmp.transfers import INSTALL_S
from henbd.model import paths
from henbd.system.acs import Answer
from henbd.values import Address
from tests.unit.conftest import Worlds
from tests.unit.fakes.clockwork import KilledError
from tests.unit.fakes.hems import Informed, Session, command, get_values, set_values
from tests.unit.world import ADDRESS, GATEWAY, INNER_3, MME, MME_2, World

# What the HeMS may be told once, if it is sure that we know that it knows.
ONCE = frozenset({"0 BOOTSTRAP", "M Reboot", "M ScheduleInform"})


@dataclass
class Fuse:
    """Kills the daemon when it burns for the nth time; with None it only counts."""

    left: int | None = None
    burnt: int = 0
    blown_at: str = ""

    def burn(self, where: str) -> None:
        """Come by a place where the power may fail."""
        self.burnt += 1
        if self.left is not None and self.burnt == self.left:
            self.blown_at = where
            raise KilledError

    def guard(self, owner: Any, method: str) -> None:
        """Have it burn before and after each call of a method."""
        original = getattr(owner, method)

        def call(*arguments: Any) -> Any:
            self.burn(f"before {method}")
            result = original(*arguments)
            self.burn(f"after {method}")
            return result

        setattr(owner, method, call)


@dataclass(frozen=True)
class Story:
    """What happens to a box whose S1 is up, or, `fresh`, to one that comes from the factory.

    Once the HeMS has had the answer `done` to its request, it `lasts`; None: in any case. `before`:
    what it has asked for earlier, `waits_s` before it happens.
    """

    requests: tuple[str, ...]
    far_end: Address = MME
    fresh: bool = False
    another_address: bool = False
    event: str = ""
    before: tuple[str, ...] = ()
    waits_s: float = 3.0
    done: str | None = ""
    lasts: Callable[[World], bool] = lambda _: True

    def begin(self, world: World) -> None:
        """Make the ground ready."""
        if not self.fresh:
            world.bring_up_s1()
            world.run(1)
            world.files.takes_s = 1.0
            world.file_server.there[SERVER + "configuration"] = CONFIGURATION
        if self.before:
            world.hems.will_ask(*self.before)
            world.listener.call()
            world.run(self.waits_s)

    def tell(self, world: World) -> None:
        """Have it happen; the daemon may be killed in the middle."""
        world.hems.will_ask(*self.requests)
        if self.fresh:
            world.start()
        elif self.another_address:
            world.gateways[GATEWAY].lease = (INNER_3,)
            world.charon.reauthenticate()
        else:
            world.listener.call()
        world.run(6)


def far_end(address: Address) -> str:
    return set_values({paths.S1_SERVERS: str(address)}, key="set")


def has_forgotten(world: World) -> bool:
    """Return whether a box is as it left the factory, and has said so; then it is set up again."""
    bootstraps = [i for i in world.informs if "0 BOOTSTRAP" in i.events]
    forgotten = not world.values[paths.S1_SERVERS] and len(bootstraps) >= 2
    world.provision_far_ends(MME)
    world.run(30)
    return forgotten


SERVER = "http://files.lab/"
# What a backup has that knows of one parameter.
CONFIGURATION = {"format": FORMAT, "parameters": {paths.HNB_NAME: "restored"}, "rows": {}}


def transfer(method: str, name: str, file_type: str) -> str:
    return command(method, CommandKey=name, FileType=file_type, URL=SERVER + name)


def outcomes(world: World, key: str) -> set[str]:
    """Return the FaultCodes with which the HeMS was told of a transfer."""
    return {c["FaultCode"] for c in world.hems.completions if c["CommandKey"] == key}


def has_restored(world: World) -> bool:
    """Return whether the box is as the backup has it; then it is set up again."""
    restored = world.values[paths.HNB_NAME] == "restored"
    world.provision_far_ends(MME)
    world.run(30)
    return restored and outcomes(world, "configuration") == {"0"}


def has_told_of_image(world: World) -> bool:
    """Return whether the HeMS was told; no box of this world ever runs another version."""
    world.run(INSTALL_S + 60)
    return outcomes(world, "image") == {"9010"}


def goes_on_measuring(world: World) -> bool:
    """Return whether a file comes each minute, and the HeMS is told of each; then it is ended."""
    received, responses = world.file_server.received, world.hems.responses
    had, told = len(received), responses.count("AutonomousTransferComplete")
    world.run(180)
    had, told = len(received) - had, responses.count("AutonomousTransferComplete") - told
    world.provision({MEASURING + "Enable": "false"})
    world.run(30)
    return told >= had >= 2


MEASURING = paths.PERFORMANCE_CONFIGS + "1."
EACH_MINUTE = set_values(
    {
        MEASURING + "URL": SERVER,
        MEASURING + "Enable": "true",
        MEASURING + "PeriodicUploadInterval": "60",
        MEASURING + "PeriodicUploadTime": "2026-01-01T00:00:00Z",
        paths.AUTONOMOUS_TRANSFERS + "Enable": "true",
        paths.AUTONOMOUS_TRANSFERS + "TransferTypeFilter": "Both",
        paths.AUTONOMOUS_TRANSFERS + "ResultTypeFilter": "Both",
        paths.AUTONOMOUS_TRANSFERS + "FileTypeFilter": files.PERFORMANCE,
    }
)
ROWS = paths.INFORM_PARAMETERS
PASSIVE = (
    "<cwmp:SetParameterAttributes><ParameterList><SetParameterAttributesStruct>"
    f"<Name>{paths.S1_PORT}</Name><NotificationChange>1</NotificationChange>"
    "<Notification>1</Notification><AccessListChange>0</AccessListChange><AccessList/>"
    "</SetParameterAttributesStruct></ParameterList></cwmp:SetParameterAttributes>"
)

STORIES = {
    "registration": Story((far_end(MME),), fresh=True),
    "provisioning": Story((far_end(MME_2), get_values(paths.S1_PORT)), MME_2),
    "address change": Story((far_end(MME_2),), MME_2, another_address=True),
    "reboot": Story((command("Reboot", CommandKey="key"),), event="M Reboot"),
    "attributes": Story(
        (PASSIVE,),
        done="SetParameterAttributesResponse",
        lasts=lambda world: world.daemon.memory.tree.notified.get(paths.S1_PORT) == 1,
    ),
    "deletion": Story(
        (command("DeleteObject", ObjectName=f"{ROWS}1.", ParameterKey="key"),),
        before=(command("AddObject", ObjectName=ROWS, ParameterKey="key"),),
        done="DeleteObjectResponse",
        lasts=lambda world: world.daemon.memory.tree.instances[ROWS] == (),
    ),
    "factory reset": Story(
        (command("FactoryReset"),), done="FactoryResetResponse", lasts=has_forgotten
    ),
    "upload": Story(
        (transfer("Upload", "log", files.LOGS[0]),),
        done="UploadResponse",
        lasts=lambda world: outcomes(world, "log") == {"0"},
    ),
    "backup": Story(
        (transfer("Download", "configuration", files.CONFIGURATION_DOWNLOAD),),
        done="DownloadResponse",
        lasts=has_restored,
    ),
    "image": Story(
        (transfer("Download", "image", files.IMAGE),),
        done="DownloadResponse",
        lasts=has_told_of_image,
    ),
    "performance file": Story(
        (),
        before=(
            command("AddObject", ObjectName=paths.PERFORMANCE_CONFIGS, ParameterKey=""),
            EACH_MINUTE,
        ),
        # The world begins at noon: the first minute is nearly over.
        waits_s=52,
        done=None,
        lasts=goes_on_measuring,
    ),
    "schedule": Story(
        (command("ScheduleInform", DelaySeconds="3", CommandKey="key"),), event="M ScheduleInform"
    ),
}


class Witness:
    """What the HeMS can swear to: which events it was told, and knows that we know so."""

    def __init__(self, world: World) -> None:
        self.faults: list[str] = []
        self._known: list[tuple[str, str]] = []
        self._world = world
        self._serve = world.hems.serve
        self._last: Informed | None = None
        world.hems.serve = self.serve  # type: ignore[method-assign]

    def serve(self, session: Session, body: bytes) -> Answer:
        """Take in a post."""
        told = len(self._world.informs)
        answer = self._serve(session, body)
        if len(self._world.informs) > told:
            self._last = self._world.informs[-1]
            events = list(zip(self._last.events, self._last.keys, strict=True))
            self.faults += [f"{e} twice" for e in events if e in self._known and e[0] in ONCE]
        elif self._last is not None:
            # We have spoken after its InformResponse: what it acknowledged is on our flash.
            self._known += zip(self._last.events, self._last.keys, strict=True)
        return answer


def cut(world: World, story: Story, left: int | None) -> tuple[Fuse, Witness]:
    """Tell a story, and cut it short where the fuse burns for that time."""
    story.begin(world)
    world.hems.responses.clear()
    fuse, witness = Fuse(left), Witness(world)
    fuse.guard(world.store, "save")
    fuse.guard(world.hems, "serve")
    fuse.guard(world.journal, "note")
    fuse.guard(world.doors, "reboot")
    fuse.guard(world.guard_file, "keep")
    if not story.fresh:
        fuse.guard(world.files, "carry")
    story.tell(world)
    fuse.left = None
    return fuse, witness


def go_on(world: World, *, power: bool) -> None:
    """Start the next daemon, after a power cut or in the same boot; and the box does reboot."""
    boot, reboots = 2, 0
    if power:
        world.power_cycle("boot-2")
    else:
        world.restart()
    world.run(60)
    while world.doors.reboots > reboots:
        boot, reboots = boot + 1, world.doors.reboots
        world.power_cycle(f"boot-{boot}")
        world.run(60)


def judge(world: World, story: Story, answered: list[str]) -> list[str]:
    """Return what is not as it must be."""
    faults = []
    if "SetParameterValuesResponse" in answered:
        if world.values[paths.S1_SERVERS] != str(story.far_end):
            faults.append("what was set and answered is lost")
    elif story.requests and story.requests[0].startswith("<cwmp:Set"):
        world.provision_far_ends(story.far_end)
        world.run(30)
    if any(name in answered for name in ("RebootResponse", "ScheduleInformResponse")):
        told = [inform for inform in world.informs if story.event in inform.events]
        if not told:
            faults.append(f"{story.event} is never told")
    # It may have been done though the answer was lost, or not until the session after the cut.
    was_done = story.done is None or story.done in world.hems.responses
    world.hems.requests.clear()
    if not story.lasts(world) and was_done:
        faults.append("what was answered does not last")
    if world.stack.up != [story.far_end]:
        faults.append(f"S1 is up with {world.stack.up}")
    if not any(
        i.values.get(ADDRESS) == str(world.daemon.witness.tunnel.inner[0]) for i in world.informs
    ):
        faults.append("the inner address is not told")
    done, told_before = len(world.journal.actions), len(world.informs)
    world.run(120)
    if (len(world.journal.actions), len(world.informs)) != (done, told_before):
        faults.append("it does not come to rest")
    return faults


@pytest.mark.parametrize("power", [False, True], ids=["killed", "power cut"])
@pytest.mark.parametrize("name", STORIES)
def test_wherever_it_is_cut_nothing_is_lost_and_nothing_told_twice(
    worlds: Worlds, name: str, power: bool
) -> None:
    story = STORIES[name]
    places = cut(worlds(), story, None)[0].burnt
    assert places >= 10
    faults = []
    for place in range(1, places + 1):
        world = worlds()
        fuse, witness = cut(world, story, place)
        answered = list(world.hems.responses)
        go_on(world, power=power)
        found = [*judge(world, story, answered), *witness.faults]
        faults += [f"place {place}, {fuse.blown_at}: {fault}" for fault in found]
        world.kill()
    assert not faults, "\n".join(faults)
