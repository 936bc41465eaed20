"""procd, as far as an init script meets it: what becomes of its instances.

Its rules were seen on a real one: an instance that is not given any more is stopped, and one that
has changed is sent its reload signal, if it has one, else started anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

Parameters = dict[str, tuple[str, ...]]

_pids = count(100)


@dataclass
class Instance:
    """What runs; `signals` are those that it was sent."""

    parameters: Parameters
    digest: str
    pid: int = field(default_factory=lambda: next(_pids))
    signals: list[str] = field(default_factory=list)


class Procd:
    """The service manager of a board whose files are in `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.instances: dict[str, Instance] = {}
        self.triggers: list[tuple[str, ...]] = []
        self.validations: dict[str, tuple[str, ...]] = {}

    def take(self, calls: Iterable[tuple[str, ...]]) -> None:
        """Do what the calls of an init script ask for."""
        calls = list(calls)
        self.triggers = [call for call in calls if call[0].endswith("_trigger")]
        self.validations = {call[1]: call[2:] for call in calls if call[0] == "validation"}
        given = dict(_instances(calls))
        for name in self.instances.keys() - given.keys():
            del self.instances[name]
        for name, parameters in given.items():
            self._give(name, parameters)

    def _give(self, name: str, parameters: Parameters) -> None:
        new = Instance(parameters, self._digest(parameters.get("file", ())))
        old = self.instances.get(name)
        if old is None or (self._differs(old, new) and "reload_signal" not in old.parameters):
            self.instances[name] = new
        elif self._differs(old, new):
            # What is new in command or environment is not applied then.
            old.signals.extend(old.parameters["reload_signal"])
            old.digest = new.digest

    @staticmethod
    def _differs(old: Instance, new: Instance) -> bool:
        return (old.parameters, old.digest) != (new.parameters, new.digest)

    def _digest(self, files: Iterable[str]) -> str:
        content = b"".join((self._root / file.lstrip("/")).read_bytes() for file in files)
        return hashlib.sha256(content).hexdigest()


def _instances(calls: Iterable[tuple[str, ...]]) -> Iterator[tuple[str, Parameters]]:
    parameters: Parameters = {}
    name = ""
    for call, *words in calls:
        if call == "open_instance":
            name, parameters = words[0], {}
        elif call == "set_param":
            parameters[words[0]] = tuple(words[1:])
        elif call == "add_jail":
            parameters["jail"] = tuple(words)
        elif call == "close_instance":
            yield name, parameters
