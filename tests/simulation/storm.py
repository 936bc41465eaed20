"""`make storm`: a hundred thousand HeNBs behind a gateway that restarts, in simulated time.

Prints a table, and draws how many Informs a second come to the HeMS and how many it takes.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.bench.plot import INK, LIMIT, OURS, line, picture, text
from tests.simulation.fleet import Aftermath, Fleet, Storm

BOXES, CAPACITY = 100_000, 500

# The shortest time in which the HeMS could take them all, and one and a half times as long.
SPREADS = (0, 200, 300)

WIDTH, PANEL, LEFT, RIGHT = 900, 150, 60, 20


def main() -> int:
    """Simulate each storm, and show what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.storm", description=__doc__)
    parser.add_argument("--boxes", type=int, default=BOXES)
    parser.add_argument("--capacity", type=int, default=CAPACITY, help="sessions a second")
    parser.add_argument("--to", type=Path, default=Path("build/storm"), help="a folder")
    arguments = parser.parse_args()
    began_at = time.monotonic()
    storms = [
        Storm(arguments.boxes, arguments.capacity, answers_503, spread_s)
        for answers_503 in (True, False)
        for spread_s in SPREADS
    ]
    with ProcessPoolExecutor() as pool:
        found = list(pool.map(aftermath, storms))
    arguments.to.mkdir(parents=True, exist_ok=True)
    picture_file = arguments.to / "storm.svg"
    picture_file.write_text(drawn(found), encoding="utf-8")
    print(f"{arguments.boxes} HeNBs get another inner address within a second", "", sep="\n")
    print(table(found), "", f"{time.monotonic() - began_at:.0f} s; {picture_file}", sep="\n")
    return 0


def aftermath(storm: Storm) -> Aftermath:
    """Simulate one storm."""
    return Fleet(storm).run()


def table(found: Sequence[Aftermath]) -> str:
    """Return what came of storms, in Markdown."""
    lines = [
        "| the HeMS, the HeNBs | 99 % registered | all | retries, mean (most) | worst second |",
        "|---|---|---|---|---|",
    ]
    for one in found:
        lines.append(
            f"| {one.storm} | {one.time_until(0.99):.0f} s | {one.time_until(1):.0f} s"
            f" | {one.retries:.2f} ({max(one.tries) - 1}) | {max(one.arrived.values())} Informs |"
        )
    return "\n".join(lines)


def drawn(found: Sequence[Aftermath]) -> str:
    """Return a picture: a panel for each storm, with the same scales."""
    seconds = max(int(one.time_until(1)) for one in found) + 1
    most = max(max(one.arrived.values()) for one in found)
    parts = [part for place, one in enumerate(found) for part in _panel(one, place, seconds, most)]
    return picture(WIDTH, PANEL * len(found) + 10, parts)


def _panel(one: Aftermath, place: int, seconds: int, most: int) -> Iterator[str]:
    top, bottom = place * PANEL + 24, (place + 1) * PANEL - 18
    yield text(LEFT, top - 8, f"{one.storm}: all registered after {one.time_until(1):.0f} s", INK)
    yield line(LEFT, bottom, WIDTH - RIGHT, bottom)
    for decade in range(int(math.log10(most)) + 1):
        y = _height(10**decade, most, top, bottom)
        yield line(LEFT, y, WIDTH - RIGHT, y, "#eee")
        yield text(LEFT - 6, y + 4, f"{10**decade}/s", "#777", "end")
    for counts, colour in ((one.arrived, OURS), (one.served, LIMIT)):
        yield _curve(counts, colour, (seconds, most), (top, bottom))
    for share in (0, 0.25, 0.5, 0.75, 1):
        x = LEFT + share * (WIDTH - RIGHT - LEFT)
        yield text(x, bottom + 13, f"{share * seconds:.0f} s", "#777", "middle")


def _curve(
    counts: Counter[int], colour: str, most: tuple[int, int], between: tuple[float, float]
) -> str:
    seconds, highest = most
    scale = (WIDTH - RIGHT - LEFT) / seconds
    points = " ".join(
        f"{LEFT + second * scale:.1f},{_height(counts[second], highest, *between):.1f}"
        for second in range(max(counts) + 2)
    )
    return f'<polyline points="{points}" fill="none" stroke="{colour}"/>'


def _height(count: int, most: int, top: float, bottom: float) -> float:
    """Return how high a count stands, on a scale of powers of ten that begins at one half."""
    share = math.log10(max(count, 0.5) * 2) / math.log10(most * 2)
    return bottom - share * (bottom - top)


if __name__ == "__main__":
    sys.exit(main())
