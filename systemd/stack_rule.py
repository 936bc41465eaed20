"""Writes the rule of polkit for the service of the S1AP stack: stack-rule CONFIGURATION RULES

henbd.service runs it as root at each start, so the rule is about the service that is configured
there ([s1] service), and no other; without one there is no rule.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

# Stacks with a configuration of their own, which a manager runs; see henbd/config_keys.py.
MANAGED = ("srsenb", "amarisoft")

# systemd.unit(5).
UNIT = re.compile(r"[\w:.@\\-]+", re.ASCII)

RULE = """\
// Made by henbd.service of [s1] service when it starts: do not edit.
polkit.addRule(function (action, subject) {
    if (subject.user == "henbd" && action.id == "org.freedesktop.systemd1.manage-units" &&
        action.lookup("unit") == %s &&
        ["start", "stop", "restart"].indexOf(action.lookup("verb")) >= 0) {
        return polkit.Result.YES;
    }
    return polkit.Result.NOT_HANDLED;
});
"""


def unit(configuration: dict[str, Any]) -> str | None:
    """Return the unit of the stack that systemd runs for henbd, if there is one."""
    section = configuration.get("s1", {})
    if section.get("adapter") not in MANAGED or section.get("manager", "systemd") != "systemd":
        return None
    name = section.get("service", "srsenb")
    if not isinstance(name, str) or not UNIT.fullmatch(name):
        return None
    return name if "." in name else f"{name}.service"


def main(configuration: Path, rules: Path) -> None:
    """Bring the file with the rule to what the configuration says, if that can be read."""
    try:
        name = unit(tomllib.loads(configuration.read_text(encoding="utf-8")))
    except (OSError, ValueError, AttributeError):
        # henbd says what is wrong with it, and does not start.
        return
    if name is None:
        rules.unlink(missing_ok=True)
        return
    text = RULE % json.dumps(name)
    if rules.parent.is_dir() and not (rules.exists() and rules.read_text() == text):
        # Whole and readable when polkitd sees it, which is not root, whatever our umask.
        new = rules.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        new.chmod(0o644)
        new.replace(rules)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
