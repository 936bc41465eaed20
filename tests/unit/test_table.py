"""The table of the data model: well-formed in itself, and true to the official one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from henbd.model import paths, types
from henbd.model.schema import Access, Base, Notify, Object, Parameter, Role, Type
from henbd.model.table import device_table, parent, parse
from tests.unit.official import Official, official

TABLE = device_table()
PARAMETERS = list(TABLE.parameters.values())
OBJECTS = list(TABLE.objects.values())
HEADER = "path\ttype\taccess\tfacets\tdefault\tflags\trole"
ROOT = "A.\tobject\tR\t\t\t\t"


def path_of(row: Parameter | Object) -> str:
    return row.path


def declared() -> Iterator[str]:
    """Yield the constants of henbd.model.paths."""
    for name, value in vars(paths).items():
        if name.isupper():
            yield from (value,) if isinstance(value, str) else value


@pytest.mark.parametrize("row", PARAMETERS, ids=path_of)
def test_default_is_a_canonical_value_or_none_at_all(row: Parameter) -> None:
    if row.default:
        assert types.canonical(row.type, row.default) == row.default
    else:
        assert (row.type.base, row.type.enumeration) == (Base.STRING, ())


@pytest.mark.parametrize("row", PARAMETERS, ids=path_of)
def test_what_the_hems_may_set_is_stored(row: Parameter) -> None:
    if row.access is Access.READ_WRITE:
        assert row.role is Role.STORED


@pytest.mark.parametrize("row", PARAMETERS, ids=path_of)
def test_what_never_changes_is_not_under_notification(row: Parameter) -> None:
    """SoftwareVersion does: from one process to the next."""
    if row.role in (Role.CONSTANT, Role.DERIVED) and row.path != paths.SOFTWARE_VERSION:
        assert row.notify is Notify.NORMAL


def test_stored_and_read_only_is_only_the_parameter_key() -> None:
    stored = {p.path for p in PARAMETERS if p.role is Role.STORED and p.access is Access.READ_ONLY}
    assert stored == {paths.PARAMETER_KEY}


def test_secrets_are_hidden_and_nothing_else() -> None:
    hidden = {p.path for p in PARAMETERS if p.hidden}
    assert hidden == {p.path for p in PARAMETERS if p.path.endswith("Password")}


def test_forced_parameters_are_those_of_the_standard() -> None:
    """C084, C085."""
    assert {p.path for p in PARAMETERS if p.forced} == {
        "Device.RootDataModelVersion",
        "Device.DeviceInfo.HardwareVersion",
        "Device.DeviceInfo.SoftwareVersion",
        "Device.DeviceInfo.ProvisioningCode",
        "Device.ManagementServer.ParameterKey",
        "Device.ManagementServer.ConnectionRequestURL",
        "Device.Services.FAPService.{i}.FAPControl.LTE.OpState",
        "Device.Services.FAPService.{i}.FAPControl.LTE.RFTxStatus",
    }


def test_forced_or_active_parameter_is_no_secret() -> None:
    assert not [p for p in PARAMETERS if p.hidden and (p.forced or p.notify is not Notify.NORMAL)]


@pytest.mark.parametrize("row", OBJECTS, ids=path_of)
def test_table_has_a_counter_beside_it(row: Object) -> None:
    if row.is_table:
        counter = TABLE.parameters[parent(row.path) + row.counter]
        assert (counter.type.base, counter.role) == (Base.UNSIGNED_INT, Role.DERIVED)
    else:
        assert not row.counter
        assert row.access is Access.READ_ONLY


def test_every_counter_counts_a_table() -> None:
    counters = {parent(o.path) + o.counter for o in OBJECTS if o.is_table}
    assert counters == {p.path for p in PARAMETERS if p.role is Role.DERIVED}


def test_object_comes_before_what_is_in_it() -> None:
    for path, below in TABLE.children.items():
        assert all(parent(child) == path for child in below)
    listed = [child for below in TABLE.children.values() for child in below]
    assert sorted(["Device.", *listed]) == sorted([*TABLE.parameters, *TABLE.objects])


@pytest.mark.parametrize("path", sorted(set(declared())))
def test_path_that_the_agent_names_is_in_the_table(path: str) -> None:
    generic = re.sub(r"\.\d+(?=\.)", ".{i}", path)
    assert {generic, generic + "{i}."} & (TABLE.parameters.keys() | TABLE.objects.keys())


@pytest.mark.parametrize("row", PARAMETERS, ids=path_of)
def test_pattern_is_a_regular_expression(row: Parameter) -> None:
    for pattern in row.type.patterns:
        re.compile(pattern)


# The reader of the table.


@pytest.mark.parametrize(
    ("path", "above"),
    [
        ("Device.", ""),
        ("Device.IP.", "Device."),
        ("Device.IP.Interface.{i}.", "Device.IP."),
        ("Device.IP.Interface.{i}.Name", "Device.IP.Interface.{i}."),
        ("A.{i}.B.{i}.C", "A.{i}.B.{i}."),
        ("A.{i}.B.{i}.", "A.{i}."),
    ],
)
def test_parent_of_a_path(path: str, above: str) -> None:
    assert parent(path) == above


def test_every_facet_is_read() -> None:
    facets = "size=1..4;enum=ab|cd;pattern=a.;pattern=c.;list;items=1;listsize=9"
    number = "range=-3..7"
    rows = [
        f"A.S\tstring\tW\t{facets}\tab\tforced,hidden,deny\tstored",
        f"A.N\tint\tR\t{number}\t\tactive\treported",
        "A.T.{i}.\ttable\tW\tentries=1..6;counter=TNumberOfEntries;unique=X|Y+Z\t\t\t",
        "A.T.{i}.X\tdateTime\tR\t\t\talways\treported",
    ]
    table = parse([HEADER, ROOT, *rows, ""])
    kind = Type(Base.STRING, (1, 4), None, None, ("ab", "cd"), ("a.", "c."), True, 9, 1)
    assert [*table.parameters.values()] == [
        Parameter(
            "A.S",
            kind,
            Access.READ_WRITE,
            Role.STORED,
            "ab",
            Notify.DENIABLE,
            forced=True,
            hidden=True,
        ),
        Parameter(
            "A.N",
            Type(Base.INT, minimum=-3, maximum=7),
            Access.READ_ONLY,
            Role.REPORTED,
            "0",
            Notify.DEFAULT_ACTIVE,
        ),
        Parameter(
            "A.T.{i}.X",
            Type(Base.DATE_TIME),
            Access.READ_ONLY,
            Role.REPORTED,
            types.UNKNOWN_TIME,
            Notify.ALWAYS_ACTIVE,
        ),
    ]
    assert table.objects["A.T.{i}."] == Object(
        "A.T.{i}.", Access.READ_WRITE, 1, 6, "TNumberOfEntries", ("X", "Y+Z")
    )
    assert table.children["A."] == ("A.S", "A.N", "A.T.{i}.")


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


# The official data models.

# TR-106 has every root count the rows of each service object, so no file lists this.
IMPLIED = "Device.Services.FAPServiceNumberOfEntries"

# The tunnel's interface and its addresses are charon's to make and to remove, not the HeMS's.
NOT_FOR_THE_HEMS = frozenset(
    {
        "Device.IP.Interface.{i}.",
        "Device.IP.Interface.{i}.Enable",
        "Device.IP.Interface.{i}.IPv4Address.{i}.",
        "Device.IP.Interface.{i}.IPv4Address.{i}.Enable",
        "Device.IP.Interface.{i}.IPv4Address.{i}.IPAddress",
        "Device.IP.Interface.{i}.IPv4Address.{i}.SubnetMask",
        "Device.IP.Interface.{i}.IPv6Address.{i}.",
        "Device.IP.Interface.{i}.IPv6Address.{i}.Enable",
        "Device.IP.Interface.{i}.IPv6Address.{i}.IPAddress",
    }
)

# TS 32.593 5.2.4: the HeMS is told as soon as the inner address changes.
OURS_TO_NOTIFY = frozenset(
    {
        "Device.IP.Interface.{i}.IPv4Address.{i}.IPAddress",
        "Device.IP.Interface.{i}.IPv6Address.{i}.IPAddress",
    }
)


@pytest.fixture(scope="module")
def standard() -> Official:
    found = official()
    if found is None:
        pytest.skip("HENBD_REFERENCE names no folder with the official data models")
    return found


@pytest.mark.parametrize("row", [p for p in PARAMETERS if p.path != IMPLIED], ids=path_of)
def test_parameter_is_that_of_the_standard(row: Parameter, standard: Official) -> None:
    wanted = replace(standard.parameters[row.path], role=row.role, default=row.default)
    if row.path in NOT_FOR_THE_HEMS:
        wanted = replace(wanted, access=Access.READ_ONLY)
    if row.path in OURS_TO_NOTIFY:
        wanted = replace(wanted, notify=Notify.DEFAULT_ACTIVE)
    assert row == wanted


@pytest.mark.parametrize("row", PARAMETERS, ids=path_of)
def test_default_is_that_of_the_standard(row: Parameter, standard: Official) -> None:
    if row.path != IMPLIED and row.path not in NOT_FOR_THE_HEMS:
        assert standard.parameters[row.path].default in ("", row.default)


@pytest.mark.parametrize("row", OBJECTS, ids=path_of)
def test_object_is_that_of_the_standard(row: Object, standard: Official) -> None:
    wanted = standard.objects[row.path]
    if row.path in NOT_FOR_THE_HEMS:
        wanted = replace(wanted, access=Access.READ_ONLY)
    if not row.is_table:
        wanted = replace(wanted, minimum=row.minimum, maximum=row.maximum)
    assert row == wanted


@pytest.mark.parametrize("path", sorted(NOT_FOR_THE_HEMS))
def test_what_is_kept_from_the_hems_is_writable_in_the_standard(
    path: str, standard: Official
) -> None:
    row = standard.parameters.get(path) or standard.objects[path]
    assert row.access is Access.READ_WRITE
