"""What is imported when: a start has no time for what its first Inform does without."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.lab.lab import ROOT

LATER = (
    *("lxml", "pyroute2", "sdnotify"),
    *("henbd.cwmp.parser", "henbd.cwmp.rpc", "henbd.cwmp.requests", "henbd.cwmp.answers"),
    *("henbd.operator", "henbd.trace_document", "henbd.screen", "henbd.guard_command"),
    *("henbd.system.s1ap.hook", "henbd.system.s1ap.configured", "henbd.system.gpsd"),
)


@pytest.mark.parametrize(
    ("module", "later"),
    [
        ("henbd.assembly", LATER),
        # The commands of an operator ask the daemon, and need nothing of it.
        ("henbd.cli", (*LATER, "requests", "vici", "henbd.values", "henbd.daemon")),
    ],
)
def test_what_is_not_needed_yet_is_not_imported(module: str, later: tuple[str, ...]) -> None:
    program = f"import sys, {module}; print(*(m for m in {later!r} if m in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.split() == []
