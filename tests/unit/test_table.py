"""The table of the data model: well-formed in itself, and how it is read."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from henbd.errors import InvalidValueError
from henbd.model import paths, types
from henbd.model.schema import Access, Base, Notify, Object, Parameter, Reference, Role, Type
from henbd.model.table import device_table, generic, parent, parse

TABLE = device_table("00256D")
PARAMETERS = list(TABLE.parameters.values())
OBJECTS = list(TABLE.objects.values())
HEADER = "path\ttype\taccess\tfacets\tdefault\tflags\trole"
ROOT = "A.\tobject\tR\t\t\t\t"


def declared() -> Iterator[str]:
    """Yield the constants of henbd.model.paths."""
    for name, value in vars(paths).items():
        if name.isupper():
            yield from (value,) if isinstance(value, str) else value


def test_default_is_a_canonical_value_or_none_at_all() -> None:
    for row in PARAMETERS:
        if row.default or not row.type.items[0]:
            try:
                assert types.canonical(row.type, row.default) == row.default, row.path
            except InvalidValueError:
                # Nobody knows it but the configuration.
                assert (row.role, row.default) == (Role.CONSTANT, ""), row.path


def test_what_is_written_once_or_hidden_is_stored() -> None:
    for row in PARAMETERS:
        if row.access is Access.WRITE_ONCE or row.hidden:
            assert row.role is Role.STORED, row.path


@pytest.mark.conformance("C093")
def test_what_never_changes_is_not_under_notification() -> None:
    """SoftwareVersion does: from one process to the next."""
    for row in PARAMETERS:
        if row.role in (Role.CONSTANT, Role.DERIVED) and row.path != paths.SOFTWARE_VERSION:
            assert row.notify in (Notify.NORMAL, Notify.DENIABLE), row.path


def test_stored_and_read_only_is_only_the_parameter_key() -> None:
    stored = {p.path for p in PARAMETERS if p.role is Role.STORED and p.access is Access.READ_ONLY}
    assert stored == {paths.PARAMETER_KEY}


def test_command_is_a_boolean_that_is_false() -> None:
    commands = [p for p in PARAMETERS if p.role is Role.COMMAND]
    assert {(p.type.base, p.default, p.access) for p in commands} == {
        (Base.BOOLEAN, "false", Access.READ_WRITE)
    }


def test_rows_that_come_and_go_in_memory_have_nothing_that_is_kept() -> None:
    """What is kept of them would be lost while they are away."""
    for path in (paths.FILTERS, paths.SCTP_ASSOCIATIONS, paths.REM_CELLS, paths.NEIGHBOURS_IN_USE):
        rows = [p for p in PARAMETERS if p.path.startswith(generic(path) + "{i}.")]
        assert rows
        assert all(p.role is not Role.STORED for p in rows), path


def test_secrets_are_hidden_and_nothing_else() -> None:
    hidden = {p.path for p in PARAMETERS if p.hidden}
    assert hidden == {p.path for p in PARAMETERS if p.path.endswith("Password")}


@pytest.mark.conformance("C084")
@pytest.mark.conformance("C085")
@pytest.mark.conformance("C086")
def test_forced_parameters_are_those_of_the_standard() -> None:
    assert {p.path for p in PARAMETERS if p.forced} == {
        "Device.RootDataModelVersion",
        "Device.DeviceInfo.HardwareVersion",
        "Device.DeviceInfo.SoftwareVersion",
        "Device.DeviceInfo.ProvisioningCode",
        "Device.ManagementServer.ParameterKey",
        "Device.ManagementServer.ConnectionRequestURL",
        "Device.ManagementServer.AliasBasedAddressing",
        "Device.Services.FAPService.{i}.FAPControl.LTE.OpState",
        "Device.Services.FAPService.{i}.FAPControl.LTE.RFTxStatus",
    }


def test_forced_or_active_parameter_is_no_secret() -> None:
    assert not [p for p in PARAMETERS if p.hidden and (p.forced or p.notify is not Notify.NORMAL)]


@pytest.mark.conformance("C173")
def test_expedited_alarms_are_told_at_once_and_queued_ones_with_the_next_session() -> None:
    for table, notify in (
        ("ExpeditedEvent", Notify.DEFAULT_ACTIVE),
        ("QueuedEvent", Notify.DEFAULT_PASSIVE),
    ):
        rows = [p for p in PARAMETERS if p.path.startswith(f"Device.FaultMgmt.{table}.")]
        assert {p.notify for p in rows} == {notify}
        assert len(rows) == 10


def test_table_has_a_counter_beside_it() -> None:
    for row in OBJECTS:
        if row.is_table and row.counter:
            counter = TABLE.parameters[parent(row.path) + row.counter]
            assert (counter.type.base, counter.role) == (Base.UNSIGNED_INT, Role.DERIVED), row.path
        else:
            assert not row.counter
            assert row.access is Access.READ_ONLY


def test_every_counter_counts_a_table() -> None:
    counters = {parent(o.path) + o.counter for o in OBJECTS if o.is_table}
    assert counters == {p.path for p in PARAMETERS if p.role is Role.DERIVED}


def test_keys_and_switches_of_a_table_are_parameters_of_its_rows() -> None:
    for row in OBJECTS:
        for key in (*row.identity, *row.unique):
            assert all(row.path + name in TABLE.parameters for name in key.split("+")), row.path
        assert not row.enable or TABLE.parameters[row.path + row.enable].type.base is Base.BOOLEAN


def test_lists_that_are_referred_to_are_there() -> None:
    for row in PARAMETERS:
        assert not row.type.among or TABLE.parameters[row.type.among].type.is_list, row.path
        assert set(row.type.targets) <= TABLE.objects.keys(), row.path


def test_object_comes_before_what_is_in_it() -> None:
    for path, below in TABLE.children.items():
        assert all(parent(child) == path for child in below)
    listed = [child for below in TABLE.children.values() for child in below]
    assert sorted(["Device.", *listed]) == sorted([*TABLE.parameters, *TABLE.objects])


def test_paths_that_the_agent_names_are_in_the_table() -> None:
    known = TABLE.parameters.keys() | TABLE.objects.keys()
    for path in declared():
        assert {generic(path), generic(path) + "{i}."} & known, path


@pytest.mark.conformance("C110")
def test_rows_of_our_own_bear_the_oui_of_the_device() -> None:
    other = device_table("0A1B2C")
    ours = other.parameters.keys() - TABLE.parameters.keys()
    assert paths.s1_peers("0A1B2C").replace(".1.", ".{i}.") + "{i}.Status" in ours
    assert all(".X_0A1B2C_" in path for path in ours)
    assert {path.replace("0A1B2C", "00256D") for path in ours} == {
        path for path in TABLE.parameters if ".X_" in path
    }


def test_patterns_are_regular_expressions() -> None:
    for row in PARAMETERS:
        for pattern in row.type.patterns:
            re.compile(pattern)


# The reader of the table.


def test_parent_of_a_path() -> None:
    assert {path: parent(path) for path in PARENTS} == PARENTS


PARENTS = {
    "Device.": "",
    "Device.IP.": "Device.",
    "Device.IP.Interface.{i}.": "Device.IP.",
    "Device.IP.Interface.{i}.Name": "Device.IP.Interface.{i}.",
    "A.{i}.B.{i}.C": "A.{i}.B.{i}.",
    "A.{i}.B.{i}.": "A.{i}.",
}


def test_generic_path_of_a_full_one() -> None:
    for full, wanted in (
        ("A.", "A."),
        ("A.1.", "A.{i}."),
        ("A.12.B.3.C4", "A.{i}.B.{i}.C4"),
        ("A.1.B.", "A.{i}.B."),
    ):
        assert generic(full) == wanted


def test_every_facet_is_read() -> None:
    facets = "size=1..4;enum=ab|cd;pattern=a.;pattern=c.;list=9;items=1..3;unit=dB"
    rows = [
        f"A.S\tstring\tW\t{facets}\tab\tforced,hidden,deny\tstored",
        "A.N\tint\tO\trange=-3..7|9|11..\t\tactive\treported",
        "A.E\tint\tR\tlist;among=A.S\t[]\tpassive\treported",
        "A.R\tstring\tW\tstrong=A.T.{i}.|A.U.{i}.\t\t\tstored",
        "A.W\tstring\tW\tweak=\t\t\tstored",
        "A.T.{i}.\ttable\tW\tentries=1..6;counter=C;enable=E;identity=I;unique=X|Y+Z\t\t\t",
        "A.T.{i}.X\tdateTime\tR\t\t\talways\treported",
    ]
    table = parse([HEADER, ROOT, *rows, ""])
    writable, reported = (Access.READ_WRITE, Role.STORED), (Access.READ_ONLY, Role.REPORTED)
    patterns = ("a.", "c.")
    kind = Type(Base.STRING, (1, 4), (), ("ab", "cd"), patterns, True, 9, (1, 3))
    strong = Type(Base.STRING, reference=Reference.STRONG, targets=("A.T.{i}.", "A.U.{i}."))
    ranges = ((-3, 7), (9, 9), (11, None))
    assert [*table.parameters.values()] == [
        Parameter("A.S", kind, *writable, "ab", True, Notify.DENIABLE, True, True, "dB"),
        Parameter(
            "A.N",
            Type(Base.INT, ranges=ranges),
            Access.WRITE_ONCE,
            Role.REPORTED,
            "0",
            notify=Notify.DEFAULT_ACTIVE,
        ),
        Parameter(
            "A.E",
            Type(Base.INT, is_list=True, among="A.S"),
            *reported,
            "",
            True,
            notify=Notify.DEFAULT_PASSIVE,
        ),
        Parameter("A.R", strong, *writable, ""),
        Parameter("A.W", Type(Base.STRING, reference=Reference.WEAK), *writable, ""),
        Parameter(
            "A.T.{i}.X",
            Type(Base.DATE_TIME),
            *reported,
            types.UNKNOWN_TIME,
            notify=Notify.ALWAYS_ACTIVE,
        ),
    ]
    assert table.objects["A.T.{i}."] == Object(
        "A.T.{i}.", Access.READ_WRITE, 1, 6, "C", "E", ("I",), ("X", "Y+Z")
    )
    assert table.children["A."] == ("A.S", "A.N", "A.E", "A.R", "A.W", "A.T.{i}.")


@pytest.mark.parametrize(
    "row",
    [
        pytest.param("A.X\tstring\tR\t\t\t", id="a column is missing"),
        pytest.param("A.X\tstring\tR\t\t\t\tstored\t", id="a column too many"),
        pytest.param("A.X\ttext\tR\t\t\t\tstored", id="unknown type"),
        pytest.param("A.X\tstring\tRW\t\t\t\tstored", id="unknown access"),
        pytest.param("A.X\tstring\tR\t\t\t\tkept", id="unknown role"),
        pytest.param("A.X\tstring\tR\t\t\tforce\tstored", id="unknown flag"),
        pytest.param("A.X\tstring\tR\t\t\tactive,always\tstored", id="two rules of notification"),
        pytest.param("A.X\tstring\tR\tsise=0..4\t\t\tstored", id="unknown facet"),
        pytest.param("A.X\tstring\tR\tsize=a..4\t\t\tstored", id="size that is no number"),
        pytest.param("A.T.{i}.\ttable\tR\tentries=x\t\t\t", id="entries that are no number"),
        pytest.param("B.X\tstring\tR\t\t\t\tstored", id="no object above"),
        pytest.param("A.\tobject\tR\t\t\t\t", id="the same path again"),
    ],
)
def test_mistake_in_the_table_is_an_error_that_names_its_line(row: str) -> None:
    with pytest.raises(ValueError, match="line 3"):
        parse([HEADER, ROOT, row])
