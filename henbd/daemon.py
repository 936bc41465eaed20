"""The loop: a bell rings, the world is looked at, and the difference to what is wanted is done.

It never waits on a network. What it keeps between two looks stands in `Daemon.__init__` and nowhere
else: what the HeMS provisioned, who failed lately, and since when something has been the case.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

from henbd.actions import TerminateIke
from henbd.caller import Caller
from henbd.carrier import Carrier
from henbd.clock import Clock
from henbd.control import course as courses
from henbd.control import gateway_turns, guard
from henbd.control.desire import desired
from henbd.control.plan import missing_guards, plan
from henbd.control.reach import Reach, hems_addresses, in_force, reach
from henbd.control.tunnel import Tunnel, judge, ours
from henbd.conversation import Conversation
from henbd.counts import Counts
from henbd.cwmp import ledger as ledgers
from henbd.cwmp.events import PERIODIC
from henbd.departure import Departure
from henbd.errors import ExchangeError
from henbd.fault_watch import FaultWatch, sight
from henbd.hands import Hands
from henbd.hosts import Hosts, needed
from henbd.looks import Look, Looks
from henbd.measuring import Measuring
from henbd.memory import Memory
from henbd.onlookers import Onlookers
from henbd.parties import Parties
from henbd.settings import Settings
from henbd.settlement import Settlement
from henbd.system.acs import Answer
from henbd.trace import Trace
from henbd.values import Charon, Desired, EspMode, Kernel, Loaded, Observed, Unknown
from henbd.whereabouts import Whereabouts
from henbd.witness import Witness

logger = logging.getLogger(__name__)

# Without an [ipsec] section there is nobody else who would change routes of ours.
AUDIT_S = 60

# A kernel that could not be read is read again so soon.
KERNEL_AGAIN_S = 1.0

# What stands for charon without an [ipsec] section: one that has nothing of ours.
NO_CHARON = Charon((), Loaded({}, frozenset(), frozenset()), EspMode.POLICY, initiating=frozenset())


class Daemon:
    """The loop and what it keeps."""

    def __init__(
        self, settings: Settings, memory: Memory, boot_id: str, parties: Parties, clock: Clock
    ) -> None:
        now = clock.monotonic()
        self.memory = memory
        self.boot_id = boot_id
        self.clock = clock
        self.trace = Trace(clock)
        self.counts = Counts(now)
        self.conversation = Conversation(
            memory, parties.exchanges, clock, self.trace, self._listen, self._session_ended
        )
        self._parties = parties
        self._stopping = False
        self._looks = Looks(now)
        self._audit_at = now
        self._passed_at = now
        self._looked_in_session = False

        self.settlement = Settlement(settings, memory)
        self.caller = Caller(
            memory, self.conversation, clock, boot_id, lambda: self.settlement.settings
        )
        self.witness = Witness(memory, clock, self.trace, self.counts)
        self.faults = FaultWatch(memory, clock)
        self.measuring = Measuring(
            memory, parties.files, clock, lambda: self.settlement.settings, parties.vitals.observe
        )
        self.carrier = Carrier(
            memory,
            parties.files,
            clock,
            boot_id,
            lambda: self.settlement.settings,
            self.settlement.as_new,
            self.settle,
            self.measuring.file,
        )
        self.departure = Departure(
            memory, parties.doors, boot_id, self.settlement.as_new, lambda: self.carrier.writing
        )
        self._hands = Hands(parties)
        self._whereabouts = Whereabouts(memory, parties.receiver, clock)
        self._hosts = Hosts(parties.names, now)
        self._onlookers = Onlookers(self, parties)

        # Of the last look: for status and timers alone, never for an action.
        self.desired: Desired | None = None

    def run(self) -> None:
        """Run until `stop` is called."""
        try:
            self._run()
        finally:
            self._parties.flush_log()

    def _run(self) -> None:
        self._ask_names()
        # The guards stand before anything else is done, whatever charon says.
        self._pass(Look.FULL)
        self._onlookers.tell()
        self._parties.supervisor.ready()
        while not self._stopping:
            self._parties.bells.wait(self._wake_at())
            self._turn()
        self._parties.supervisor.stopping()
        self._onlookers.leave()
        self._parties.stack.close()

    def stop(self) -> None:
        """End the loop; tunnel, guards and S1 stay as they are."""
        self._stopping = True

    def rung(self) -> None:
        """A bell: something may have changed."""
        self._looks.ring(self.clock.monotonic())

    def looked(self) -> None:
        """charon has answered a look, or will not."""
        self._pass(self._looks.end())

    def initiated(self, connection: str, error: str | None) -> None:
        """An Initiate ended; a gateway that failed is left alone for a while."""
        now = self.clock.monotonic()
        gateway = self._hands.ended(connection, now)
        if gateway is not None:
            self.witness.negotiated(connection, gateway, error, self.desired)
            if error is not None:
                self._ask_names()
        self._looks.want_full(now)

    def answered(self, answer: Answer | ExchangeError) -> None:
        """The HeMS has answered a post, or will not."""
        if isinstance(answer, ExchangeError):
            self._see_whether_overtaken()
        self.witness.report_vitals(self._parties.vitals, asked=self.conversation.asked(answer))
        self.conversation.answered(answer, self.caller.management)
        if self.conversation.current is not None:
            self._looks.pause(self.clock.monotonic())
        else:
            self._looks.resume(self.clock.monotonic())

    def _see_whether_overtaken(self) -> None:
        """Give the session up if its address has gone: the worker may hear of it before the bell.

        It would count as a failed attempt.
        """
        kernel = self._parties.kernel.observe()
        if isinstance(kernel, Kernel):
            self.caller.give_up(kernel)

    def reconfigure(self, settings: Settings) -> None:
        """Go on by another configuration; a session that is going on is finished by the old one."""
        self.settlement.put(settings)
        self.settle()

    def settle(self) -> None:
        """Let take effect what an operator or a file has changed, after a session going on."""
        if self.conversation.current is None:
            self._settle()

    def reconnect(self) -> int:
        """Have the tunnel ended and negotiated anew with the first gateway; return of how many SAs.

        What the guards keep inside waits meanwhile.
        """
        now = self.clock.monotonic()
        charon = self.witness.observed.charon
        sas = ours(charon) if isinstance(charon, Charon) else ()
        self.witness.forgive()
        if self.desired is not None:
            self._hands.act([TerminateIke(sa.unique_id) for sa in sas], self.desired, now)
        self._looks.want_full(now)
        return len(sas)

    def called(self) -> bool:
        """A connection request came in; return whether it will be served."""
        staying = not self.departure.leaving(self.clock.monotonic())
        if self.caller.management.enabled and staying:
            self.trace.note("HeMS", "connection request")
            self.memory.account(ledgers.called(self.memory.ledger))
            return True
        return False

    def _turn(self) -> None:
        """Do what time and bells have brought."""
        now = self.clock.monotonic()
        if self._looks.paused(now):
            return
        for shell in self._parties.timed:
            shell.tick(now)
        self._whereabouts.tick()
        self.caller.advance()
        if now >= self._audit_at:
            self._audit_at = now + self._audit_s
            self._looks.want_audit(now)
        if any(at <= now for at in self._waits()):
            self._looks.want_full(now)
        self._hosts.ask_due(self._needed_hosts(), now, self.settlement.settings.s1.resolve_s)
        self.conversation.bound(self.settlement.settings.hems.session_s, self.caller.management)
        self.carrier.turn(free=self._free(now))
        self.measuring.turn()
        if self.conversation.current is None and self._due_without_session(now):
            self._settle()
        if any(at <= now for at in self._calls(now)) and not self._call_at_once(now):
            self._looks.want_hot()
        self._look(now)
        if (late_at := self._looks.late_at()) is not None and late_at <= now:
            self._close(now)
        self._onlookers.tick(now, calm=not self._looks.going_on)
        if not self._looks.paused(now):
            # No post is about to leave.
            self._parties.flush_log()

    def _call_at_once(self, now: float) -> bool:
        """Begin a session by the way that is known; False: there has to be a look first."""
        # What has just changed in the kernel is heard by this.
        known = self._parties.kernel.observe(anew=False) is self.witness.observed.kernel
        if not known or not self._looks.settled or not self.caller.call(now):
            return False
        self._begun()
        return True

    def _begun(self) -> None:
        """A session has begun: its Inform is on its way."""
        self._looks.pause(self.clock.monotonic())
        self._onlookers.begun()

    @property
    def _audit_s(self) -> float:
        """How long not everything is looked at, if nothing rings."""
        ipsec = self.settlement.settings.ipsec
        return ipsec.audit_s if ipsec else AUDIT_S

    def _look(self, now: float) -> None:
        """Look at the world, if that is wanted; of charon the answer comes later."""
        look, charon = self._looks.begin(now), self._parties.charon
        if look is None:
            if self._looks.hot_going_on:
                # What has rung since.
                self._parties.kernel.observe(anew=False)
            return
        if charon is not None:
            charon.look(full=look is not Look.HOT, at_leisure=look is Look.AUDIT)
        # The kernel is read while charon makes up its answer.
        self._parties.kernel.observe(anew=look is not Look.HOT)
        if charon is None:
            self.looked()
        else:
            charon.hear()

    def _due_without_session(self, now: float) -> bool:
        """Do what no session is to be disturbed by; return whether it is to take effect."""
        another = self.caller.judge(now)
        return self.departure.carry_out(now) or another

    def _free(self, now: float) -> bool:
        """Return whether files may be carried: after a session, while there is a way."""
        departing = self.departure.due(now) or self.departure.leaving(now)
        staying = self.conversation.current is None and not departing
        return staying and isinstance(self.caller.way, Reach)

    def _wake_at(self) -> float | None:
        """Return when the loop has something to do even if no bell rings."""
        now = self.clock.monotonic()
        if self._looks.paused(now):
            return self._looks.paused_until
        times = [shell.wake_at() for shell in self._parties.timed]
        times.append(self.conversation.expires_at(self.settlement.settings.hems.session_s))
        times += [self._whereabouts.wake_at(), self.caller.serving.wake_at(now)]
        if self.conversation.current is None:
            times.append(self.departure.wake_at())
        times += [self.carrier.wake_at(free=self._free(now)), self.measuring.wake_at()]
        times.append(self._looks.late_at())
        if not self._looks.going_on:
            look_at = self._looks.wake_at()
            times += [self._audit_at, look_at, ledgers.timed_at(self.memory.ledger)]
            times += [self._hosts.wake_at(), self._onlookers.wake_at(), *self._calls(now)]
            if look_at is None:
                times += self._waits()
        return min((at for at in times if at is not None), default=None)

    def _waits(self) -> Iterator[float]:
        """Yield when something may be done that was put off, or given up that was held."""
        course, settings = self.witness.course, self.settlement.settings
        yield from courses.times(course, settings.s1.hold_s, self._passed_at)
        if settings.ipsec is not None:
            yield from gateway_turns.times(
                course.gateways, self.witness.tunnel, settings.ipsec, self._passed_at
            )
        yield from self._hands.times(self._passed_at)
        yield from self.faults.times(self._passed_at)
        if isinstance(self.witness.observed.kernel, Unknown):
            yield self._passed_at + KERNEL_AGAIN_S

    def _calls(self, now: float) -> Iterator[float]:
        """Yield when a session is due, or when the one that is going on is to be given up."""
        if not isinstance(self.witness.observed.kernel, Unknown) and not self.departure.leaving(
            now
        ):
            yield from self.caller.times()

    def _pass(self, look: Look) -> None:
        """Take what a look has found: report it, tell the HeMS, and do what is missing."""
        now = self.clock.monotonic()
        full = look is not Look.HOT
        if full:
            self._passed_at = now
        parties = self._parties
        charon = NO_CHARON if parties.charon is None else parties.charon.observe()
        observed = self._observe(charon)
        tunnel = judge(observed.charon, observed.kernel)
        in_session = self.conversation.current is not None
        self._looked_in_session |= in_session
        settings, asked = self.settlement.settings, self.settlement.asked
        management = self.caller.management
        self.witness.note(observed, tunnel, asked, settings, management, in_session=in_session)
        self.witness.report(settings, management)
        if isinstance(observed.kernel, Unknown):
            self.caller.way = observed.kernel
            self._listen()
            self._onlookers.happened()
            return
        wanted = self._desire(observed, tunnel, now)
        kernel = self._guard(wanted, observed.kernel, now)
        observed = replace(observed, kernel=kernel)
        hems = in_force(settings.hems, self.witness.course)
        way = reach(self.caller.management, hems, observed, tunnel, wanted.guards)
        self.caller.take(way, now)
        self.caller.give_up(kernel)
        if not self.departure.leaving(now) and self.caller.call(now):
            if full:
                # What is to be done waits for the next one.
                self._looks.want_full(now)
            self._begun()
            return
        self._listen()
        if full:
            # Before anybody relies on them; and what still stands is still relied on.
            self._hands.keep(guard.networks(wanted.guards | kernel.guards), now)
            self.memory.remember(self.witness.course.gateways.good)
            if self._hands.act(plan(wanted, observed, tunnel), wanted, now):
                self.witness.negotiating(self._hands.negotiating)
                self._looks.want_full(now)
            self.faults.look(sight(self, observed, wanted))
            self._onlookers.happened()

    def _listen(self) -> None:
        self.witness.listen(self.settlement.settings, self.caller.management, self._parties.callers)

    def _observe(self, charon: Charon | Unknown) -> Observed:
        parties = self._parties
        # What has changed since the look began has rung.
        kernel, stack = parties.kernel.observe(anew=False), parties.stack.observe()
        return Observed(charon, kernel, stack, parties.names.names)

    def _close(self, now: float) -> None:
        """Close what is open though charon has not answered: guards do not wait for it."""
        self._looks.seen(now)
        observed = self._observe(Unknown("charon has not answered yet"))
        if isinstance(observed.kernel, Kernel):
            tunnel = judge(observed.charon, observed.kernel)
            self._guard(self._wanted(observed, tunnel, now), observed.kernel, now)

    def _guard(self, wanted: Desired, kernel: Kernel, now: float) -> Kernel:
        """Close what is open, in each look and before anything else; return what then is there."""
        closed, tried = self._hands.close(missing_guards(wanted, kernel), now)
        if tried:
            self._looks.want_full(now)
        return replace(kernel, guards=kernel.guards | closed) if closed else kernel

    def _wanted(self, observed: Observed, tunnel: Tunnel, now: float) -> Desired:
        settings, asked = self.settlement.settings, self.settlement.asked
        hems = hems_addresses(self.caller.management, settings.hems, observed)
        known = () if isinstance(hems, Unknown) else hems
        return desired(asked, settings, observed, tunnel, known, self.witness.course, now)

    def _desire(self, observed: Observed, tunnel: Tunnel, now: float) -> Desired:
        self.desired = self._wanted(observed, tunnel, now)
        self.witness.course = courses.wanted(self.witness.course, self.desired, now)
        return self.desired

    def _session_ended(self) -> None:
        """Count the session, and let take effect what it has brought, if it has brought anything.

        A look that was made during it may have left things alone.
        """
        ended = self.conversation.last
        assert ended is not None
        self.counts.session(ended)
        self._onlookers.ended()
        if ended.failure is not None:
            self._ask_names()
        interval_s = self.caller.management.interval_s
        if PERIODIC in ended.opening.events and interval_s and interval_s >= self._audit_s:
            # One goes with it, and no wake-up for it alone is needed soon.
            self._audit_at = self.clock.monotonic()
        if self.settlement.waits or self._looked_in_session:
            self._settle()
        self._looked_in_session = False

    def _settle(self) -> None:
        """Let take effect what the HeMS has set, however the session ended, or the operator."""
        if self.settlement.take_effect():
            self.caller.way = Unknown("the configuration has changed")
        self.caller.judge(self.clock.monotonic())
        self._ask_names()
        self._looks.want_full(self.clock.monotonic())

    def _ask_names(self) -> None:
        """Look up the names that matter now."""
        self._hosts.ask(self._needed_hosts(), self.clock.monotonic())

    def _needed_hosts(self) -> list[str]:
        return needed(
            self.settlement.settings.hems,
            self.caller.management,
            self.settlement.asked,
            self.witness.course.gateways.good,
        )
