"""One target under mutations of our own, for a Python that atheris has no build for."""

from __future__ import annotations

import hashlib
import logging
import random
import sys
import time
from importlib import import_module
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
LONGEST = 8192


def main(name: str, seconds: str) -> None:
    """Fuzz one target; an input that is a finding is put into the corpus."""
    logging.disable()
    target = import_module(f"tests.fuzz.{name}")
    seeds = [file.read_bytes() for file in sorted((CORPUS / name).iterdir())]
    until, runs = time.monotonic() + float(seconds), 0
    chance = random.Random()
    while time.monotonic() < until:
        data = mutated(chance.choice(seeds), seeds, chance)
        runs += 1
        try:
            target.fuzz(data)
        except BaseException:
            found = CORPUS / name / f"crash-{hashlib.sha1(data).hexdigest()}"
            found.write_bytes(data)
            print(f"see {found}")
            raise
    print(f"Done {runs} runs in {seconds} second(s)")


def mutated(data: bytes, seeds: list[bytes], chance: random.Random) -> bytes:
    """Return some bytes with a few of them changed, taken out, repeated or put in."""
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at = chance.randrange(len(data) + 1)
        until = at + min(len(data) - at, chance.choice((0, 1, 1, 2, 8, 64)))
        other = chance.choice(seeds)
        start = chance.randrange(len(other) + 1)
        put = chance.choice(
            (b"", chance.randbytes(1), data[at:until] * 2, other[start : start + 32], b"\0" * 4)
        )
        data = data[:at] + put + data[until:]
    return data[:LONGEST]


if __name__ == "__main__":
    main(*sys.argv[1:])
