"""Rows of the data model as lines of the table's file; `henbd.model.table` reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from henbd.model.schema import Notify, Object, Parameter, Range, Type

HEADER = "path\ttype\taccess\tfacets\tdefault\tflags\trole"


def lines(rows: Iterable[Object | Parameter]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield HEADER
    for row in rows:
        yield _object(row) if isinstance(row, Object) else _parameter(row)


def _object(row: Object) -> str:
    facets: list[str] = []
    if row.is_table:
        facets.append(f"entries={_span((row.minimum, row.maximum))}")
        facets.append(f"counter={row.counter}")
        if row.enable:
            facets.append(f"enable={row.enable}")
        if row.identity:
            facets.append("identity=" + "|".join(row.identity))
        if row.unique:
            facets.append("unique=" + "|".join(row.unique))
        if row.ours:
            facets.append("ours")
    kind = "table" if row.is_table else "object"
    return "\t".join([row.path, kind, row.access.value, ";".join(facets), "", "", ""])


def _parameter(row: Parameter) -> str:
    flags = [
        *(["forced"] if row.forced else []),
        *(["hidden"] if row.hidden else []),
        *([row.notify.value] if row.notify is not Notify.NORMAL else []),
    ]
    default = ""
    if row.specified:
        default = row.default or EMPTY
    facets = list(_facets(row.type))
    if row.unit:
        facets.append(f"unit={row.unit}")
    assert not [facet for facet in facets if ";" in facet or "\t" in facet], row.path
    columns = [
        row.path,
        row.type.base.value,
        row.access.value,
        ";".join(facets),
        default,
        ",".join(flags),
        row.role.value,
    ]
    return "\t".join(columns)


# A default that is the empty text, to be told from none.
EMPTY = "[]"


def _facets(kind: Type) -> Iterator[str]:
    if kind.size:
        yield f"size={kind.size[0]}..{kind.size[1]}"
    if kind.ranges:
        yield "range=" + "|".join(map(_span, kind.ranges))
    if kind.enumeration:
        yield "enum=" + "|".join(kind.enumeration)
    yield from (f"pattern={pattern}" for pattern in kind.patterns)
    if kind.is_list:
        yield "list" if kind.list_size is None else f"list={kind.list_size}"
    if kind.items != (0, None):
        yield f"items={_span(kind.items)}"
    if kind.among:
        yield f"among={kind.among}"
    if kind.reference:
        yield f"{kind.reference.value}=" + "|".join(kind.targets)


def _span(span: Range) -> str:
    least, most = ("" if bound is None else str(bound) for bound in span)
    return least if least == most else f"{least}..{most}"
