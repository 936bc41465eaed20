"""A file that others read: whole at every moment, and theirs to read alone."""

from __future__ import annotations

import os
from pathlib import Path

# As the control socket: for root, our own user and its group.
FILE_MODE = 0o640

FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def put(path: Path | str, content: bytes, group: int) -> None:
    """Put a file in the place of the one before; raises OSError.

    It is for this boot, so nothing is synced. A link in its place is replaced, not followed.
    """
    new = f"{path}.new"
    try:
        descriptor = os.open(new, FLAGS, 0)
    except FileExistsError:
        os.unlink(new)
        descriptor = os.open(new, FLAGS, 0)
    with open(descriptor, "wb") as file:
        os.fchown(descriptor, -1, group)
        os.fchmod(descriptor, FILE_MODE)
        file.write(content)
    os.rename(new, path)
