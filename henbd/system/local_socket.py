"""A listening Unix socket: its file, and who may come in."""

from __future__ import annotations

import contextlib
import fcntl
import grp
import logging
import os
import socket
import stat
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from henbd.errors import HenbdError
from henbd.system.doorbell import Doorbell
from henbd.system.lines import turn_away

logger = logging.getLogger(__name__)

# Owner and group talk to us, nobody else.
SOCKET_MODE = 0o660

# For chown(2).
UNCHANGED = -1

# Those who wait to be accepted; the kernel turns away more.
BACKLOG = 16

# The socket option of Linux 4.13 that tells the supplementary groups of the other side, as the
# kernel knows them; the module `socket` has no name for it.
SO_PEERGROUPS = 59
# Python reads no longer options than this.
LONGEST_OPTION = 1024


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is at the other end, as the kernel says; `groups` with the supplementary ones."""

    pid: int
    uid: int
    groups: frozenset[int]


class LocalSocket:
    """A Unix socket that listens; `called` is given each connection of somebody who may use it.

    Root may, our own user, and the group of the socket's file. Others are sent `turned_away`, a
    line. Raises HenbdError where the socket cannot be made, or another daemon listens on it.
    """

    def __init__(
        self,
        path: str,
        group: str,
        doorbell: Doorbell,
        called: Callable[[socket.socket, Caller], None],
        *,
        turned_away: bytes,
    ) -> None:
        self._path = path
        self._doorbell = doorbell
        self._called = called
        self._turned_away = turned_away
        try:
            self._socket = _listen(path, group)
            self._made = os.stat(path)
        except OSError as error:
            raise HenbdError(f"socket {path}: {error.strerror or error}") from error
        # A descriptor to be given up when there is none left for a caller.
        self._spare = socket.socket(socket.AF_UNIX)
        doorbell.watch(self._socket.fileno(), self._ready)

    def close(self) -> None:
        """Stop listening and remove the socket's file, unless it is somebody else's by now."""
        self._doorbell.forget(self._socket.fileno())
        self._socket.close()
        self._spare.close()
        with contextlib.suppress(OSError), _alone_in(os.path.dirname(self._path)):
            if os.path.samestat(os.stat(self._path), self._made):
                os.unlink(self._path)

    def _ready(self) -> None:
        try:
            connection, _ = self._socket.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:
            logger.warning("%s: accept: %s", self._path, error.strerror)
            self._shed()
            return
        caller = _caller(connection)
        if caller.uid in (0, os.geteuid()) or self._made.st_gid in caller.groups:
            self._called(connection, caller)
            return
        logger.warning("%s: uid %d, pid %d has no permission", self._path, caller.uid, caller.pid)
        turn_away(connection, self._turned_away)

    def _shed(self) -> None:
        """Get rid of a caller that there is no descriptor for; else the socket would stay ready."""
        self._spare.close()
        with contextlib.suppress(OSError):
            self._socket.accept()[0].close()
        with contextlib.suppress(OSError):
            self._spare = socket.socket(socket.AF_UNIX)


def _caller(connection: socket.socket) -> Caller:
    """Return who connected, as it was at that moment.

    Somebody in more than 255 groups counts as a member of its own group alone.
    """
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    pid, uid, gid = struct.unpack("=iII", credentials)
    listed = b""
    with contextlib.suppress(OSError):
        listed = connection.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, LONGEST_OPTION)
    supplementary = struct.unpack(f"={len(listed) // 4}I", listed)
    return Caller(pid, uid, frozenset((gid, *supplementary)))


def _listen(path: str, group: str) -> socket.socket:
    """Return a socket that listens at this path with the rights it is to have."""
    directory = os.path.dirname(path)
    group_id = _group_id(group) if group else UNCHANGED
    os.makedirs(directory, mode=0o755, exist_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.setblocking(False)
    try:
        with _alone_in(directory):
            _remove_stale(path)
            listener.bind(path)
            # Until it listens nobody can connect, whatever the rights are now.
            os.chown(path, UNCHANGED, group_id)
            os.chmod(path, SOCKET_MODE)
            listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _group_id(group: str) -> int:
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError as error:
        raise HenbdError(f"there is no group {group!r}") from error


def _remove_stale(path: str) -> None:
    """Remove the file of a socket that nobody listens on any more."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise HenbdError(f"{path} is there, and is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except BlockingIOError:
            # Its backlog is full: alive all the same.
            pass
    raise HenbdError(f"another daemon listens on {path}")


@contextlib.contextmanager
def _alone_in(directory: str) -> Iterator[None]:
    """Keep other instances from making or removing sockets here, by a lock on the directory.

    Without it, two that start together could each take the other's new socket for a stale one.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
