"""Carrier frequency, band and duplex mode of a set agree, or it is refused with the reason."""

from __future__ import annotations

from itertools import pairwise

import pytest

from henbd.control.radio import FDD, TDD, UPLINK
from henbd.control.refusal import refusals
from henbd.errors import FaultCode
from henbd.model import paths
from henbd.model.tree import Tree
from tests.unit.settings import factory, settings

BAND, DOWN, UP = paths.BAND, paths.EARFCN_DL, paths.EARFCN_UL


def culprits(values: dict[str, str], tree: Tree | None = None) -> set[str]:
    """Return who is to blame for a set."""
    after = (tree or factory()).set(values.items())
    found = refusals(after, frozenset(values), settings())
    assert all(c.text and c.code == FaultCode.INVALID_VALUE for c in found)
    assert len(found) == len({c.path for c in found}), "each is named once"
    return {culprit.path for culprit in found}


@pytest.mark.parametrize(
    ("values", "blamed"),
    [
        ({BAND: "7"}, set()),
        ({DOWN: "2750"}, set()),
        ({BAND: "7", DOWN: "2750,3449", UP: "20750,21449"}, set()),
        ({BAND: "7", DOWN: "2749"}, {BAND, DOWN}),
        ({BAND: "7", DOWN: "3000,3450"}, {BAND, DOWN}),
        ({BAND: "7", UP: "21450"}, {BAND, UP}),
        ({BAND: "3", DOWN: "2750", UP: "20750"}, {BAND, DOWN, UP}),
        ({BAND: "30", DOWN: "9770", UP: "27660"}, set()),
        ({BAND: "38", DOWN: "37800", UP: "37800"}, set()),
        ({BAND: "38", DOWN: "37800"}, set()),
        ({BAND: "38", DOWN: "37800", UP: "37900"}, {BAND, DOWN, UP}),
        ({BAND: "38", DOWN: "2750"}, {BAND, DOWN}),
        ({BAND: "29"}, {BAND}),
        ({BAND: "32"}, {BAND}),
    ],
)
def test_channels_are_those_of_the_band(values: dict[str, str], blamed: set[str]) -> None:
    assert culprits(values) == blamed


def test_only_what_is_set_now_is_to_blame() -> None:
    tree = factory().set([(BAND, "7"), (DOWN, "2750")])
    assert culprits({BAND: "3"}, tree) == {BAND}
    assert culprits({DOWN: "1200"}, tree) == {DOWN}
    assert culprits({BAND: "3", DOWN: "1200"}, tree) == set()
    assert culprits({paths.S1_PORT: "1"}, tree) == set()


@pytest.mark.parametrize(
    ("bands", "mode", "band", "blamed"),
    [
        ("3,7", "FDDMode", "7", set()),
        ("3,7", "FDDMode", "1", {BAND}),
        ("38", "TDDMode", "38", set()),
        ("7,38", "TDDMode", "7", {BAND}),
        ("7,38", "FDDMode", "38", {BAND}),
        ("", "FDDMode", "38", set()),
    ],
)
def test_band_is_one_that_the_radio_has(bands: str, mode: str, band: str, blamed: set[str]) -> None:
    tree = factory().report({paths.BANDS_SUPPORTED: bands, paths.DUPLEX_MODE: mode})
    assert culprits({BAND: band}, tree) == blamed


def test_bands_do_not_overlap() -> None:
    for spans in ({**FDD, **TDD}, {**UPLINK, **TDD}):
        ordered = sorted(spans.values())
        assert all(before[1] < after[0] for before, after in pairwise(ordered))
    assert FDD.keys() == UPLINK.keys()
