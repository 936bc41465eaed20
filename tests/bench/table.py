"""Figures as a table for people, and as JSON for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure, quantile

HEADINGS = ("figure", "n", "median", "p95", "limit", "ratio", "to reach", "")
LIBRARIES = ("requests", "urllib3", "lxml", "pyroute2", "vici")


def machine() -> str:
    """Return what the figures were measured on, and how busy it was."""
    loads = " ".join(f"{load:.1f}" for load in os.getloadavg())
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{os.cpu_count()} processors, Linux {platform.release()}, "
        f"Python {platform.python_version()}, {libraries}; load {loads}"
    )


def table(figures: Sequence[Figure]) -> str:
    """Return figures as a table in Markdown, which a terminal shows well too."""
    rows = [HEADINGS, *map(_row, figures)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(HEADINGS))]
    lines = [_line(row, widths) for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    notes = dict.fromkeys(f"{f.name}: limit is {f.limit_name}" for f in figures if f.limit_name)
    return "\n".join([*lines, "", *notes])


def document(figures: Sequence[Figure]) -> str:
    """Return figures as JSON, with every sample."""
    return json.dumps({"machine": machine(), "figures": list(map(_object, figures))}, indent=1)


def keep(figures: Sequence[Figure], path: Path) -> None:
    """Write figures to a file of JSON."""
    path.write_text(document(figures) + "\n", encoding="utf-8")


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return f"| {' | '.join(cells)} |"


def _row(figure: Figure) -> tuple[str, ...]:
    verdict = {True: "reached", False: "MISSED", None: ""}[figure.reached]
    return (
        f"{figure.name}, {figure.unit}".removesuffix(", "),
        f"{len(figure.samples)}",
        _short(figure.median),
        _short(figure.p95) if len(figure.samples) > 1 else "",
        " / ".join(_limits(figure)),
        f"{figure.ratio:.2f}" if figure.ratio is not None else "",
        str(figure.goal or ""),
        verdict,
    )


def _limits(figure: Figure) -> Iterator[str]:
    """Yield median and 95th percentile of the limit."""
    if figure.limit:
        yield _short(quantile(figure.limit, 0.5))
    if len(figure.limit) > 1:
        yield _short(quantile(figure.limit, 0.95))


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _object(figure: Figure) -> dict[str, Any]:
    return {
        "name": figure.name,
        "unit": figure.unit,
        "median": figure.median,
        "p95": figure.p95,
        "ratio": figure.ratio,
        "goal": str(figure.goal or ""),
        "reached": figure.reached,
        "limit_name": figure.limit_name,
        "samples": list(figure.samples),
        "limit": list(figure.limit),
    }
