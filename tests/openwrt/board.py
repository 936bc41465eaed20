"""An OpenWrt board in a directory: the package's files, run for real by dash, and stubs around."""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

from tests.openwrt.procd import Procd

TREE = Path(__file__).parents[2]
FILES = TREE / "openwrt/henbd/files"
STUBS = Path(__file__).parent / "stubs"

# The machine's programs and libraries lie below the board's own files; dash is its shell.
ENTER = """
cd "$1" && shift
for directory in usr/bin usr/lib; do mount --bind --read-only "/$directory" "$directory"; done
export PATH=/sbin:/usr/sbin:/bin
exec chroot . "$@"
"""

LINKS = {
    "bin": "usr/bin",
    "lib64": "usr/lib64",
    "usr/lib64/ld-linux-x86-64.so.2": "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
    "lib/x86_64-linux-gnu": "/usr/lib/x86_64-linux-gnu",
    "var": "tmp",
}

PROGRAMS = {
    "logger": 'for word; do :; done; echo "$word" >>/tmp/log',
    "ubus": 'echo "$@" >>/tmp/called; cat /tmp/ubus',
    "sysupgrade": 'echo "$@" >>/tmp/upgraded; [ ! -e /tmp/bad-image ]',
    "jsonfilter": "cat",
    "killall": "",
    "henbd": 'echo "$@" >>/tmp/henbd; [ ! -e /tmp/refusal ] || { cat /tmp/refusal >&2; exit 1; }',
}


class Board:
    """A board whose files are in `root`, with its shell; `procd` is what runs on it."""

    def __init__(self, root: Path, shell: tuple[str, ...] = ("/bin/dash",)) -> None:
        self.root = root
        self._shell = shell
        self.procd = Procd(root)
        directories = "usr/bin usr/lib usr/lib64 usr/sbin lib/functions sbin etc/init.d etc/config"
        for directory in (*directories.split(), "etc/rc.d", "tmp/run", "tmp/sysinfo", "sys", "dev"):
            (root / directory).mkdir(parents=True, exist_ok=True)
        for link, target in LINKS.items():
            (root / link).symlink_to(target)
        self.put("dev/null", "")
        self.put("etc/passwd", "root:x:0:0::/:/bin/dash\nhenbd:x:633:633::/:/bin/false\n")
        self.put("etc/group", "root:x:0:\nhenbd:x:633:\n")
        for stub in ("functions.sh", "procd.sh"):
            shutil.copy(STUBS / stub, root / "lib" / stub)
        shutil.copy(STUBS / "rc.common", root / "etc/rc.common")
        for program in ("sbin/uci", "sbin/validate_data"):
            shutil.copy(STUBS / "uci.py", root / program)
            (root / program).chmod(0o755)
        for name, text in PROGRAMS.items():
            self.put_program(f"sbin/{name}", text)
        self.put("usr/share/libubox/jshn.sh", (STUBS / "jshn.sh").read_text())
        shutil.copy(FILES / "henbd.init", root / "etc/init.d/henbd")

    def put(self, path: str, text: str) -> Path:
        """Write a file of the board."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", errors="surrogateescape")
        return file

    def put_program(self, path: str, text: str) -> None:
        """Write a shell script of the board."""
        self.put(path, f"#!/bin/dash\n{text}\n").chmod(0o755)

    def run(self, *command: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program on the board; `given` is what it reads."""
        return subprocess.run(
            ["unshare", "--mount", "sh", "-c", ENTER, "board", str(self.root), *command],
            capture_output=True,
            text=True,
            input=given,
            timeout=30,
            check=False,
        )

    def init(self, action: str, service: str = "henbd") -> str:
        """Run an action of an init script; return what it said on stderr."""
        calls = self.root / "tmp/procd"
        calls.write_text("")
        done = self.run(*self._shell, "/etc/rc.common", f"/etc/init.d/{service}", action)
        text = calls.read_text(encoding="utf-8", errors="surrogateescape")
        if "open_service" in text:
            records = text.removesuffix("\x1e").split("\x1e")
            self.procd.take(tuple(r.removesuffix("\x1f").split("\x1f")) for r in records)
        return done.stderr

    def log(self) -> list[str]:
        """Return what was said to the system's log."""
        file = self.root / "tmp/log"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def toml(self) -> Path:
        """Where the daemon's configuration is."""
        return self.root / "tmp/run/henbd/henbd.toml"

    def settings(self) -> dict[str, Any]:
        """Return the daemon's configuration as TOML has it."""
        return tomllib.loads(self.toml.read_text(encoding="utf-8"))

    def call(self, method: str, **arguments: str) -> Any:
        """Return what a method of rpcd's plugin answers, None where it fails."""
        done = self.plugin("call", method, given=json.dumps(arguments))
        return None if done.returncode else json.loads(done.stdout)

    def plugin(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run the plugin of rpcd."""
        return self.run("/bin/dash", "/usr/libexec/rpcd/henbd", *words, given=given)
