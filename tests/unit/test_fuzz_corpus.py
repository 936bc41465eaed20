"""Every input of the fuzz targets' corpus: what was a finding once is none any more."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from tests.fuzz import blind
from tests.fuzz.__main__ import TARGETS


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus_holds_no_finding(target: str) -> None:
    fuzz = import_module(f"tests.fuzz.{target}").fuzz
    files = list((blind.CORPUS / target).iterdir())
    assert files
    for file in files:
        fuzz(file.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_is_short(target: str) -> None:
    assert len(Path(blind.__file__).with_stem(target).read_text().splitlines()) <= 50
