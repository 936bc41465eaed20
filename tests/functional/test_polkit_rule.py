"""The rules of polkit: which doors they open, and to whom; judged by a JavaScript engine."""

from __future__ import annotations

import json
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

from tests.functional.test_trace_page import CHROMIUM
from tests.lab.lab import ROOT

REBOOT = "org.freedesktop.login1.reboot"
UNITS = "org.freedesktop.systemd1.manage-units"

STACK = "my-enb@1.service"
FIRMWARE = "henbd-firmware@tmp-henbd\\x2dx7.img.service"

# Who asks for what, about which unit, with which verb; and whether a rule allows it. What none
# allows is left to the system's own rules.
CASES = [
    ("henbd", REBOOT, "", "", True),
    ("henbd", REBOOT + "-multiple-sessions", "", "", True),
    ("henbd", REBOOT + "-ignore-inhibit", "", "", False),
    ("henbd", "org.freedesktop.login1.power-off", "", "", False),
    ("nobody", REBOOT, "", "", False),
    ("henbd", UNITS, STACK, "restart", True),
    ("henbd", UNITS, STACK, "stop", True),
    ("henbd", UNITS, STACK, "kill", False),
    ("henbd", UNITS, "srsenb.service", "restart", False),
    ("henbd", UNITS, "ssh.service", "restart", False),
    ("nobody", UNITS, STACK, "restart", False),
    ("henbd", "org.freedesktop.systemd1.manage-unit-files", STACK, "", False),
    ("henbd", UNITS, FIRMWARE, "start", True),
    ("henbd", UNITS, FIRMWARE, "stop", False),
    ("henbd", UNITS, "not-" + FIRMWARE, "start", False),
    ("nobody", UNITS, FIRMWARE, "start", False),
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


def stack_rule(configuration: str, folder: Path) -> Path:
    """Have the rule made of a configuration, as the service does when it starts."""
    file, rules = folder / "henbd.toml", folder / "51-henbd-stack.rules"
    file.write_text(configuration)
    program = ROOT / "systemd" / "stack_rule.py"
    subprocess.run([sys.executable, "-I", program, file, rules], check=True, umask=0o077)
    return rules


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """What the rule says to each case."""
    folder: Path = tmp_path_factory.mktemp("rule")
    section = f'[s1]\nadapter = "srsenb"\nservice = "{STACK}"\n'
    rules = (ROOT / "systemd" / "polkit.rules").read_text() + stack_rule(
        section, folder
    ).read_text()
    page = folder / "page.html"
    page.write_text(PAGE.format(rules=rules, cases=json.dumps(CASES)))
    command = (*CHROMIUM, f"--user-data-dir={folder}/profile", "--dump-dom", page.as_uri())
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=True)
    text = done.stdout.rpartition('id="found">')[2].partition("</p>")[0]
    found: list[list[str]] = json.loads(unescape(text))
    return found


def test_the_rules_open_these_doors_to_henbd_and_no_others(results: list[list[str]]) -> None:
    allowed = {case[:-1]: case[-1] for case in CASES}
    found = {case[:-1]: "yes" in said for case, said in zip(CASES, results, strict=True)}
    assert found == allowed
    assert {word for said in results for word in said} == {"yes", "not handled"}


@pytest.mark.parametrize(
    ("section", "unit"),
    [
        ('adapter = "srsenb"', "srsenb.service"),
        ('adapter = "amarisoft"\nservice = "lte"', "lte.service"),
        ('adapter = "srsenb"\nservice = "lab.target"', "lab.target"),
        ('adapter = "srsenb"\nmanager = "child"\nservice = "ssh"', None),
        ('adapter = "native"\nservice = "ssh"', None),
        ('adapter = "srsenb"\nservice = "a\\"; evil"', None),
        ("", None),
    ],
)
def test_the_stack_that_is_configured_has_its_rule_and_no_other(
    tmp_path: Path, section: str, unit: str | None
) -> None:
    before = stack_rule('[s1]\nadapter = "srsenb"\nservice = "before"\n', tmp_path)
    assert '"before.service"' in before.read_text()
    rules = stack_rule(f"[s1]\n{section}\n", tmp_path)
    assert rules.exists() == (unit is not None)
    assert unit is None or rules.stat().st_mode & 0o777 == 0o644
    assert unit is None or f'action.lookup("unit") == "{unit}"' in rules.read_text()


def test_a_file_that_is_no_configuration_leaves_the_rule_alone(tmp_path: Path) -> None:
    before = stack_rule('[s1]\nadapter = "srsenb"\n', tmp_path).read_text()
    assert stack_rule("[s1", tmp_path).read_text() == before
    assert stack_rule("s1 = 7", tmp_path).read_text() == before
