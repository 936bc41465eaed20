"""`henbd trace` in the terminal: each session as a ladder between HeNB and HeMS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from henbd.printable import printable

WIDTH = 46


def ladder(trace: Mapping[str, Any]) -> str:
    """Return the text of a trace."""
    lines = [line for session in trace["sessions"] for line in [*_session(session), ""]]
    if trace["happenings"]:
        lines.append(f"since then, in seconds before {time_of_day(trace['at'])}")
        lines += [_happening(happening) for happening in trace["happenings"]]
    return "\n".join(map(printable, lines)).rstrip() or "nothing is recorded yet"


def title(session: Mapping[str, Any]) -> str:
    """Return a session in one line."""
    number = f"session {session['number']}" if session["number"] else "the session that goes on"
    day = session["at"].partition("T")[0]
    where = f"{session['source']} to {session['url']}"
    at = f"{day} {time_of_day(session['at'])} UTC"
    return f"{number}, {at}, {where}: {', '.join(session['events'])}"


def result(session: Mapping[str, Any]) -> str:
    """Return how a session ended."""
    if session["took_s"] is None:
        return "it goes on"
    return session["failure"] or "ended properly"


def steps(session: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return messages and happenings in the order of their time; a message has `from`."""
    return sorted([*session["happenings"], *session["messages"]], key=lambda step: step["in_s"])


def name(message: Mapping[str, Any]) -> str:
    """Return what to call a message."""
    return message["name"] or ("empty" if not message["bytes"] else "no SOAP")


def size(message: Mapping[str, Any]) -> str:
    """Return what there is to know of a message beside its name."""
    status = "" if message["status"] is None else f"HTTP {message['status']}"
    amount = f"{message['bytes']:,} bytes" if message["bytes"] else ""
    return ", ".join(filter(None, (status, amount)))


def time_of_day(at: str) -> str:
    """Return hours, minutes, seconds and milliseconds of a time in ISO 8601."""
    return at.partition("T")[2][:12]


def _session(session: Mapping[str, Any]) -> Iterator[str]:
    yield title(session)
    yield f"{'':11} {'HeNB':<{WIDTH - 4}}HeMS"
    yield from _steps(steps(session))
    took = "" if session["took_s"] is None else f"{session['took_s']:+11.4f} "
    yield f"{took or ' ' * 12}{result(session)}"


def _steps(found: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for step in found:
        yield _message(step) if "from" in step else _happening(step)


def _message(message: Mapping[str, Any]) -> str:
    word, room = name(message), WIDTH - 4
    if message["from"] == "HeNB":
        arrow = f"{word} {'─' * max(1, room - len(word))}▶"
    else:
        arrow = f"◀{'─' * max(1, room - len(word))} {word}"
    return f"{message['in_s']:+11.4f} {arrow}  {size(message)}".rstrip()


def _happening(happening: Mapping[str, Any]) -> str:
    return f"{happening['in_s']:+11.4f} * {happening['about']}: {happening['text']}"
