"""What parameters of the cell must agree on: carrier frequency, band and duplex mode.

TS 36.101 5.5 and table 5.7.3-1, for the bands that TR-196 can name. A parameter that nobody has set
agrees with all.
"""

from __future__ import annotations

from collections.abc import Iterator

from henbd.model import paths
from henbd.model.tree import Tree

# Channel numbers of the downlink by operating band; those of the uplink are as many above.
FDD = {
    1: (0, 599),
    2: (600, 1199),
    3: (1200, 1949),
    4: (1950, 2399),
    5: (2400, 2649),
    6: (2650, 2749),
    7: (2750, 3449),
    8: (3450, 3799),
    9: (3800, 4149),
    10: (4150, 4749),
    11: (4750, 4949),
    12: (5010, 5179),
    13: (5180, 5279),
    14: (5280, 5379),
    17: (5730, 5849),
    18: (5850, 5999),
    19: (6000, 6149),
    20: (6150, 6449),
    21: (6450, 6599),
    22: (6600, 7399),
    23: (7500, 7699),
    24: (7700, 8039),
    25: (8040, 8689),
    26: (8690, 9039),
    27: (9040, 9209),
    28: (9210, 9659),
    31: (9870, 9919),
}
UPLINK = {band: (least + 18_000, most + 18_000) for band, (least, most) in FDD.items()}
# Where up- and downlink are not as far apart as elsewhere.
FDD[30] = (9770, 9869)
UPLINK[30], UPLINK[31] = (27_660, 27_759), (27_760, 27_809)

TDD = {
    33: (36_000, 36_199),
    34: (36_200, 36_349),
    35: (36_350, 36_949),
    36: (36_950, 37_549),
    37: (37_550, 37_749),
    38: (37_750, 38_249),
    39: (38_250, 38_649),
    40: (38_650, 39_649),
}


def conflicts(tree: Tree) -> Iterator[tuple[str, str]]:
    """Yield the parameters that do not agree, each with the reason."""
    if paths.BAND not in tree.provisioning.values:
        return
    band = int(tree.values[paths.BAND])
    downlink, uplink = (_numbers(tree, path) for path in (paths.EARFCN_DL, paths.EARFCN_UL))
    if band not in FDD and band not in TDD:
        yield paths.BAND, f"band {band} is no operating band of TS 36.101 with an uplink"
        return
    yield from _outside(downlink, {**FDD, **TDD}[band], f"downlink of band {band}", paths.EARFCN_DL)
    if band in FDD:
        yield from _outside(uplink, UPLINK[band], f"uplink of band {band}", paths.EARFCN_UL)
    elif downlink and uplink and downlink != uplink:
        text = f"band {band} is one of TDD: up- and downlink have the same channel numbers"
        yield from ((path, text) for path in (paths.EARFCN_DL, paths.EARFCN_UL, paths.BAND))
    yield from _beyond_the_stack(tree, band)


def _outside(
    numbers: list[int], span: tuple[int, int], what: str, path: str
) -> Iterator[tuple[str, str]]:
    for number in numbers:
        if not span[0] <= number <= span[1]:
            text = f"{number} is not within {span[0]} to {span[1]}, the {what}"
            yield from ((culprit, text) for culprit in (path, paths.BAND))


def _beyond_the_stack(tree: Tree, band: int) -> Iterator[tuple[str, str]]:
    """Yield the band if the stack has said what it supports, and this is not."""
    supported = _numbers(tree, paths.BANDS_SUPPORTED)
    if not supported:
        return
    mode = tree.values[paths.DUPLEX_MODE]
    if band not in supported:
        yield paths.BAND, f"the radio supports {tree.values[paths.BANDS_SUPPORTED]}, not {band}"
    elif (mode == "TDDMode") is not (band in TDD):
        yield paths.BAND, f"the radio works in {mode}, which band {band} does not have"


def _numbers(tree: Tree, path: str) -> list[int]:
    return [int(item) for item in tree.values[path].split(",") if item]
