"""A gateway, and a charon beside the shell that is tested."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.charon.charon_loop import Ground, ground
from tests.lab import pki as pki_module
from tests.lab.pki import Pki


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return pki_module.make(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def here(tmp_path: Path, pki: Pki) -> Iterator[Ground]:
    with ground(tmp_path, pki) as made:
        yield made


@pytest.fixture
def patient(tmp_path: Path, pki: Pki) -> Iterator[Ground]:
    """Give a ground whose charon does not give up a gateway while a test looks."""
    with ground(tmp_path, pki, gives_up=False) as made:
        yield made
