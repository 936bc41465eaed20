"""The data model by a whole henbd and a stack that knows something of it."""

from __future__ import annotations

import pytest

from henbd.model import paths
from tests.functional.henb.test_commands import answers, order
from tests.lab.hems.messages import Fault, GetParameterNamesResponse, GetParameterValuesResponse
from tests.lab.hems.rpc import Get, Names, Set
from tests.lab.lab import Lab

INDICATOR = "Device.Services.FAPService.Ipsec.IPSEC_ENABLE"

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


@pytest.mark.lab(
    configuration={
        "alias": {f'"{INDICATOR}"': paths.IPSEC_ENABLE},
        "ipsec": {"s1": "required"},
    }
)
def test_a_vendors_name_for_the_ipsec_indicator_is_listed_read_and_judged(lab: Lab) -> None:
    lab.register()
    order(lab, Names("Device.Services.FAPService.Ipsec."), Get([INDICATOR]))
    listed, got = answers(lab)
    assert isinstance(listed, GetParameterNamesResponse)
    assert (INDICATOR, True) in [(entry.name, entry.writable) for entry in listed.parameters]
    assert isinstance(got, GetParameterValuesResponse)
    assert got.values == {INDICATOR: "true"}
    off, on = ({INDICATOR: (word, "xsd:boolean")} for word in ("0", "1"))
    order(lab, Set(off), Set(on), Get([INDICATOR, paths.IPSEC_ENABLE]))
    refused, taken, got = answers(lab)
    assert isinstance(refused, Fault)
    assert [(p.name, p.code) for p in refused.parameters] == [(INDICATOR, 9007)]
    assert not isinstance(taken, Fault)
    assert isinstance(got, GetParameterValuesResponse)
    assert got.values == {INDICATOR: "true", paths.IPSEC_ENABLE: "true"}
