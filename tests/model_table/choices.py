"""Our choices over the standard: which of its rows we have, and what we do with them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from henbd.model import types
from henbd.model.schema import Access, Base, Notify, Object, Parameter, Role, Type
from henbd.model.table import parent
from tests.model_table.standard import Standard

FILE = Path(__file__).with_name("choices.txt")
NOTIFY = {"active": Notify.DEFAULT_ACTIVE, "passive": Notify.DEFAULT_PASSIVE}
OURS = "ours"
REST = "*"


@dataclass(frozen=True, slots=True)
class Choice:
    """What we do with a parameter: `default` None is the standard's."""

    role: Role
    default: str | None
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What we do with an object, and with the parameters in it; `REST` are those not named."""

    marks: tuple[str, ...] = ()
    parameters: dict[str, Choice] = field(default_factory=dict)


def choices(text: str) -> dict[str, Chosen]:
    """Return the choices of a text (see choices.txt), by the path of the object."""
    found: dict[str, Chosen] = {}
    path = ""
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        if not line.startswith(" "):
            path, marks = words[0], words[1:]
            assert path not in found, path
            found[path] = Chosen(tuple(marks))
            continue
        for word in words[1:]:
            name, equals, default = word.partition("=")
            name, _, mark = name.partition(":")
            assert name not in found[path].parameters, (path, name)
            found[path].parameters[name] = Choice(
                Role(words[0]), default if equals else None, tuple(filter(None, mark.split(",")))
            )
    return found


def chosen_rows(standard: Standard, chosen: Mapping[str, Chosen]) -> Iterator[Object | Parameter]:
    """Yield the rows of our table in the order of the standard, an object before what is in it."""
    wanted = set()
    for path in chosen:
        while path:
            wanted.add(path)
            path = parent(path)
    below: dict[str, list[str]] = {path: [] for path in wanted}
    for path in [*standard.parameters, *standard.objects]:
        if parent(path) in wanted and (path in wanted or path in standard.parameters):
            below[parent(path)].append(path)
    yield from _rows("Device.", standard, chosen, below)


def _rows(
    path: str,
    standard: Standard,
    chosen: Mapping[str, Chosen],
    below: Mapping[str, list[str]],
) -> Iterator[Object | Parameter]:
    mine = chosen.get(path, Chosen())
    parameters = [p for p in below[path] if p in standard.parameters]
    objects = [p for p in below[path] if p in standard.objects]
    counters = {path + standard.objects[p].counter for p in objects if p.endswith("{i}.")}
    unknown = {path + name for name in mine.parameters.keys() - {REST}} - {*parameters}
    assert not unknown, unknown
    kept = {p for p in parameters if _choice(p, mine, standard)}
    yield _object(_with_keys(standard.objects[path], kept), mine.marks)
    for name in [*parameters, *sorted(counters.difference(parameters))]:
        if name in counters:
            # TR-106 has every root count the rows of each service object, and no file lists that.
            implied = Parameter(name, COUNTER, Access.READ_ONLY, Role.DERIVED, "0")
            yield replace(standard.parameters.get(name, implied), role=Role.DERIVED)
        elif choice := _choice(name, mine, standard):
            yield _parameter(standard.parameters[name], choice)
    for child in objects:
        yield from _rows(child, standard, chosen, below)


COUNTER = Type(Base.UNSIGNED_INT)


def _choice(path: str, mine: Chosen, standard: Standard) -> Choice | None:
    name = path.rpartition(".")[2]
    if name in mine.parameters:
        return mine.parameters[name]
    if path in standard.deprecated or name.endswith("NumberOfEntries"):
        return None
    return mine.parameters.get(REST)


def _with_keys(row: Object, kept: set[str]) -> Object:
    """Return an object without the keys of which we do not have every part."""

    def whole(keys: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(k for k in keys if all(row.path + name in kept for name in k.split("+")))

    return replace(row, identity=whole(row.identity), unique=whole(row.unique))


def _object(row: Object, marks: tuple[str, ...]) -> Object:
    for mark in marks:
        if mark == OURS:
            row = replace(row, access=Access.READ_ONLY, ours=True)
        else:
            most = int(mark.removeprefix(".."))
            assert row.maximum is None or most <= row.maximum, row.path
            row = replace(row, maximum=most)
    return row


def _parameter(row: Parameter, choice: Choice) -> Parameter:
    row = replace(row, role=choice.role)
    if choice.default is not None:
        assert not row.specified or choice.default == row.default or OURS in choice.marks, row.path
        default = types.canonical(row.type, choice.default)
        row = replace(row, default=default, specified=True)
    for mark in choice.marks:
        if mark == OURS:
            row = replace(row, access=Access.READ_ONLY)
        else:
            row = replace(row, notify=NOTIFY[mark])
    return row
