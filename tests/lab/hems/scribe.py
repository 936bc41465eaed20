"""What one session leaves in the log: its messages as events, and what the CPE did wrong."""

from __future__ import annotations

from collections.abc import Sequence

from tests.lab.hems import ladder
from tests.lab.hems.attempts import Outcome
from tests.lab.hems.check import is_one_of
from tests.lab.hems.house import House, Peer
from tests.lab.hems.http1 import Request
from tests.lab.hems.messages import Fault, Inform, Message
from tests.lab.hems.rpc import Rpc, Set


class Scribe:
    """Writes down one session; the kind of an event is the name of the message.

    What the HeMS says is written down when it is sent, not when it is thought of.
    """

    def __init__(self, house: House, number: int) -> None:
        self._house = house
        self._number = number
        self._unsent: list[tuple[str, str, dict[str, object]]] = []

    def note(self, *sentences: str) -> None:
        """Write down breaches of the protocol."""
        self._house.note(f"session {self._number}", sentences)

    def from_cpe(self, kind: str, text: str, **facts: object) -> None:
        """Write down a message of the CPE."""
        self._house.log.add("HeNB", "HeMS", kind, text, session=self._number, **facts)

    def from_hems(self, kind: str, text: str, **facts: object) -> None:
        """Write down a message of the HeMS, as soon as it is sent."""
        self._unsent.append((kind, text, facts))

    def sending(self) -> None:
        """Write down what is being sent now."""
        for kind, text, facts in self._unsent:
            self._house.log.add("HeMS", "HeNB", kind, text, session=self._number, **facts)
        self._unsent.clear()

    def inform(self, inform: Inform, request: Request, peer: Peer) -> None:
        """Write down an Inform; its line shows what is new in it."""
        known, forced = self._house.known, self._house.forced
        first = not known
        news = {
            name: value
            for name, value in inform.values.items()
            if known.get(name) != value and not (first and is_one_of(name, forced))
        }
        known.update(inform.values)
        self.from_cpe(
            "Inform",
            ladder.inform(inform, peer.address, news),
            source=(peer.address, peer.port),
            connection=peer.connection,
            tls=peer.tls,
            events=list(inform.events),
            parameters=dict(inform.values),
            device_id=inform.device_id,
            retry_count=inform.retry_count,
            first_byte_at=request.first_byte_at,
        )

    def asks(self, rpc: Rpc) -> None:
        """Write down a request of the HeMS."""
        values = (
            {name: pair[0] for name, pair in rpc.values.items()} if isinstance(rpc, Set) else {}
        )
        self.from_hems(rpc.METHOD, ladder.request(rpc), request=rpc, values=values)

    def answered(self, method: str, message: Message) -> None:
        """Write down the CPE's answer; `fault` is None if it is none, `status` that it has."""
        self.from_cpe(
            f"{method}Response",
            ladder.answer(method, message),
            status=getattr(message, "status", None),
            fault=message if isinstance(message, Fault) else None,
            message=message,
        )

    def end(self, outcome: Outcome, reason: str, answers: Sequence[Message]) -> None:
        """Write down the end, and forget what could not be sent any more."""
        self._unsent.clear()
        self._house.log.add(
            "HeMS",
            "HeNB",
            "session-end",
            f"end of session {self._number}: {reason}",
            session=self._number,
            ok=outcome is Outcome.OK,
            outcome=outcome,
            reason=reason,
            answers=tuple(answers),
        )
