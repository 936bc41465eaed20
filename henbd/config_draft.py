"""A configuration on its way: what was understood of each key, and what is wrong so far."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from henbd.config_keys import SECTIONS, Key, Need
from henbd.errors import Problem
from henbd.toml_lines import line_of

T = TypeVar("T")


class Draft:
    """The values by section and key, with defaults; None for one (or an item) that is wrong.

    A key is written as in `hems.url`. A section that is not there has its defaults, but [ipsec].
    """

    def __init__(self, document: Mapping[str, Any], lines: Mapping[str, int]) -> None:
        self.problems: list[Problem] = []
        self.values: dict[str, dict[str, Any]] = {}
        self._document = document
        self._lines = lines
        self._wrong: set[str] = set()
        for name, content in document.items():
            if name not in SECTIONS:
                kind = "section" if isinstance(content, dict) else "key outside of the sections"
                self.wrong(name, f"there is no such {kind}{_hint(name, SECTIONS)}")
        for name, keys in SECTIONS.items():
            if name in document or name != "ipsec":
                self.values[name] = self._section(name, keys)

    def wrong(self, key: str, text: str, at: str | None = None) -> None:
        """Note a mistake; `at` is an item of the key's array, if it is one of these."""
        line = line_of(at or key, self._lines)
        self._wrong.add(key)
        self.problems.append(Problem(line, key, text if line else f"{key}: {text}"))

    def sound(self, *keys: str) -> bool:
        """Return whether nothing is wrong with these keys so far."""
        return self._wrong.isdisjoint(keys)

    def given(self, key: str) -> bool:
        """Return whether a key is in the file, right or wrong."""
        section, _, name = key.partition(".")
        content = self._document.get(section)
        return isinstance(content, dict) and name in content

    def value(self, key: str) -> Any:
        """Return the value of a key, None if it is missing or wrong."""
        section, _, name = key.partition(".")
        return self.values[section][name]

    def use(self, key: str, using: Callable[[Any], T]) -> T | None:
        """Return what becomes of a value; None where there is none, or it cannot be used."""
        value = self.value(key)
        if value is None:
            return None
        try:
            return using(value)
        except ValueError as error:
            self.wrong(key, str(error))
            return None

    def _section(self, name: str, keys: Mapping[str, Key]) -> dict[str, Any]:
        content = self._document.get(name)
        required = [key for key, kind in keys.items() if kind.default is Need.REQUIRED]
        if content is None and required:
            self.wrong(name, f"the section [{name}] is missing; it needs {', '.join(required)}")
        elif content is not None and not isinstance(content, dict):
            self.wrong(name, f"has to be one section: [{name}]")
        if not isinstance(content, dict):
            self._wrong.update(f"{name}.{key}" for key in required)
            return {key: _default(kind) for key, kind in keys.items()}
        for key in content:
            if key not in keys:
                self.wrong(f"{name}.{key}", f"there is no such key{_hint(key, keys)}")
        return {key: self._value(f"{name}.{key}", kind) for key, kind in keys.items()}

    def _value(self, path: str, key: Key) -> Any:
        if not self.given(path):
            if key.default is Need.REQUIRED:
                self.wrong(path, "is missing")
            return _default(key)
        section, _, name = path.partition(".")
        found = self._document[section][name]
        if not key.several:
            return self._read(path, key, found, at=path)
        if not isinstance(found, list):
            self.wrong(path, "has to be an array: [ … ]")
            return None
        return tuple(self._read(path, key, i, at=f"{path}[{n}]") for n, i in enumerate(found))

    def _read(self, path: str, key: Key, found: object, *, at: str) -> Any:
        try:
            return key.read(found)
        except ValueError as error:
            self.wrong(path, str(error), at)
            return None


def _default(key: Key) -> Any:
    return None if key.default is Need.REQUIRED else key.default


def _hint(word: str, known: Iterable[str]) -> str:
    """Return a guess at what was meant."""
    near = difflib.get_close_matches(word, list(known), 1)
    return f"; is {near[0]} meant?" if near else ""
