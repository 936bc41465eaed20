"""The negotiations that charon was asked for and has not answered yet.

Without a time limit of ours, charon answers `initiate` with the success, or in the very moment when
it gives up: there is no other sign of a dead gateway. As it would hold up what is asked after it,
each has a VICI connection of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from henbd.actions import Initiate
from henbd.system.charon_requests import request_for
from henbd.system.doorbell import Doorbell
from henbd.system.vici_connection import Reply, ViciConnection


class Initiations:
    """`ended` is called from the doorbell: the action, and None or why it failed."""

    def __init__(
        self,
        path: str,
        doorbell: Doorbell,
        clock: Callable[[], float],
        ended: Callable[[Initiate, str | None], None],
    ) -> None:
        self._path = path
        self._doorbell = doorbell
        self._clock = clock
        self._ended = ended
        self._connections: dict[Initiate, ViciConnection] = {}

    @property
    def going_on(self) -> frozenset[str]:
        """The connections about which there is no answer yet."""
        return frozenset(action.connection for action in self._connections)

    def start(self, action: Initiate) -> None:
        """Ask for a negotiation, unless it goes on already; raise CharonError if charon is gone."""
        if action in self._connections:
            return
        end = partial(self._end, action)
        connection = ViciConnection(
            self._path, self._doorbell, self._clock, rung=_no_event_was_asked_for, lost=end
        )
        self._connections[action] = connection
        command, message = request_for(action)
        connection.request(command, message, partial(self._take_answer, action))

    def close(self) -> None:
        """Wait for none of them any more; charon goes on with them."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def _take_answer(self, action: Initiate, reply: Reply) -> None:
        self._end(action, reply.refusal())

    def _end(self, action: Initiate, why_not: str | None) -> None:
        self._connections.pop(action).close()
        self._ended(action, why_not)


def _no_event_was_asked_for() -> None:
    """Nobody is to be told."""
