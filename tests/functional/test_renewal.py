"""What is read from files while a session goes on counts at its end, all of it (simulated time)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from henbd import config
from henbd.reload import reload
from henbd.renewal import Renewal
from henbd.system.trust import TlsFiles
from henbd.values import EspMode
from tests.unit.conftest import Worlds, worlds
from tests.unit.fakes.hems import Manner
from tests.unit.world import CORE, GATEWAY, HEMS, World

__all__ = ["worlds"]


def written(folder: Path, *, hold_s: int, level: str = "info") -> str:
    """Return the path of a configuration of the box of the world, with a secret in a file."""
    file = folder / "henbd.toml"
    file.write_text(f"""\
[device]
manufacturer = "Example"
oui = "00256D"
serial_number = "000001"
[hems]
url = "http://{HEMS}:7547/cwmp"
[ipsec]
gateways = ["{GATEWAY}"]
networks = ["{CORE}"]
local_id = "henb.lab"
remote_id = "segw.lab"
psk_file = "{folder / "secret"}"
[s1]
hold_s = {hold_s}
[log]
level = "{level}"
""")
    file.chmod(0o600)
    return str(file)


def kept(folder: Path, secret: str) -> None:
    """Put a secret into its file."""
    file = folder / "secret"
    file.write_text(secret)
    file.chmod(0o600)


def trusted(_files: TlsFiles) -> None:
    """Take what TLS needs, of which there is nothing."""


def during(world: World, *deeds: Callable[[], None]) -> None:
    """Do this while a session goes on, and end it."""
    world.hems.manner = Manner.SILENT
    world.listener.call()
    for deed in deeds:
        world.run(1)
        world.bells.ring(deed)
    world.run(1)
    assert world.daemon.conversation.current is not None
    world.hems.manner = Manner.ANSWERS
    world.run(60)
    assert world.daemon.conversation.current is None


@pytest.fixture
def world(worlds: Worlds, tmp_path: Path) -> World:
    """A world whose box has a configuration that is in files, and has registered."""
    kept(tmp_path, "the first secret")
    world = worlds(EspMode.POLICY, config.load(written(tmp_path, hold_s=10)))
    world.register()
    return world


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    """The logger of all of henbd, which stays as it was."""
    root, ours = logging.getLogger(), logging.getLogger("henbd")
    handlers, level = root.handlers, ours.level
    yield ours
    root.handlers = handlers
    ours.setLevel(level)


def test_renewed_secret_does_not_undo_a_reload_in_the_same_session(
    world: World, tmp_path: Path
) -> None:
    file = written(tmp_path, hold_s=3)
    renewal = Renewal(file, lambda: world.daemon, trusted)
    renewal.tick(0)

    def renewed() -> None:
        kept(tmp_path, "another secret")
        renewal.tick(1000)

    during(world, lambda: reload(file, world.daemon, trusted), renewed)
    assert world.daemon.settlement.settings == config.load(file)
    assert world.daemon.settlement.settings.s1.hold_s == 3


def test_log_is_as_the_last_of_two_reloads_in_a_session_says(
    world: World, tmp_path: Path, log: logging.Logger
) -> None:
    def reloaded(level: str) -> None:
        reload(written(tmp_path, hold_s=10, level=level), world.daemon, trusted)

    during(world, lambda: reloaded("debug"), lambda: reloaded("info"))
    assert log.level == logging.INFO
