"""What holds for every message of a session, whatever its place in the dialogue."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from tests.lab.hems.check import check_http
from tests.lab.hems.house import Heard, House, Jar
from tests.lab.hems.messages import Inform, Message
from tests.lab.hems.schema import deviations
from tests.lab.hems.scribe import Scribe
from tests.lab.hems.soap import Envelope


class Examiner:
    """Examines the messages of one session: heads, cookies, schema, IDs, and repetitions."""

    def __init__(self, house: House, scribe: Scribe) -> None:
        self.jar = Jar(house)
        self._note = scribe.note
        self._target = house.target
        self._ids: set[str] = set()
        self._same_body: bytes | None = None
        self._same_message: Message | None = None

    def examine(self, heard: Heard) -> bool:
        """Check a message; return whether it is one that was to be sent again."""
        request, said = heard.request, heard.envelope
        self._note(*check_http(request), *self.jar.check(request.head))
        if request.head.target != self._target:
            self._note(f"the request goes to {request.head.target} instead of {self._target}")
        if said is not None:
            self._note(*said.violations, *deviations(said.root, said.namespace))
        body, message = self._same_body, self._same_message
        self._same_body = self._same_message = None
        if body is not None and request.body != body:
            self._note("another message where the same was to be sent again")
        if message is not None and (said is None or _timeless(said.message) != message):
            self._note("another request where the same was to be tried again")
        return body is not None or message is not None

    def check_own_id(self, said: Envelope) -> None:
        """Check the ID of a request of the CPE's own: there, and fresh in this session."""
        if not said.id:
            self._note(f"{said.method} without an ID")
        elif said.id in self._ids:
            self._note(f"{said.method} with the ID {said.id}, which was used before")
        else:
            self._ids.add(said.id)

    def expect_body(self, heard: Heard, location: str | None = None) -> None:
        """Expect the same bytes next, and from now on at this location if one is given."""
        self._same_body = heard.request.body
        if location is not None:
            parts = urlsplit(location)
            self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def expect_message(self, said: Envelope) -> None:
        """Expect a request with the same arguments next."""
        self._same_message = _timeless(said.message)


def _timeless(message: Message) -> Message:
    """Return a message without the time, which goes on between two attempts."""
    return replace(message, current_time="") if isinstance(message, Inform) else message
