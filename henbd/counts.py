"""What has been counted since henbd started, for `henbd metrics`."""

from __future__ import annotations

from collections import Counter

from henbd.control import s1
from henbd.control.tunnel import Tunnel
from henbd.conversation import Ended
from henbd.values import Observed, Unknown


class Counts:
    """Totals that only grow; `started` is when henbd did, in monotonic seconds."""

    def __init__(self, started: float) -> None:
        self.started = started
        self.sessions: Counter[str] = Counter(ended=0, failed=0, given_up=0)
        self.session_s = 0.0
        self.informs: Counter[str] = Counter()
        self.tunnels = 0
        self.negotiation_failures = 0
        self.addresses = 0
        self.setups = 0

    def session(self, ended: Ended) -> None:
        """Count a session and the events of its Inform."""
        result = "given_up" if ended.given_up else "ended" if ended.failure is None else "failed"
        self.sessions[result] += 1
        self.session_s += ended.at - ended.started_at
        self.informs.update(event.code for event in ended.opening.events)

    def look(
        self, before: Observed, after: Observed, tunnel_before: Tunnel, tunnel: Tunnel
    ) -> None:
        """Count what came up between two looks."""
        self.tunnels += tunnel.up and not tunnel_before.up
        self.addresses += len(set(tunnel.inner) - set(tunnel_before.inner))
        self.setups += _s1_up(after) and not _s1_up(before)


def _s1_up(observed: Observed) -> bool:
    return not isinstance(observed.stack, Unknown) and s1.up(observed.stack)
