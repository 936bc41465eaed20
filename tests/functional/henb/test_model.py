"""The data model by a whole henbd and a stack that knows something of it."""

from __future__ import annotations

from henbd.model import paths
from tests.functional.henb.test_commands import answers, order
from tests.lab.hems.messages import Fault, GetParameterValuesResponse
from tests.lab.hems.rpc import Get, Set
from tests.lab.lab import Lab

CELL = paths.REM_CELLS + "1.RF.PhyCellID"
KNOWN = ("Capabilities.LTE.BandsSupported=7,38", "REM.LTE.Cell.1.RF.PhyCellID=11")


def test_hems_reads_what_only_the_stack_knows_and_may_not_contradict_it(lab: Lab) -> None:
    lab.install_stack(*(word for pair in KNOWN for word in ("--parameter", pair)))
    lab.register()
    order(lab, Get([CELL, paths.BANDS_SUPPORTED, paths.UP_TIME, paths.TIME_STATUS]))
    (got,) = answers(lab)
    assert isinstance(got, GetParameterValuesResponse)
    assert got.values[CELL] == "11"
    assert got.values[paths.BANDS_SUPPORTED] == "7,38"
    assert int(got.values[paths.UP_TIME]) > 0
    order(lab, Set({paths.BAND: ("3", "xsd:unsignedInt")}))
    (refused,) = answers(lab)
    assert isinstance(refused, Fault)
    assert [(p.name, p.code) for p in refused.parameters] == [(paths.BAND, 9007)]
