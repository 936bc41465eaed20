"""A stack's own configuration file: our values in it, and our mark, which says what it works by.

The mark is a comment of one line: `# henbd: {"generation": 7, "link": ...}`. It lives where the
configuration lives, so it cannot tell of another one.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from henbd.errors import StackError
from henbd.system.s1ap.json_object import parse_object
from henbd.system.s1ap.wire import LARGEST_GENERATION, link_object, read_link
from henbd.values import S1Link


@dataclass(frozen=True, slots=True)
class Mark:
    """What a file was written for; generation 0: it was never written by us."""

    generation: int
    link: S1Link | None


UNMARKED = Mark(0, None)

# Puts the values of a link into a text, all else left as it is; ValueError where it cannot.
Rewrite = Callable[[str, S1Link], str]


@dataclass(frozen=True, slots=True)
class MarkedFile:
    """The file, how values get into it, and what begins a comment there."""

    path: str
    rewrite: Rewrite
    comment: str

    def read(self) -> Mark:
        """Return its mark; UNMARKED where somebody has changed our values since."""
        try:
            with open(self.path, encoding="utf-8", errors="surrogateescape") as file:
                text = file.read()
        except OSError as error:
            raise StackError(f"{self.path}: {error.strerror}") from error
        mark = self._mark(text)
        with contextlib.suppress(ValueError):
            if mark.link is None or self.rewrite(text, mark.link) == text:
                return mark
        return Mark(mark.generation, None)

    def write(self, mark: Mark) -> None:
        """Write what a mark says, atomically, with the rights that the file has."""
        new = f"{self.path}.henbd"
        try:
            with open(self.path, encoding="utf-8", errors="surrogateescape") as file:
                text = file.read()
            if mark.link is not None:
                text = self.rewrite(text, mark.link)
            shutil.copy2(self.path, new)
            with open(new, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(self._marked(text, mark))
            os.replace(new, self.path)
        except OSError as error:
            raise StackError(f"{self.path}: {error.strerror}") from error
        except ValueError as error:
            raise StackError(f"{self.path}: {error}") from error

    @property
    def _prefix(self) -> str:
        return f"{self.comment} henbd: "

    def _mark(self, text: str) -> Mark:
        lines = [line for line in text.split("\n") if line.startswith(self._prefix)]
        if not lines:
            return UNMARKED
        try:
            found = parse_object(lines[-1].removeprefix(self._prefix).encode())
            return Mark(
                found.integer("generation", 0, LARGEST_GENERATION),
                found.optional("link", lambda name: read_link(found.inner(name))),
            )
        except ValueError:
            return UNMARKED

    def _marked(self, text: str, mark: Mark) -> str:
        link = None if mark.link is None else link_object(mark.link)
        line = json.dumps({"generation": mark.generation, "link": link}, separators=(",", ":"))
        kept = [k for k in text.rstrip("\n").split("\n") if not k.startswith(self._prefix)]
        return "\n".join([*kept, f"{self._prefix}{line}", ""])
