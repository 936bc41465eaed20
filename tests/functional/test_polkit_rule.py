"""The rule of polkit: which doors it opens, and to whom; judged by a JavaScript engine."""

from __future__ import annotations

import json
import subprocess
from html import unescape
from pathlib import Path

import pytest

from tests.functional.test_trace_page import CHROMIUM
from tests.lab.lab import ROOT

REBOOT = "org.freedesktop.login1.reboot"
UNITS = "org.freedesktop.systemd1.manage-units"

# Who asks for what, about which unit, with which verb; and whether the rule allows it. What it does
# not allow is left to the system's own rules.
CASES = [
    ("henbd", REBOOT, "", "", True),
    ("henbd", REBOOT + "-multiple-sessions", "", "", True),
    ("henbd", REBOOT + "-ignore-inhibit", "", "", False),
    ("henbd", "org.freedesktop.login1.power-off", "", "", False),
    ("nobody", REBOOT, "", "", False),
    ("henbd", UNITS, "srsenb.service", "restart", True),
    ("henbd", UNITS, "srsenb.service", "stop", True),
    ("henbd", UNITS, "srsenb.service", "kill", False),
    ("henbd", UNITS, "ssh.service", "restart", False),
    ("nobody", UNITS, "srsenb.service", "restart", False),
    ("henbd", "org.freedesktop.systemd1.manage-unit-files", "srsenb.service", "", False),
]

PAGE = """<script>
const rules = [];
const polkit = {{ Result: {{ YES: "yes", NOT_HANDLED: "not handled" }},
  addRule: (rule) => rules.push(rule) }};
{rules}
const results = {cases}.map(([user, id, unit, verb]) => rules.map((rule) =>
  rule({{ id, lookup: (key) => ({{ unit, verb }})[key] }}, {{ user }})));
document.write('<p id="found">' + JSON.stringify(results) + "</p>");
</script>"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """What the rule says to each case."""
    folder: Path = tmp_path_factory.mktemp("rule")
    rules = (ROOT / "systemd" / "polkit.rules").read_text()
    page = folder / "page.html"
    page.write_text(PAGE.format(rules=rules, cases=json.dumps(CASES)))
    command = (*CHROMIUM, f"--user-data-dir={folder}/profile", "--dump-dom", page.as_uri())
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=True)
    text = done.stdout.rpartition('id="found">')[2].partition("</p>")[0]
    found: list[list[str]] = json.loads(unescape(text))
    return found


def test_the_rule_opens_these_doors_to_henbd_and_no_others(results: list[list[str]]) -> None:
    allowed = [["yes"] if case[-1] else ["not handled"] for case in CASES]
    assert results == allowed
