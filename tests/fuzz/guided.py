"""One target under atheris (libFuzzer): guided by what of henbd an input reaches.

What it learns stays in .fuzz/ for the next time; a finding is put into the corpus.
"""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from pathlib import Path

import atheris

CORPUS = Path(__file__).parent / "corpus"

# None of ours is longer; a line of the native protocol may be, with nothing new in it.
LONGEST = 8192


def main(name: str, seconds: str) -> None:
    """Fuzz one target."""
    logging.disable()
    with atheris.instrument_imports(include=["henbd", "vici"]):
        target = import_module(f"tests.fuzz.{name}")
    learned = Path(".fuzz") / name
    learned.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={seconds}", f"-artifact_prefix={CORPUS / name}/"]
    limits = [f"-max_len={LONGEST}", "-timeout=10", "-rss_limit_mb=1024"]
    atheris.Setup([name, *options, *limits, str(learned), str(CORPUS / name)], target.fuzz)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
