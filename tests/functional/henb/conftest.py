"""A lab for each test; `@pytest.mark.lab(psk=True)` says how it differs from the usual one.

Whatever a test is about, nothing may leak in it, and neither HeMS nor MME may find fault: the
fixture sees to that at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

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
