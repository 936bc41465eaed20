"""A file that others read: whole at every moment, and theirs to read alone."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

# As the control socket: for root, our own user and its group.
FILE_MODE = 0o640


def put(path: Path, content: bytes, group: int) -> None:
    """Put a file in the place of the one before; raises OSError.

    It is for this boot, so nothing is synced. A link in its place is replaced, not followed.
    """
    new = f"{path}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(new)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with open(os.open(new, flags, 0), "wb") as file:
        os.fchown(file.fileno(), -1, group)
        os.fchmod(file.fileno(), FILE_MODE)
        file.write(content)
    os.rename(new, path)
