"""Values of plain fields to JSON values and back: how requests and orders are written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

T = TypeVar("T")

# The types of fields that are written down, by how an annotation names them.
PLAIN: Mapping[str, type] = {"str": str, "int": int, "bool": bool}


def written(value: Any) -> dict[str, Any]:
    """Return a value of plain fields as a JSON object, with lists for tuples of such values."""
    # As dataclasses.asdict, which takes several times as long for it copies each text as well; the
    # names of the fields are in __match_args__.
    return {name: _entry(getattr(value, name)) for name in value.__match_args__}


def _entry(value: Any) -> Any:
    # A fault code is a number with a name.
    if isinstance(value, str | int):
        return value
    return [_entry(part) for part in value] if isinstance(value, tuple) else written(value)


def read(kind: type[T], entry: Any) -> T:
    """Return the value of this kind that an object tells of; raises TypeError or KeyError."""
    if not isinstance(entry, dict):
        raise TypeError(f"{entry!r} is no {kind.__name__}")
    found = {}
    # mypy asks for a dataclass, and has no bound for a type variable that says so.
    for field in fields(kind):  # type: ignore[arg-type]
        found[field.name] = entry[field.name]
        if type(found[field.name]) is not PLAIN[str(field.type)]:
            raise TypeError(f"{kind.__name__} {field.name}: {entry[field.name]!r}")
    return kind(**found)
