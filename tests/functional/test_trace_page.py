"""The page of `henbd trace --html` as a browser shows it."""

from __future__ import annotations

import json
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from henbd.trace_page import page

# As root, in a sandbox without a graphics card, and without asking for anything on the net.
CHROMIUM = (
    "chromium",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1100,1400",
)

# What a person would see: where each text of the diagram is, and what a click opens.
PROBE = """
<script>addEventListener("load", () => {
  const texts = [...document.querySelectorAll("svg text")].map((text) => {
    const box = text.getBBox();
    return [text.firstChild.textContent, box.x, box.y, box.x + box.width, box.y + box.height];
  });
  const arrow = document.querySelector('svg a[href="#m1-2"]');
  arrow.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
  setTimeout(() => {
    const open = [...document.querySelectorAll("details[open]")].map((body) => body.id);
    const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
    const found = document.createElement("script");
    found.id = "found"; found.type = "application/json";
    found.textContent = JSON.stringify({ texts, open, wide });
    document.body.append(found);
  }, 50);
});</script>
"""


def message(sender: str, in_s: float, name: str, body: str) -> dict[str, Any]:
    return {
        "in_s": in_s,
        "from": sender,
        "name": name,
        "status": None if sender == "HeNB" else 200,
        "bytes": len(body),
        "cut": False,
        "body": body,
    }


TRACE = {
    "sessions": [
        {
            "number": 1,
            "at": "2026-06-01T12:00:00.000+00:00",
            "url": "https://hems.operator.example:7548/acs/with/a/long/path",
            "source": "2001:db8:1234:5678:9abc:def0:1234:5678",
            "events": ["4 VALUE CHANGE", "X 00256D 3GPP Reprovision Required: SecGW"],
            "acknowledged": True,
            "failure": None,
            "took_s": 12.5,
            "messages": [
                message("HeNB", 0.001, "Inform", "<Inform>" + "x" * 400 + "</Inform>"),
                message("HeMS", 12.4, "SetParameterAttributesResponse", "<a/>"),
            ],
            "happenings": [
                {"in_s": -61.5, "about": "tunnel", "text": "being negotiated with 192.0.2.101"},
                {
                    "in_s": -0.1,
                    "about": "S1",
                    "text": "reference was told: from 2001:db8::1 to 2001:db8::2, 2001:db8::3",
                },
            ],
        }
    ],
    "at": "2026-06-01T12:00:20.000+00:00",
    "happenings": [],
}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the browser made of the page."""
    folder: Path = tmp_path_factory.mktemp("page")
    file = folder / "trace.html"
    file.write_text(page(TRACE).replace("</body>", PROBE + "</body>"))
    options = (f"--user-data-dir={folder}/profile", "--virtual-time-budget=2000", "--dump-dom")
    done = subprocess.run(
        [*CHROMIUM, *options, file.as_uri()],
        capture_output=True,
        text=True,
        timeout=110,
        check=True,
    )
    text = done.stdout.partition('id="found" type="application/json">')[2].partition("</script>")[0]
    found: dict[str, Any] = json.loads(unescape(text))
    return found


def test_no_text_of_the_diagram_covers_another_or_is_cut_off(seen: dict[str, Any]) -> None:
    boxes = seen["texts"]
    assert len(boxes) == 2 + 4 + 4
    for place, (text, left, top, right, bottom) in enumerate(boxes):
        assert left >= 0, text
        assert right <= 960, text
        for other, left_2, top_2, right_2, bottom_2 in boxes[place + 1 :]:
            apart = right <= left_2 or right_2 <= left or bottom <= top_2 or bottom_2 <= top
            assert apart, (text, other)


def test_a_click_on_an_arrow_opens_its_body_alone(seen: dict[str, Any]) -> None:
    assert seen["open"] == ["m1-2"]


def test_the_page_is_no_wider_than_its_window(seen: dict[str, Any]) -> None:
    assert not seen["wide"]
