"""Commands of the system that work on a file, and what they say. Blocks."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from typing import IO

from henbd.errors import FaultCode, TransferError

# To write an image into slow flash takes minutes; nothing takes this long.
TIME_LIMIT_S = 900.0

# Of what a command says for people, its end.
LONGEST_COMPLAINT = 200


def run(words: Sequence[str], failure: FaultCode) -> None:
    """Run a command to its end; raises TransferError with the end of what it says if it fails."""
    with _scratch(failure) as said:
        status = _run(words, said.fileno(), said.fileno(), failure)
        if status == 0:
            return
        said.seek(0)
        text = " ".join(said.read().decode("utf-8", "replace").split())[-LONGEST_COMPLAINT:]
    raise TransferError(failure, f"{words[0]} ended with {status}: {text}".rstrip(": "))


def output(words: Sequence[str], most_bytes: int, failure: FaultCode) -> bytes:
    """Return the last so many bytes of what a command writes; raises TransferError."""
    with _scratch(failure) as written:
        status = _run(words, written.fileno(), subprocess.DEVNULL, failure)
        if status != 0:
            raise TransferError(failure, f"{words[0]} ended with {status}")
        length = written.seek(0, 2)
        written.seek(max(0, length - most_bytes))
        return written.read()


def _scratch(failure: FaultCode) -> IO[bytes]:
    """Return a file for what a command says, which is gone when it is closed."""
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        text = f"nowhere to keep what a command says: {error.strerror}"
        raise TransferError(failure, text) from error


def _run(words: Sequence[str], out: int, err: int, failure: FaultCode) -> int:
    try:
        # In a session of its own: an installer goes on when henbd is ended by what it does.
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            check=False,
            timeout=TIME_LIMIT_S,
            start_new_session=True,
        )
    except OSError as error:
        raise TransferError(failure, f"{words[0]}: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        text = f"{words[0]} took longer than {TIME_LIMIT_S:g} s"
        raise TransferError(failure, text) from error
    return done.returncode
