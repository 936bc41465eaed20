"""The command line of the bench: which rows, how many trials, and where what came out is kept."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.bench import address, call, idle, life, model, values
from tests.bench.figures import Figure
from tests.bench.plot import strips
from tests.bench.table import keep, machine, table

Rows = Callable[[int], Iterator[Figure]]

ROWS: Mapping[str, Rows] = {
    "address": address.figures,
    "call": call.figures,
    "values": values.figures,
    "model": model.figures,
    "start": life.starting,
    "sessions": life.sessions,
    "memory": life.memory,
    "idle": idle.figures,
}

TRIALS = 200


def main() -> int:
    """Take the figures, show them, and keep them."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROWS", help=f"of {', '.join(ROWS)}; else all")
    parser.add_argument("--trials", type=int, default=TRIALS, help="of each; 200 are worth keeping")
    parser.add_argument("--to", type=Path, default=Path("build/bench"), help="a folder")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        print("the bench needs root: it makes network namespaces and runs strongSwan in them")
        return 1
    wanted = arguments.rows or list(ROWS)
    taken: list[Figure] = []
    print(machine(), flush=True)
    for name in wanted:
        for figure in ROWS[name](arguments.trials):
            taken.append(figure)
            print(f"{figure.name}: {figure.median:.3g} {figure.unit}", flush=True)
    arguments.to.mkdir(parents=True, exist_ok=True)
    keep(taken, arguments.to / "figures.json")
    (arguments.to / "figures.svg").write_text(strips(taken), encoding="utf-8")
    print("", table(taken), "", machine(), f"kept in {arguments.to}", sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
