"""make fuzz: every target for so many seconds; the exit status is the number of those that fell."""

from __future__ import annotations

import argparse
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
DRIVERS = ("__init__", "__main__", "guided", "blind")
TARGETS = sorted(f.stem for f in HERE.glob("*.py") if f.stem not in DRIVERS)


def main() -> int:
    """Run the targets, each in a process of its own, and say what was found."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", choices=[[], *TARGETS], metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=60, metavar="N")
    options = parser.parse_args()
    driver = "guided" if find_spec("atheris") else "blind"
    fallen = []
    for target in options.targets or TARGETS:
        command = [sys.executable, "-m", f"tests.fuzz.{driver}", target, str(options.seconds)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        print(f"{target:20} {summary(done.stdout + done.stderr)}", flush=True)
        if done.returncode:
            fallen.append(target)
            print(done.stdout + done.stderr)
    print(f"{len(fallen)} findings in {len(options.targets or TARGETS)} targets ({driver})")
    return len(fallen)


def summary(output: str) -> str:
    """Return what a driver says last of how much it has done."""
    lines = [line for line in output.splitlines() if line.startswith("Done ")]
    return lines[-1] if lines else "a finding:"


if __name__ == "__main__":
    sys.exit(main())
