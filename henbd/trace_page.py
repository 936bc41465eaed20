"""`henbd trace --html`: one page that needs nothing else, with a sequence diagram a session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from henbd.trace_ladder import name, result, size, steps, time_of_day, title

# All in pixels: where the lines of HeNB and HeMS are, and how far a step is from the next.
LEFT, RIGHT, WIDTH = 430, 860, 960
TOP, STEP = 56, 30
# What there is room for between the times and the line of the HeNB.
MOST_LETTERS = 44

STYLE = """
:root { color-scheme: light dark; --line: #8a8f98; --henb: #0b6e4f; --hems: #1f4e9c;
  --event: #9a5b00; --bad: #b3261e; --paper: #ffffff; --ink: #16181d; --soft: #f1f3f6; }
@media (prefers-color-scheme: dark) { :root { --henb: #58c9a3; --hems: #8db5ff; --event: #f0b55a;
  --bad: #ff8a80; --paper: #14161a; --ink: #e7e9ee; --soft: #1f232a; } }
body { margin: 2rem auto; max-width: 62rem; padding: 0 1rem; background: var(--paper);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.05rem; margin: 2.5rem 0 .25rem; }
section > p { margin: 0 0 .5rem; } .failed { color: var(--bad); }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--ink); font-size: 13px; }
svg .time, svg .size { opacity: .7; font-size: 12px; }
svg .life { stroke: var(--line); stroke-dasharray: 3 4; } svg .head { font-weight: 600; }
svg .henb { stroke: var(--henb); fill: var(--henb); }
svg .hems { stroke: var(--hems); fill: var(--hems); }
svg .event { fill: var(--event); } svg a:hover text { text-decoration: underline; }
details { border-left: 3px solid var(--soft); margin: .25rem 0; padding-left: .75rem; }
details:target { border-color: var(--hems); } summary { cursor: pointer; }
pre { background: var(--soft); padding: .75rem; overflow-x: auto; white-space: pre-wrap;
  overflow-wrap: anywhere; font: 12px/1.45 ui-monospace, monospace; }
"""

# A click on an arrow opens its body: without this, a person does it.
SCRIPT = """
function unfold() {
  const body = document.getElementById(location.hash.slice(1));
  if (body && body.tagName === "DETAILS") { body.open = true; body.scrollIntoView(); }
}
addEventListener("hashchange", unfold); addEventListener("load", unfold);
"""


def page(trace: Mapping[str, Any]) -> str:
    """Return the page of a trace."""
    sections = [_section(place, session) for place, session in enumerate(trace["sessions"], 1)]
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>henbd: the last sessions</title><style>{STYLE}</style></head><body>",
            "<h1>The last sessions with the HeMS</h1>",
            *(sections or ["<p>Nothing is recorded yet.</p>"]),
            *_latest(trace),
            f"<script>{SCRIPT}</script></body></html>",
        ]
    )


def _section(place: int, session: Mapping[str, Any]) -> str:
    failed = ' class="failed"' if session["failure"] else ""
    return "\n".join(
        [
            f"<section><h2>{escape(title(session))}</h2>",
            f"<p{failed}>{escape(result(session))}</p>",
            *_diagram(place, session),
            *_bodies(place, session),
            "</section>",
        ]
    )


def _diagram(place: int, session: Mapping[str, Any]) -> Iterator[str]:
    found = steps(session)
    height = TOP + STEP * max(1, len(found))
    yield f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title(session))}">'
    for x, who in ((LEFT, "HeNB"), (RIGHT, "HeMS")):
        yield f'<text class="head" x="{x}" y="16" text-anchor="middle">{who}</text>'
        yield f'<line class="life" x1="{x}" y1="24" x2="{x}" y2="{height - 8}"/>'
    number = 0
    for row, step in enumerate(found):
        y = TOP + STEP * row
        yield f'<text class="time" x="0" y="{y}">{_time(step["in_s"])}</text>'
        if "from" in step:
            number += 1
            yield from _arrow(f"m{place}-{number}", step, y)
        else:
            text = f"{step['about']}: {step['text']}"
            yield f'<circle class="event" cx="{LEFT}" cy="{y - 4}" r="4"/>'
            yield f'<text x="{LEFT - 12}" y="{y}" text-anchor="end">{escape(_short(text))}'
            yield f"<title>{escape(text)}</title></text>"
    yield "</svg>"


def _arrow(anchor: str, message: Mapping[str, Any], y: int) -> Iterator[str]:
    ours = message["from"] == "HeNB"
    start, end = (LEFT, RIGHT) if ours else (RIGHT, LEFT)
    tip = end - 9 if ours else end + 9
    side = "henb" if ours else "hems"
    middle = (LEFT + RIGHT) // 2
    yield f'<a href="#{anchor}">'
    yield f'<line class="{side}" x1="{start}" y1="{y}" x2="{tip}" y2="{y}" stroke-width="1.5"/>'
    yield f'<path class="{side}" d="M{end} {y} L{tip} {y - 4} L{tip} {y + 4} Z"/>'
    yield f'<text x="{middle}" y="{y - 6}" text-anchor="middle">{escape(name(message))}'
    yield f'<tspan class="size" dx="8">{escape(size(message))}</tspan></text></a>'


def _time(in_s: float) -> str:
    return f"{in_s * 1000:+.1f} ms" if abs(in_s) < 10 else f"{in_s:+.1f} s"


def _short(text: str) -> str:
    """Return as much of a text as there is room for left of the HeNB."""
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"


def _bodies(place: int, session: Mapping[str, Any]) -> Iterator[str]:
    for number, message in enumerate(session["messages"], 1):
        about = f"{message['from']}: {name(message)}"
        more = ", ".join(filter(None, (size(message), "cut" if message["cut"] else "")))
        yield f'<details id="m{place}-{number}">'
        yield f"<summary>{escape(about)} <small>{escape(more)}</small></summary>"
        yield f"<pre>{escape(message['body']) or '(empty)'}</pre></details>"


def _latest(trace: Mapping[str, Any]) -> Iterator[str]:
    if not trace["happenings"]:
        return
    yield f"<section><h2>Since then, up to {escape(time_of_day(trace['at']))}</h2><ul>"
    for happening in trace["happenings"]:
        text = f"{-happening['in_s']:.1f} s ago: {happening['about']}: {happening['text']}"
        yield f"<li>{escape(text)}</li>"
    yield "</ul></section>"
