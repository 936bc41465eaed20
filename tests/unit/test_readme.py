"""The README tells the truth about the configuration."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from henbd.config_keys import SECTIONS, Key, Need

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")

# Defaults that the README says in words, for they depend on something else or are too long.
IN_WORDS = ("none", "looked up", "derived", "likewise", "the ", "henbd's own", "AES-")


def rows() -> Iterator[tuple[str, str, str]]:
    """Yield section, key and the default's cell of every row of the option table."""
    section = ""
    for line in README.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|") or len(cells) != 3:
            continue
        if heading := re.fullmatch(r"\*\*\[(\w+)\]\*\*", cells[0]):
            section = heading[1]
        keys = re.findall(r"`(\w+)`", cells[0])
        defaults = cells[1].split(", ") if len(keys) > 1 and "`, `" in cells[1] else [cells[1]]
        for number, key in enumerate(keys):
            yield section, key, defaults[min(number, len(defaults) - 1)]


def plain(value: Any) -> Any:
    """Return a default as TOML would have it."""
    if isinstance(value, Enum):
        return value.value
    return [plain(item) for item in value] if isinstance(value, tuple) else value


def test_every_option_is_listed_once_in_its_section() -> None:
    listed = [(section, key) for section, key, _ in rows()]
    assert listed.count(("hems", "url")) == 1
    known = [(section, key) for section, keys in SECTIONS.items() for key in keys]
    assert sorted(listed) == sorted(known)


def test_every_default_is_told() -> None:
    wrong = {}
    for section, name, cell in rows():
        key: Key = SECTIONS[section][name]
        if key.default is Need.REQUIRED:
            right = cell == ""
        elif literal := re.fullmatch(r"`([^`]*)`", cell):
            right = json.loads(literal[1]) == plain(key.default)
        else:
            right = cell.startswith(IN_WORDS) or '"tunnel"' in cell
        if not right:
            wrong[f"{section}.{name}"] = (cell, key.default)
    assert not wrong
