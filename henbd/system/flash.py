"""Files that are whole at every moment, whenever the power goes. Raises StoreError."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from henbd.errors import StoreError

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700


@contextlib.contextmanager
def at(what: str) -> Iterator[None]:
    """Turn what the system refuses into a StoreError that says at what."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{what}: {error.strerror}") from error


def make_directory(directory: Path) -> None:
    """Make a directory that nobody else can look into, if it is not there."""
    with at(f"make {directory}"):
        if directory.is_dir():
            return
        directory.mkdir(DIRECTORY_MODE, parents=True)
    sync(directory.parent)


def write(path: Path, content: bytes, at_time: float | None = None) -> None:
    """Write a file of that content, and have it on the flash; its name may not be there yet.

    `at_time`: when it shall have been written, if not now by the clock of the box.
    """
    with at(f"write {path}"):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        descriptor = os.open(path, flags, FILE_MODE)
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            if at_time is not None:
                os.utime(descriptor, (at_time, at_time))
            os.fsync(descriptor)
        except OSError:
            # On a full flash this gives room back.
            with contextlib.suppress(OSError):
                os.unlink(path)
            raise
        finally:
            os.close(descriptor)


def sync(directory: Path) -> None:
    """Make the names in a directory durable."""
    with at(f"sync {directory}"):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
