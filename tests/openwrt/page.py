"""The LuCI page of henbd in a headless Chromium, with an ubus of the test's own.

To look at it: python -m tests.openwrt.page SCREENSHOT.png
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lxml import html

from henbd.status import status
from tests.openwrt.board import STUBS, TREE
from tests.unit.world import World

RESOURCES = TREE / "openwrt/luci-app-henbd/htdocs/luci-static/resources"

NOW = 1_800_000_000

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--virtual-time-budget=5000", "--window-size=1000,1300"),
)

PAGE = """<!DOCTYPE html>
<meta charset="utf-8"><title>henbd</title><link rel="stylesheet" href="file://{stubs}/luci.css">
<div id="view"></div>
<script>const scene = {scene};</script><script src="file://{stubs}/luci.js"></script>
"""


@dataclass
class Rendered:
    """The page as it was at the end."""

    tree: Any
    calls: list[str]
    notifications: list[list[str | None]]

    def row(self, name: str) -> str:
        """Return the text of a row."""
        return text(self._one(f"//tr[@data-row='{name}']/td[2]"))

    def table(self, section: str) -> list[list[str]]:
        """Return the lines of the table with a head in a section."""
        found = self._one(f"//div[@data-section='{section}']")
        lines = found.xpath(".//table[.//th]//tr[td]")
        return [[text(cell) for cell in line.xpath("td")] for line in lines]

    def section(self, name: str) -> str:
        """Return the text of a section."""
        return text(self._one(f"//div[@data-section='{name}']"))

    def _one(self, path: str) -> Any:
        (found,) = self.tree.xpath(path)
        return found


def text(node: Any) -> str:
    """Return the text in an element, as one line."""
    return " ".join(" ".join(node.itertext()).split())


def answer(values: Mapping[str, Any], written_s_ago: float = 0) -> dict[str, Any]:
    """Return what rpcd answers about a daemon that runs."""
    at = datetime.fromtimestamp(NOW - written_s_ago, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"running": True, "now": NOW, "status": {**values, "pid": 100, "at": at}}


def render(
    folder: Path,
    *answers: Mapping[str, Any],
    deeds: Sequence[str] = (),
    error: str = "",
    translation: Mapping[str, str] | None = None,
) -> Rendered:
    """Have the page rendered with these answers to its looks, while a person does these deeds."""
    page = write(folder, answers, deeds, error, translation)
    done = chromium(folder, "--dump-dom", page.as_uri())
    tree = html.document_fromstring(done)
    report = json.loads(str(tree.xpath("string(body/@data-report)")) or "{}")
    assert report["errors"] == []
    assert not report["overflows"], "the page is wider than its window"
    return Rendered(tree, report["calls"], report["notifications"])


def write(
    folder: Path,
    answers: Sequence[Mapping[str, Any]],
    deeds: Sequence[str] = (),
    error: str = "",
    translation: Mapping[str, str] | None = None,
) -> Path:
    """Write the page that Chromium opens."""
    source = (RESOURCES / "view/henbd/status.js").read_text(encoding="utf-8")
    commands = {name: [{"error": error}] for name in ("inform", "reconnect")}
    scene = {
        "source": source,
        "answers": {"status": answers, **commands},
        "deeds": deeds,
        "translation": translation,
    }
    page = folder / "page.html"
    written = json.dumps(scene).replace("</", "<\\/")
    page.write_text(PAGE.format(stubs=STUBS, scene=written), encoding="utf-8")
    return page


def chromium(folder: Path, *arguments: str) -> str:
    """Run Chromium once; return what it says."""
    profile = f"--user-data-dir={folder / 'profile'}"
    return subprocess.run(
        ["chromium", *FLAGS, profile, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        timeout=100,
        check=True,
    ).stdout


def in_service() -> dict[str, Any]:
    """Return the status of a box whose S1 is up."""
    world = World()
    world.bring_up_s1()
    world.run(60)
    values = status(world.daemon)
    world.kill()
    return values


def main(screenshot: str) -> None:
    """Take a picture of the page of a box in service."""
    with tempfile.TemporaryDirectory() as name:
        page = write(Path(name), [answer(in_service())])
        chromium(Path(name), f"--screenshot={Path(screenshot).absolute()}", page.as_uri())


if __name__ == "__main__":
    main(sys.argv[1])
