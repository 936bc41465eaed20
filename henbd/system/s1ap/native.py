"""The adapter for stacks that speak the native protocol: a Unix socket of ours (see PROTOCOL.md).

One stack at a time. The end of its connection says nothing about S1, only that nobody tells us.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from henbd.actions import Tell
from henbd.control.wording import worded
from henbd.system.doorbell import Doorbell
from henbd.system.lines import LONGEST_LINE, LineConnection, turn_away
from henbd.system.local_socket import Caller, LocalSocket
from henbd.system.s1ap import native_dialogue as dialogues
from henbd.system.s1ap.native_dialogue import Dialogue
from henbd.system.s1ap.native_messages import (
    VERSION,
    Ack,
    Complaint,
    ForeignHello,
    Hello,
    Ignored,
    Ping,
    Status,
    error,
    parse,
    pong,
)
from henbd.values import Stack, Unknown

logger = logging.getLogger(__name__)

# A connection that does not introduce itself keeps the stack's place from it.
HELLO_TIMEOUT_S = 5.0

# A stack that works by a config says how S1 is right behind its hello. One that does not is taken
# at its word after this time: nothing is up, and there is no user plane.
STATUS_TIMEOUT_S = 1.0

# Lines that the stack has not read; a stack that works takes each one at once.
LONGEST_QUEUE = 4 * LONGEST_LINE

# Mistakes of one connection that the log has; a stack that makes more says nothing new.
MOST_MISTAKES = 20

NOBODY = Unknown("no S1AP stack is connected")
SILENT = Unknown("the S1AP stack has not said how S1 is")


class NativeAdapter:
    """The S1 adapter of the native protocol; `rung` is called when what is observed has changed."""

    def __init__(
        self,
        path: str,
        group: str,
        doorbell: Doorbell,
        clock: Callable[[], float],
        rung: Callable[[], None],
    ) -> None:
        self._doorbell = doorbell
        self._clock = clock
        self._rung = rung
        self._dialogue = Dialogue()
        self._connection: LineConnection | None = None
        self._patience_ends_at: float | None = None
        self._logged: set[str] = set()
        self._socket = LocalSocket(
            path,
            group,
            doorbell,
            self._called,
            turned_away=error("no permission: be root, or in the group of this socket"),
        )

    def observe(self) -> Stack | Unknown:
        """Return what the stack said last on the connection that is there now."""
        if self._dialogue.stack is None:
            return NOBODY
        return self._dialogue.stack if self._dialogue.described else SILENT

    def perform(self, action: Tell) -> None:
        """Tell the stack where to register; nothing is kept for one that has just gone."""
        logger.info("%s", worded(action))
        if self._connection is None or self._dialogue.stack is None:
            logger.warning("not told: %s", NOBODY.reason)
            return
        self._dialogue, line = dialogues.tell(self._dialogue, action.link)
        self._connection.send(line)

    def wake_at(self) -> float | None:
        """Return when a stack has been silent for too long."""
        return self._patience_ends_at

    def tick(self, now: float) -> None:
        """End the wait for a stack that stays silent."""
        if self._patience_ends_at is None or now < self._patience_ends_at:
            return
        self._patience_ends_at = None
        if self._dialogue.stack is None:
            self._hang_up(f"no hello within {HELLO_TIMEOUT_S:g} s")
        else:
            logger.warning("%s", SILENT.reason)
            self._turn(replace(self._dialogue, described=True))

    def close(self) -> None:
        """Take the socket away; S1 goes on."""
        self._socket.close()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._dialogue = dialogues.ended(self._dialogue)

    def _called(self, connection: socket.socket, caller: Caller) -> None:
        if self._connection is not None and self._connection.gone:
            # It was restarted, and its new connection was found before the end of the old one.
            self._ended("closed the connection")
        if self._connection is not None:
            logger.warning("a second S1AP stack is turned away: pid %d", caller.pid)
            turn_away(connection, error("another stack is connected"))
            return
        logger.info("a S1AP stack connected: pid %d, uid %d", caller.pid, caller.uid)
        self._logged.clear()
        self._patience_ends_at = self._clock() + HELLO_TIMEOUT_S
        self._connection = LineConnection(
            connection, self._doorbell, self._received, self._ended, longest_queue=LONGEST_QUEUE
        )

    def _received(self, line: bytes) -> None:
        assert self._connection is not None
        dialogue = self._dialogue
        try:
            message = parse(line)
            if isinstance(message, Hello | Ack | Status):
                dialogue = dialogues.hear(dialogue, message)
        except ValueError as wrong:
            self._refuse(str(wrong))
            return
        match message:
            case Hello() | Ack() | Status():
                self._turn(dialogue)
            case Ping():
                self._connection.send(pong())
            case Complaint(text):
                self._log(f"the S1AP stack complains: {text}")
            case ForeignHello(version):
                self._hang_up(f"version {version} is not {VERSION}, which is spoken here")
            case Ignored():
                logger.debug("the S1AP stack sent a message of a type that is not known here")
            case _:
                assert_never(message)

    def _turn(self, dialogue: Dialogue) -> None:
        """Make a dialogue the current one, and ring if that shows."""
        before, greeted = self.observe(), self._dialogue.stack is None
        self._dialogue = dialogue
        stack = dialogue.stack
        if stack is not None and greeted:
            works_by = f"generation {stack.generation}" if stack.told else "nothing, S1 is down"
            logger.info("S1AP stack %s works by %s", stack.name, works_by)
            self._patience_ends_at = self._clock() + STATUS_TIMEOUT_S
        if dialogue.described:
            self._patience_ends_at = None
        if self.observe() != before:
            self._rung()

    def _refuse(self, text: str) -> None:
        """Tell the stack what is wrong."""
        assert self._connection is not None
        self._connection.send(error(text))
        self._log(f"refused what the S1AP stack sent: {text}")

    def _log(self, text: str) -> None:
        """Log what went wrong, once in a connection."""
        if text not in self._logged and len(self._logged) < MOST_MISTAKES:
            self._logged.add(text)
            logger.warning("%s", text)

    def _hang_up(self, text: str) -> None:
        self._refuse(text)
        self._ended(text)

    def _ended(self, reason: str) -> None:
        assert self._connection is not None
        self._connection.close()
        self._connection = None
        self._patience_ends_at = None
        logger.info("the S1AP stack is gone: %s", reason)
        self._turn(dialogues.ended(self._dialogue))
