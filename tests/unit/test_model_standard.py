"""The table against the Broadband Forum's data models, where they are at hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from henbd.model.schema import Access, Base, Notify, Object, Parameter, Reference, Role, Type
from henbd.model.table import device_table, parent
from tests.model_table.__main__ import TABLE as FILE
from tests.model_table.choices import FILE as CHOICES
from tests.model_table.choices import choices, chosen_rows
from tests.model_table.lines import lines
from tests.model_table.scope import ALL, expected, left_out
from tests.model_table.standard import Standard, standard

TABLE = device_table("00256D")
FAP = "Device.Services.FAPService.{i}."

# TR-106 has every root count the rows of each service object, so no file lists this.
IMPLIED = "Device.Services.FAPServiceNumberOfEntries"

# What the HeMS may change by the standard, and not here: charon makes the tunnel's interface and
# its addresses, and the traffic selectors are those of what has to be reached.
INTERFACE, FILTER = "Device.IP.Interface.{i}.", "Device.IPsec.Filter.{i}."
NOT_FOR_THE_HEMS = frozenset(
    {
        INTERFACE,
        INTERFACE + "Enable",
        INTERFACE + "IPv4Address.{i}.",
        INTERFACE + "IPv4Address.{i}.Enable",
        INTERFACE + "IPv4Address.{i}.IPAddress",
        INTERFACE + "IPv4Address.{i}.SubnetMask",
        INTERFACE + "IPv6Address.{i}.",
        INTERFACE + "IPv6Address.{i}.Enable",
        INTERFACE + "IPv6Address.{i}.IPAddress",
        "Device.IPsec.Profile.{i}.",
        FILTER,
        FILTER + "Enable",
        FILTER + "AllInterfaces",
        FILTER + "ProcessingChoice",
    }
)

# The agent's own rows are not as one that the HeMS has just added.
NOT_AS_ADDED = frozenset({FILTER + "Status"})

# TS 32.593 5.2.4: the HeMS is told as soon as the inner address changes.
ADDRESSES = (
    INTERFACE + "IPv4Address.{i}.IPAddress",
    INTERFACE + "IPv6Address.{i}.IPAddress",
)

COMPLETE = (
    "Baseline:1",
    "LTEBaseline:1",
    "LTECellConfigEPC:1",
    "LTECellConfigRANPHY:1",
    "LTECellConfigRANPHYTDD:1",
    "LTECellConfigRANMACRLC:1",
    "LTECellConfigRANRRC:1",
    "LTECellConfigRANMobilityIdleModeCommon:1",
    "LTECellConfigRANMobilityIdleModeEUTRA:1",
    "LTECellConfigRANMobilityConnmodeEUTRAN:1",
    "LTECellConfigRANNLLTECell:2",
    "REMLTE:1",
)


@pytest.fixture(scope="module")
def known() -> Standard:
    found = standard()
    if found is None:
        pytest.skip("HENBD_REFERENCE names no folder with the official data models")
    return found


def test_table_is_as_the_choices_make_it(known: Standard) -> None:
    made = lines(chosen_rows(known, choices(CHOICES.read_text(encoding="utf-8"))))
    assert FILE.read_text(encoding="utf-8").splitlines() == list(made), "make model"


def test_parameters_are_those_of_the_standard(known: Standard) -> None:
    for row in TABLE.parameters.values():
        if row.path == IMPLIED or ".X_" in row.path:
            continue
        wanted = replace(known.parameters[row.path], role=row.role)
        if not wanted.specified or row.path in NOT_FOR_THE_HEMS | NOT_AS_ADDED:
            wanted = replace(wanted, default=row.default, specified=row.specified)
        if row.path in NOT_FOR_THE_HEMS:
            wanted = replace(wanted, access=Access.READ_ONLY)
        if row.path in ADDRESSES or row.path.startswith("Device.FaultMgmt.ExpeditedEvent."):
            wanted = replace(wanted, notify=Notify.DEFAULT_ACTIVE)
        if row.path.startswith("Device.FaultMgmt.QueuedEvent."):
            wanted = replace(wanted, notify=Notify.DEFAULT_PASSIVE)
        assert row == wanted


def test_objects_are_those_of_the_standard(known: Standard) -> None:
    for row in TABLE.objects.values():
        if ".X_" in row.path:
            continue
        wanted = known.objects[row.path]
        if row.path in NOT_FOR_THE_HEMS:
            wanted = replace(wanted, access=Access.READ_ONLY)
        assert set(row.unique) <= set(wanted.unique)
        assert set(row.identity) <= set(wanted.identity)
        assert wanted.maximum is None or wanted.maximum == row.maximum
        assert row.access is Access.READ_ONLY or not row.ours
        wanted = replace(wanted, unique=row.unique, identity=row.identity, maximum=row.maximum)
        assert row == replace(wanted, ours=row.ours)


def test_what_is_kept_from_the_hems_is_writable_in_the_standard(known: Standard) -> None:
    for path in NOT_FOR_THE_HEMS:
        row = known.parameters.get(path) or known.objects[path]
        assert row.access is Access.READ_WRITE


def test_profiles_of_an_lte_henb_are_complete(known: Standard) -> None:
    """Prints how much of each profile there is; -s shows it."""
    for name, wanted in known.profiles.items():
        here = [path for path in wanted if path in TABLE.parameters]
        objects = {parent(path) for path in here}
        if here:
            print(f"{name}: {len(here)} of {len(wanted)} parameters in {len(objects)} objects")
        model, profile = name.split()
        if model == "FAPService:2.1" and profile in COMPLETE:
            assert sorted(here) == sorted(wanted)
            assert all(
                TABLE.parameters[p].access is not Access.READ_ONLY for p in here if wanted[p]
            )
    print(f"{len(TABLE.parameters)} parameters in {len(TABLE.objects)} objects in all")
    assert {f"FAPService:2.1 {name}" for name in COMPLETE} <= known.profiles.keys()


def test_what_is_expected_is_there_or_left_out_with_a_reason(known: Standard) -> None:
    rows = expected()
    if rows is None:
        pytest.skip("HENBD_REFERENCE names no folder with the rows of a Home eNodeB")
    standard_rows = {*known.parameters, *known.objects}
    missing = {
        r for r in rows if r in standard_rows and r not in {*TABLE.parameters, *TABLE.objects}
    }
    reasons = left_out()
    assert not {row for row in missing if not any(entry.covers(row) for entry in reasons)}


def test_what_is_left_out_is_of_the_standard_and_not_there(known: Standard) -> None:
    """A sentence that has become untrue is an error."""
    for entry in left_out():
        rows = [path for path in known.parameters if entry.covers(path)]
        assert rows, entry
        if entry.names != (ALL,):
            assert {entry.path + name for name in entry.names} == set(rows)
        assert not TABLE.parameters.keys() & set(rows), entry
        assert entry.reason.endswith(".")
        assert entry.reason[0].isupper() or entry.reason.startswith(("charon", "gpsd"))


def test_no_other_radio_and_nothing_newer() -> None:
    for path in [*TABLE.parameters, *TABLE.objects]:
        assert not any(word in path for word in ("UMTS.", "GSM.", "CDMA2000.", "FAP.Tunnel."))


# The reader of the standard, on rows that are known by heart.


def test_reader_of_the_standard_reads_what_it_says(known: Standard) -> None:
    rows, strong = known.parameters, Reference.STRONG
    kinds = {
        FAP + "FAPControl.LTE.Gateway.S1SigLinkServerList": Type(
            Base.STRING, is_list=True, list_size=256, items=(1, None)
        ),
        FAP + "CellConfig.LTE.RAN.S1U.GTPUEchoInterval": Type(
            Base.UNSIGNED_INT, ranges=((0, 0), (60, None))
        ),
        "Device.IPsec.Filter.{i}.Profile": Type(
            Base.STRING, reference=strong, targets=("Device.IPsec.Profile.{i}.",)
        ),
        "Device.IPsec.Profile.{i}.ESPAllowedIntegrityAlgorithms": Type(
            Base.STRING, is_list=True, among="Device.IPsec.SupportedIntegrityAlgorithms"
        ),
        "Device.ManagementServer.ConnReqAllowedJabberIDs": Type(
            Base.STRING, (0, 256), is_list=True, items=(0, 32)
        ),
        FAP + "Alias": Type(Base.STRING, (0, 64)),
    }
    assert {path: rows[path].type for path in kinds} == kinds
    assert rows["Device.IPsec.Stats.BytesSent"].type.base is Base.UNSIGNED_LONG
    assert rows["Device.IPsec.Stats.BytesSent"].unit == "bytes"
    assert rows[FAP + "Alias"].access is Access.WRITE_ONCE
    assert rows[FAP + "Transport.SCTP.HBInterval"] == Parameter(
        FAP + "Transport.SCTP.HBInterval",
        Type(Base.UNSIGNED_INT, ranges=((1, None),)),
        Access.READ_WRITE,
        Role.STORED,
        "30",
        True,
        Notify.DENIABLE,
        unit="seconds",
    )
    plmns = FAP + "CellConfig.LTE.EPC.PLMNList.{i}."
    assert known.objects[plmns] == Object(
        plmns,
        Access.READ_WRITE,
        1,
        6,
        "PLMNListNumberOfEntries",
        "Enable",
        ("Alias",),
        ("PLMNID",),
    )
    assert FAP + "CellConfig.LTE.RAN.NeighborList.LTECell.{i}.Blacklisted" in known.deprecated
