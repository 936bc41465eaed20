"""The stand-in for srsenb as a service of the lab's HeNB, which henbd alone starts."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
from pathlib import Path

from tests.lab.srsenb import systemd


class SrsenbService:
    """Installed in a folder, with a systemd of its own, whose commands are there too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.file = folder / "enb.conf"
        self.file.write_text("[enb]\nenb_id = 0x19B\nmcc = 001\nmnc = 01\n")
        for name in ("systemctl", "journalctl"):
            program = Path(shutil.copy(systemd.__file__, folder / name))
            program.chmod(0o755)
        run = (sys.executable, "-m", "tests.lab.srsenb", "--stop-s", "1", "--retry-s", "2")
        (folder / "command").write_text(json.dumps([*run, str(self.file)]))

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
