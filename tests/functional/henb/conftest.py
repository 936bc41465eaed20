"""A lab for each test; `@pytest.mark.lab(psk=True)` says how it differs from the usual one.

Whatever a test is about, nothing may leak in it, and neither HeMS nor MME may find fault: the
fixture sees to that at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from tests.lab.lab import Lab, Options


@pytest.fixture
def options(request: pytest.FixtureRequest) -> Options:
    """The options of the test's mark."""
    marker = request.node.get_closest_marker("lab")
    return Options(**marker.kwargs) if marker else Options()


@pytest.fixture
def lab(options: Options, tmp_path: Path) -> Iterator[Lab]:
    """A lab with charon and gateway started, stack and henbd not."""
    with Lab(options, tmp_path) as lab:
        yield lab
        print("henbd:", lab.henbd.text()[-20000:], "stack:", lab.stack.text()[-4000:], sep="\n")
        assert lab.complaints() == []
        assert "Traceback" not in lab.henbd.text()


@pytest.fixture
def registered(lab: Lab) -> Lab:
    """A lab whose HeNB is registered, S1 up, and the HeMS told so."""
    lab.register()
    return lab


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell of the fault matrix: the cells, the clear packets, from fault to right state."""
    cells = [
        value
        for report in terminalreporter.getreports("passed")
        for name, value in report.user_properties
        if name == "matrix" and report.when == "call"
    ]
    for plane in sorted({plane for plane, *_ in cells}):
        rows = sorted((row for row in cells if row[0] == plane), key=lambda row: row[2])
        terminalreporter.section(f"fault matrix: {plane}")
        for _, fault, settled_s, clear in rows:
            terminalreporter.line(f"{settled_s:8.2f} s  {clear} clear  {fault}")
        times = [row[2] for row in rows]
        terminalreporter.line(
            f"{len(rows)} cells, {sum(row[3] for row in rows)} clear packets, "
            f"right after {median(times):.2f} s (median), {times[-1]:.2f} s (worst)"
        )
