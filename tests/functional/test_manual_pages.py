"""The manual pages and the completion as the tools read them that are made for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.lab import ROOT

SYSTEMD = ROOT / "systemd"


@pytest.mark.parametrize("page", ["henbd.8", "henbd.toml.5"])
def test_page_is_set_without_a_warning(page: str) -> None:
    command = [sys.executable, str(SYSTEMD / "manual.py"), page]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    groff = ["groff", "-man", "-Tutf8", "-Kutf8", "-ww", "-z"]
    done = subprocess.run(groff, input=text, capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("line", "replies"),
    [
        ("henbd fac", ["factory-reset"]),
        ("henbd status --", ["--json", "--watch", "--socket", "--help"]),
        ("henbd run --log-level w", ["warning"]),
        ("henbd get Device.Some", ["Device.Some.Thing", "Device.Some.Where"]),
        ("henbd set Device.Some.W", ["Device.Some.Where"]),
    ],
)
def test_bash_completes(tmp_path: Path, line: str, replies: list[str]) -> None:
    henbd = tmp_path / "henbd"
    henbd.write_text(
        "#!/bin/sh\n"
        '[ "$1" = tree ] || exit 1\n'
        "echo 'r-  Device.Some.Thing = 1  (string)'\n"
        "echo 'rw  Device.Some.Where = a b  (string)'\n"
    )
    henbd.chmod(0o755)
    words = line.split(" ")
    script = (
        f"PATH={tmp_path}:$PATH; . {SYSTEMD}/henbd.bash; COMP_WORDS=({line});"
        f'COMP_CWORD={len(words) - 1}; _henbd; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout.split(), done.stderr) == (replies, "")
