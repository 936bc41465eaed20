"""What outlives the process and the power: one document of JSON in a file, whole at every moment.

state.json          the current one
state.json.old      the one before, for when the current one is damaged
state.json.new      one that is being written; of no meaning
state.json.damaged  one that could not be read or used, for people
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from henbd.errors import StoreError
from henbd.system import flash

logger = logging.getLogger(__name__)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Taken = TypeVar("Taken")


class Store:
    """The file of a document, in a directory that is made when there is something to keep."""

    def __init__(self, directory: str, built: datetime = EPOCH) -> None:
        self._directory = Path(directory)
        self._built = built.timestamp()
        self._current = self._directory / "state.json"
        self._old = self._directory / "state.json.old"
        self._new = self._directory / "state.json.new"
        self._damaged = self._directory / "state.json.damaged"
        # What is read may be the page cache's alone: one that crashed has perhaps not synced it.
        self._durable = False
        self._saved: tuple[Mapping[str, Any], tuple[int, ...]] | None = None
        self.damaged = False
        """Whether the last `load` found a file of no use."""

    def load(self, take: Callable[[dict[str, Any]], Taken]) -> Taken | None:
        """Return what `take` makes of the document, else of the one before, None for neither.

        `take` raises ValueError for a document that is of no use: it may be another version's,
        which comes back. Such a file is set aside as a damaged one is. Raises StoreError where it
        cannot be known what there is.
        """
        try:
            return take(_parse(_read(self._current)))
        except FileNotFoundError:
            logger.debug("%s is not there", self._current)
        except ValueError as damage:
            text = "%s is of no use: %s; set aside as %s"
            logger.error(text, self._current, damage, self._damaged)
            self.damaged = True
            # A flash that takes no writing any more is no reason not to go on.
            with contextlib.suppress(OSError):
                os.rename(self._current, self._damaged)
        try:
            taken = take(_parse(_read(self._old)))
        except FileNotFoundError:
            return None
        except ValueError as damage:
            logger.error("%s is of no use either: %s", self._old, damage)
            return None
        logger.warning("the state before it is used: %s", self._old)
        return taken

    def kept_at(self) -> datetime:
        """Return when a document was last written, by the clock of then; 1970: there is none.

        It is the time of the file: to keep it costs no write of its own.
        """
        return datetime.fromtimestamp(int(self._time()), UTC)

    def save(self, document: Mapping[str, Any]) -> None:
        """Make a document durable; one that is there already is not written again.

        At every moment a crash leaves this document or the one before. Raises StoreError.
        """
        if self._saved == (document, self._mark()):
            return
        content = _format(document)
        before = self._content()
        if content != before or not self._durable:
            self._durable = False
            flash.make_directory(self._directory)
            if content != before:
                # A clock that has lost the time must not make the store lose it, too.
                flash.write(self._new, content, self._time() if time.time() < self._built else None)
                self._replace(keep=before is not None and _is_intact(before))
            flash.sync(self._directory)
            self._durable = True
        mark = self._mark()
        self._saved = (document, mark) if mark else None

    def _mark(self) -> tuple[int, ...]:
        """Return what tells the current file from any other in its place; nothing: there is none.

        Most sessions change nothing that is kept, and to read the file takes far longer.
        """
        try:
            found = self._current.stat()
        except OSError:
            return ()
        return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns

    def _time(self) -> float:
        for file in (self._current, self._old):
            with contextlib.suppress(OSError):
                return file.stat().st_mtime
        return 0.0

    def _content(self) -> bytes | None:
        try:
            return _read(self._current)
        except FileNotFoundError:
            return None
        except ValueError:
            return b""

    def _replace(self, *, keep: bool) -> None:
        """Put the new file in the place of the current one, which becomes the old one.

        Between the two steps there is no current file, and `load` takes the old one: still the
        document before this. A damaged one is not worth the place of a good old one.
        """
        with flash.at(f"rename {self._new}"):
            if keep:
                os.rename(self._current, self._old)
            os.rename(self._new, self._current)


def _read(path: Path) -> bytes:
    """Return the content of a file.

    Raises FileNotFoundError, ValueError where the flash has lost it, else StoreError.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno == errno.EIO:
            raise ValueError(error.strerror) from error
        raise StoreError(f"read {path}: {error.strerror}") from error


def _format(document: Mapping[str, Any]) -> bytes:
    text = _canonical(document)
    return b'{"sha256":"%s","document":%s}\n' % (_checksum(text), text)


def _parse(content: bytes) -> dict[str, Any]:
    """Return the document in a file's content; raises ValueError if it is not all there."""
    try:
        kept = json.loads(content)
        document, checksum = kept["document"], kept["sha256"]
    except (TypeError, KeyError, RecursionError) as error:
        raise ValueError("it is no state of henbd") from error
    if not isinstance(document, dict) or checksum != _checksum(_canonical(document)).decode():
        raise ValueError("its checksum is wrong")
    return document


def _is_intact(content: bytes) -> bool:
    try:
        _parse(content)
    except ValueError:
        return False
    return True


def _canonical(document: Mapping[str, Any]) -> bytes:
    """Return the one way to write a document down: equal documents are equal bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _checksum(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode()
