"""The manual pages and the completion say what the program knows, and no more."""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from henbd import cli
from henbd.config_keys import SECTIONS
from henbd.cwmp.files import LOGS
from henbd.model import paths
from henbd.status import status
from tests.unit.fakes.gateway import Manner
from tests.unit.fakes.hems import command
from tests.unit.world import World

SYSTEMD = Path(__file__).parents[2] / "systemd"
sys.path.insert(0, str(SYSTEMD))
from manual import manual  # noqa: E402

KINDS: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "object or null": (dict, type(None)),
    "text or null": (str, type(None)),
    "number or null": (int, float, type(None)),
    "list of texts": (list,),
    "list of objects": (list,),
}


def commands() -> dict[str, argparse.ArgumentParser]:
    """Return the parser of each command."""
    parser = cli.parser()
    (found,) = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]  # noqa: SLF001
    return dict(found.choices)


def options(parser: argparse.ArgumentParser) -> set[str]:
    """Return the long options of a command."""
    actions = parser._actions  # noqa: SLF001
    return {option for action in actions for option in action.option_strings if option[:2] == "--"}


def text_of(page: str) -> str:
    """Return a page without its marks."""
    return str(manual(page)).replace("\\-", "-").replace("\\&", "")


def test_manual_has_every_command_with_its_options() -> None:
    text = text_of("henbd.8")
    assert not re.search("@[A-Z]+@", text)
    section = text.partition(".SH COMMANDS")[2].partition(".SH STATUS")[0]
    entry = r"^\.TP\n\.(?:B|BR|BI) ([\w-]+)(.*(?:\n(?!\.TP).*)*)"
    described = dict(re.findall(entry, section, re.M))
    assert set(described) == set(commands())
    everywhere = {"--socket", "--help", "--config"}
    for name, parser in commands().items():
        told = set(re.findall(r"--[a-z-]+", described[name]))
        assert told - everywhere == options(parser) - everywhere, name


def test_manual_of_the_file_has_every_option_and_no_other() -> None:
    text = text_of("henbd.toml.5").partition(".SH OPTIONS")[2].partition(".SH EXAMPLE")[0]
    sections = re.split(r"^\.SS \[(\w+)\]", text, flags=re.M)
    found = dict(zip(sections[1::2], sections[2::2], strict=True))
    assert set(found) >= set(SECTIONS)
    for name, keys in SECTIONS.items():
        told = re.findall(r"^\.B (.+)$", found[name], re.M)
        assert sorted(key.strip() for line in told for key in line.split(",")) == sorted(keys), name


def test_example_of_the_manual_is_one() -> None:
    text = manual("henbd.toml.5").partition(".nf\n")[2].partition("\n.fi")[0]
    for section, keys in tomllib.loads(text).items():
        assert keys.keys() <= SECTIONS[section].keys()


def parts(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each part of a status with its path; an item of a list has []."""
    if path:
        yield path, value
    if isinstance(value, dict) and path != "hems.to_tell":
        for key, item in value.items():
            yield from parts(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, dict):
                yield from parts(item, f"{path}[]")


def statuses(world: World) -> Iterator[dict[str, Any]]:
    """Yield the status of a box in many situations."""
    world.start()
    yield status(world.daemon)
    world.run(2)
    world.provision_far_ends(next(iter(world.mmes)))
    world.run(2)
    upload = {"CommandKey": "key", "FileType": LOGS[0], "URL": "http://h/", "DelaySeconds": "9999"}
    world.hems.will_ask(command("Upload", **upload))
    world.listener.call()
    world.run(2)
    yield status(world.daemon)
    row = paths.CURRENT_ALARMS + "1."
    tree = world.daemon.memory.tree.report_rows(paths.CURRENT_ALARMS, [1])
    world.daemon.memory.report(tree.report({row + "PerceivedSeverity": "Major"}))
    world.hems.answers_after_s = 1e9
    world.listener.call()
    world.run(5)
    yield status(world.daemon)
    world.run(700)
    yield status(world.daemon)
    for gateway in world.gateways.values():
        gateway.manner = Manner.REFUSES
    world.daemon.reconnect()
    world.run(60)
    yield status(world.daemon)


def test_status_is_as_the_manual_tells(world: World) -> None:
    rows = (SYSTEMD / "man" / "status.tsv").read_text().splitlines()
    told = {key: kind for key, kind, _ in (row.split("\t") for row in rows)}
    seen: set[str] = set()
    for values in statuses(world):
        for path, value in parts(values):
            if path in ("device", "hems", "guards", "s1") or path.endswith("[]"):
                continue
            assert path in told, f"{path} is not in systemd/man/status.tsv"
            assert type(value) in KINDS[told[path]], (path, value)
            seen.add(path)
    assert told.keys() <= seen


@pytest.mark.parametrize("name", sorted(commands()))
def test_completion_knows_the_options_of_each_command(name: str) -> None:
    text = (SYSTEMD / "henbd.bash").read_text()
    case = re.search(rf"^ +(?:[\w-]+ \| )*{name}(?: \| [\w-]+)*\)(.*)$", text, re.M)
    assert case
    told = set(re.findall(r"--[a-z-]+", case[1]))
    files_alone = {"--help"} if name == "check-config" else set()
    assert told == options(commands()[name]) - files_alone


def test_completion_knows_the_commands() -> None:
    text = (SYSTEMD / "henbd.bash").read_text()
    words = re.findall(r"words='(run [^']*)'", text)[0].split()
    assert {word for word in words if word[0] != "-"} == set(commands())
