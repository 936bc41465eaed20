"""`make conformance`: every entry of the checklist with its tests, or why it is left out."""

from __future__ import annotations

import contextlib
import io
import sys
from collections import defaultdict

import pytest

from tests.conformance.checklist import Entry, entries, left_out

# Of the tests of one entry so many are named; the rest are counted.
MOST_NAMED = 4

FOLDERS = ("tests/unit", "tests/functional", "tests/simulation")


class Marks:
    """Collects the tests of each entry; parameters of one test count once."""

    def __init__(self) -> None:
        self.tests: dict[str, dict[str, None]] = defaultdict(dict)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Note the marks of all tests."""
        for item in items:
            for mark in item.iter_markers("conformance"):
                for number in mark.args:
                    self.tests[number][item.nodeid.partition("[")[0]] = None


def collected() -> dict[str, list[str]]:
    """Return the tests of each entry by their full names."""
    marks = Marks()
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        status = pytest.main(["--collect-only", "-q", *FOLDERS], plugins=[marks])
    if status != pytest.ExitCode.OK:
        raise SystemExit(f"{said.getvalue()}\nthe tests cannot be collected")
    return {number: sorted(tests) for number, tests in marks.tests.items()}


def told(entry: Entry, tests: list[str], reason: str) -> list[str]:
    """Return the lines about an entry."""
    head = f"{entry.number} {entry.level:8} {entry.text[:100]}".rstrip()
    more = [f"... and {len(tests) - MOST_NAMED} more"] if len(tests) > MOST_NAMED else []
    said = [*tests[:MOST_NAMED], *more] if tests else [f"left out: {reason}" if reason else "OPEN"]
    return [head, *(f"     {line}" for line in said)]


def main() -> int:
    """Print the list; return 1 where an entry has neither tests nor a reason, or both."""
    tests, reasons, listed = collected(), left_out(), entries()
    for entry in listed:
        print(*told(entry, tests.get(entry.number, []), reasons.get(entry.number, "")), sep="\n")
    numbers = {entry.number for entry in listed}
    covered, excused = numbers & tests.keys(), reasons.keys() - tests.keys()
    open_ = [e.number for e in listed if e.number not in covered and e.number not in excused]
    wrong = [*sorted(tests.keys() - numbers), *sorted(reasons.keys() & tests.keys())]
    counts = f"{len(covered)} with tests, {len(excused)} left out for a reason, {len(open_)} open"
    print(f"\n{len(numbers)} entries: {counts}", *open_)
    if wrong:
        print(f"no such entry, or left out and tested all the same: {' '.join(wrong)}")
    binding = [e.number for e in listed if e.binding and e.number in open_]
    return int(bool(binding or wrong))


if __name__ == "__main__":
    sys.exit(main())
