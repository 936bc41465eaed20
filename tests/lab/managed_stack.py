"""A stack as a service of the lab's HeNB, which henbd alone starts: what stands for one of two."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.lab import stand_in_systemd


@dataclass(frozen=True, slots=True)
class Kind:
    """A stack: the file that it has, and how it is run."""

    file: str
    text: str
    run: tuple[str, ...]


KINDS = {
    "srsenb": Kind(
        "enb.conf",
        "[enb]\nenb_id = 0x19B\nmcc = 001\nmnc = 01\n",
        ("-m", "tests.lab.srsenb", "--stop-s", "1", "--retry-s", "2"),
    ),
    "amarisoft": Kind(
        "enb.cfg",
        '{\n  com_addr: "127.0.0.1:9001",\n  mme_list: [],\n  gtp_addr: "127.0.1.1",\n}\n',
        ("-m", "tests.lab.amarisoft"),
    ),
}


class ManagedStack:
    """Installed in a folder, with a systemd of its own, whose commands are there too."""

    def __init__(self, folder: Path, name: str) -> None:
        kind = KINDS[name]
        self.folder = folder
        folder.mkdir()
        self.file = folder / kind.file
        self.file.write_text(kind.text)
        for command in ("systemctl", "journalctl"):
            program = Path(shutil.copy(stand_in_systemd.__file__, folder / command))
            program.chmod(0o755)
        (folder / "command").write_text(json.dumps([sys.executable, *kind.run, str(self.file)]))

    @property
    def pid(self) -> int:
        """The process that was started last."""
        pid, _ = json.loads((self.folder / "running").read_text())
        assert isinstance(pid, int)
        return pid

    def start(self) -> None:
        """Leave it to henbd."""

    def kill(self) -> None:
        """Kill it, behind everybody's back."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def stop(self) -> None:
        """End it with the lab."""
        self.kill()

    def text(self) -> str:
        """Return its journal."""
        return "".join(file.read_text() for file in self.folder.glob("journal.*"))
