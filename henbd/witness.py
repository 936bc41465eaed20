"""What a look shows: kept for the looks that follow, logged, and reported to the HeMS."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from henbd.clock import Clock
from henbd.control import course as courses
from henbd.control import factory, gateway_turns, report, report_box, report_ipsec, report_s1
from henbd.control import gateways as gateway_lists
from henbd.control import history as histories
from henbd.control.course import Course
from henbd.control.gateways import Gateways
from henbd.control.happenings import happenings
from henbd.control.reach import in_force, management_source, reaches_outside
from henbd.control.selectors import far_ends
from henbd.control.trials import Trials
from henbd.control.tunnel import Condition, Tunnel
from henbd.counts import Counts
from henbd.cwmp import events
from henbd.cwmp import ledger as ledgers
from henbd.memory import Memory
from henbd.parties import Callers, VitalSigns
from henbd.settings import Settings
from henbd.trace import Trace
from henbd.values import (
    NOT_YET,
    Address,
    Connection,
    Desired,
    Management,
    Observed,
    Provisioned,
    Unknown,
)

logger = logging.getLogger(__name__)

# What changes all the time need not be newer than this.
VITALS_S = 1.0


class Witness:
    """What was seen up to now: the course of things, and the last look.

    The last look is for status and timers alone, never for an action.
    """

    def __init__(self, memory: Memory, clock: Clock, trace: Trace, counts: Counts) -> None:
        now = clock.monotonic()
        self._memory = memory
        self._clock = clock
        self._trace = trace
        self._counts = counts
        self._vitals_at = self._seen_at = now
        self.course = Course(
            tunnel_since=now,
            pathless_since=now,
            stack_lost_since=now,
            gateways=Gateways(good=memory.state.gateways, since=now),
        )
        self.observed = Observed(NOT_YET, NOT_YET, NOT_YET, {})
        self.tunnel = Tunnel(Condition.UNKNOWN)
        self._hems = ""
        # Where connection requests reach us, None where that is not known.
        self._called_at: Address | None = None

    def note(
        self,
        observed: Observed,
        tunnel: Tunnel,
        asked: Provisioned,
        settings: Settings,
        management: Management,
        *,
        in_session: bool,
    ) -> None:
        """Keep what this look shows for the next ones, and log what it changes."""
        now, before = self._clock.monotonic(), self.course
        self.course = courses.noted(before, observed, tunnel, self.tunnel, now, random.random())
        if courses.flushed(self.course, now) and not courses.flushed(before, now):
            logger.warning("the kernel has lost charon's policies: the child is replaced")
        # What still is the case is news to one that knows nothing of this box.
        stranger = management.url not in (self._hems, self._memory.ledger.hems)
        self._hems = management.url
        self._note_gateways(observed, tunnel, asked, settings, now, stranger=stranger)
        if settings.ipsec is not None and not in_session:
            # Nothing cuts the branch on which a session sits.
            failed = self.course.gateways.failed or courses.charon_lost(self.course, now)
            outside = reaches_outside(settings.hems, management, asked.gateways, failed=failed)
            if outside is not self.course.hems_outside:
                self.course = replace(self.course, hems_outside=outside)
        self._note_s1(observed, asked, now, stranger=stranger)
        self._log(observed, tunnel, settings)
        for about, text in happenings(self.observed, observed, self.tunnel, tunnel):
            self._trace.note(about, text)
        self._counts.look(self.observed, observed, self.tunnel, tunnel)
        self.observed, self.tunnel, self._seen_at = observed, tunnel, now

    def _log(self, observed: Observed, tunnel: Tunnel, settings: Settings) -> None:
        changed = (tunnel.condition, tunnel.inner) != (self.tunnel.condition, self.tunnel.inner)
        if changed and settings.ipsec is not None:
            addresses = ", ".join(map(str, tunnel.inner))
            logger.info("tunnel: %s%s", tunnel.condition.value, addresses and f", {addresses}")
        for party, before, after in (
            ("charon", self.observed.charon, observed.charon),
            ("kernel", self.observed.kernel, observed.kernel),
            ("S1AP stack", self.observed.stack, observed.stack),
        ):
            if isinstance(after, Unknown) and after != before:
                logger.warning("%s: %s", party, after.reason)

    def _note_gateways(
        self,
        observed: Observed,
        tunnel: Tunnel,
        asked: Provisioned,
        settings: Settings,
        now: float,
        *,
        stranger: bool,
    ) -> None:
        """Keep what became of the gateways; if none can be had, the HeMS is owed that event."""
        ipsec, before = settings.ipsec, self.course.gateways
        if ipsec is None:
            return
        since = self.course.tunnel_since
        after = gateway_turns.noted(before, asked, observed, tunnel, ipsec, now, now - since)
        self.course = replace(self.course, gateways=after)
        trouble = gateway_turns.trouble(Gateways() if stranger else before, after)
        if trouble is not None:
            logger.warning("%s", trouble)
            required = events.SECURITY_GATEWAY_REQUIRED
            self._memory.record(ledgers.with_event(self._memory.ledger, required))

    def _note_s1(
        self, observed: Observed, asked: Provisioned, now: float, *, stranger: bool
    ) -> None:
        """Keep what became of S1; if it cannot be had at all, the HeMS is owed that event."""
        before = self.course.history
        history = histories.noted(
            before,
            far_ends(asked, observed),
            observed.stack,
            self._clock.wall(),
            has_path=self.course.pathless_since is None,
        )
        self.course = courses.remembered(self.course, history, now, random.random())
        known = histories.all_refused(before) and not stranger
        if histories.all_refused(history) and not known:
            logger.warning("S1 cannot be had: each far end has failed")
            required = events.FAP_GATEWAY_REQUIRED
            self._memory.record(ledgers.with_event(self._memory.ledger, required))

    def negotiating(self, gateways: Iterable[Address]) -> None:
        """Keep that negotiations with these, and no others, are going on."""
        known = gateway_lists.began(self.course.gateways, gateways, self._clock.monotonic())
        self.course = replace(self.course, gateways=known)

    def negotiated(
        self, connection: str, gateway: Address, error: str | None, wanted: Desired | None
    ) -> None:
        """Keep what came of an Initiate, and log what it failed of; no `error`: it succeeded.

        `wanted` is what was wanted meanwhile.
        """
        if error is not None:
            self._counts.negotiation_failures += 1
            logger.warning("gateway %s: %s", gateway, error)
            self._trace.note("tunnel", f"{gateway}: {error}")
        condition, sa = self.tunnel.condition, self.tunnel.sa
        established = sa is not None and sa.connection == connection
        if error is not None and established and condition is Condition.ADDRESS_MISSING:
            # Without the inner address charon cannot install what the gateway grants.
            return
        asked = wanted.connection if wanted is not None and wanted.divisible else None
        known = gateway_lists.ended(
            self.course.gateways,
            gateway,
            error,
            self._clock.monotonic(),
            random.random(),
            beside=established and self.tunnel.up,
            alone=established and condition is Condition.NO_CHILD,
            more=asked.child.networks if isinstance(asked, Connection) else (),
        )
        self.course = replace(self.course, gateways=known)

    def forgive(self) -> None:
        """Forget which gateways have failed."""
        gateways = replace(self.course.gateways, trials=Trials(), trying={}, refused=())
        self.course = replace(self.course, gateways=gateways)

    def report(self, settings: Settings, management: Management) -> None:
        """Bring the read-only parameters up to date."""
        observed, tunnel = self.observed, self.tunnel
        lost = courses.stack_lost(self.course, settings.s1.hold_s, self._clock.monotonic())
        tree = report.report(self._memory.tree, observed, tunnel, stack_lost=lost)
        tree = report_s1.far_ends(tree, self.course.history, settings.device.oui, stack_lost=lost)
        hems = in_force(settings.hems, self.course)
        self._called_at = management_source(management, hems, observed, tunnel)
        if not management.connection_requests:
            tree = report.no_connection_request(tree)
        elif self._called_at is not None:
            port = settings.connection_request.port
            path = factory.connection_request_path(settings, self._memory.state.secret)
            tree = report.connection_request(tree, self._called_at, port, path)
        self._memory.report(tree)

    def listen(self, settings: Settings, management: Management, callers: Callers) -> None:
        """Bring the listener to the address that the parameters name; to none, if there is none."""
        wanted = management.connection_requests
        if wanted and self._called_at is None:
            return
        callers.listen(
            self._called_at if wanted else None,
            settings.connection_request.port,
            factory.connection_request_path(settings, self._memory.state.secret),
            management.connection_request_username,
            management.connection_request_password,
        )

    def report_vitals(self, party: VitalSigns, *, asked: bool) -> None:
        """Bring up to date what changes all the time, for a HeMS that asks, or wants to be told."""
        now = self._clock.monotonic()
        wanted = asked or report_box.vitals_are_told(self._memory.tree)
        if not wanted or now < self._vitals_at:
            return
        self._vitals_at = now + VITALS_S
        seen, wall = party.observe(), self._clock.wall()
        tree = report_box.vitals(self._memory.tree, seen, wall)
        seen_at = wall - timedelta(seconds=now - self._seen_at)
        tree = report_ipsec.security_associations(
            tree, self.tunnel, seen_at, now - self.course.tunnel_since
        )
        tree = report_box.addressing(tree, self.observed.kernel)
        tree = report_ipsec.discarded(tree, seen.xfrm, self._counts.negotiation_failures)
        self._memory.report(tree)
