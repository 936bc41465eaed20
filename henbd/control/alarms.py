"""The alarms that this box can raise, and when each of them is the case (TR-181 FaultMgmt).

EventType and ProbableCause are in the words of X.733 and 3GPP TS 32.111-2. What becomes of an alarm
is in `faults`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from henbd.control import s1
from henbd.control.course import Course
from henbd.control.guard import far
from henbd.control.tunnel import Condition, Tunnel
from henbd.settings import Settings
from henbd.values import Desired, Observed, PeerState, Provisioned, S1Mode, Unknown

EXPEDITED, QUEUED, LOGGED, DISABLED = "0 Expedited", "1 Queued", "2 Logged", "3 Disabled"

COMMUNICATIONS = "Communications Alarm"
PROCESSING = "Processing Error Alarm"

# Sessions fail now and then; after so many in a row somebody has to look.
MANY_FAILURES = 3


@dataclass(frozen=True, slots=True)
class Sight:
    """All that alarms are judged by.

    `stack_lost`: the stack has been silent for so long that S1 must be taken for down. `unstored`
    is why the flash does not take what is to be kept, None while it does; `failures` counts the
    sessions in a row that failed, `failure` is why the last one did.
    """

    settings: Settings
    asked: Provisioned
    observed: Observed
    tunnel: Tunnel
    desired: Desired
    course: Course
    stack_lost: bool
    unstored: str | None
    failures: int
    failure: str | None
    clock_set: bool


# What a condition finds: words about what is the case, None where it is not.
Finding = str | Unknown | None


@dataclass(frozen=True, slots=True)
class Kind:
    """A row of SupportedAlarm, and when it is the case.

    It has to be so for `patience_s` before anybody is told. `unit`: what it is about, as the local
    name of an object of 3GPP TS 32.300; the box itself where it is empty.
    """

    event_type: str
    probable_cause: str
    problem: str
    severity: str
    reporting: str
    patience_s: float
    unit: str
    condition: Callable[[Sight], Finding]


def _tunnel(sight: Sight) -> Finding:
    connection, condition = sight.desired.connection, sight.tunnel.condition
    if sight.settings.ipsec is None or connection is None or sight.tunnel.up:
        return None
    if condition is Condition.UNKNOWN:
        return Unknown("charon does not answer")
    known = sight.course.gateways
    if not known.failed:
        return connection.reason if isinstance(connection, Unknown) else condition.value
    why = [f"{gateway}: {failure.why}" for gateway, failure in known.trials.failures.items()]
    return _listed("no security gateway can be had", why)


def _charon(sight: Sight) -> Finding:
    charon = sight.observed.charon
    wanted = sight.settings.ipsec is not None
    return charon.reason if wanted and isinstance(charon, Unknown) else None


def _s1_wanted(sight: Sight) -> bool:
    asked = sight.asked
    waits = s1.waits_for_admin_state(asked, sight.settings.s1)
    return bool(asked.far_ends) and not waits


def _s1_down(sight: Sight) -> Finding:
    stack = sight.observed.stack
    if not _s1_wanted(sight) or s1.up(stack):
        return None
    if isinstance(stack, Unknown) and not sight.stack_lost:
        return stack
    return _listed("S1 is up with no far end", _far_ends(sight))


def _s1_partly(sight: Sight) -> Finding:
    stack = sight.observed.stack
    if isinstance(stack, Unknown):
        return stack
    missing = _far_ends(sight)
    if sight.asked.mode is not S1Mode.ALL or not s1.up(stack) or not missing:
        return None
    return _listed("S1 is not up with each far end", missing)


def _far_ends(sight: Sight) -> list[str]:
    """Return the far ends with which S1 is not up, each with what is known of why."""
    return [
        f"{end.address}: {past.cause or past.peer.state.value}"
        for end, past in sight.course.history.items()
        if past.peer.state is not PeerState.UP
    ]


def _stack(sight: Sight) -> Finding:
    stack = sight.observed.stack
    if isinstance(stack, Unknown):
        return stack.reason if sight.stack_lost else stack
    return None


def _guards(sight: Sight) -> Finding:
    kernel = sight.observed.kernel
    if isinstance(kernel, Unknown):
        return kernel
    missing = {str(far(guard)) for guard in sight.desired.guards - kernel.guards}
    return _listed("not guarded", sorted(missing)) if missing else None


def _hems(sight: Sight) -> Finding:
    return (sight.failure or "") if sight.failures >= MANY_FAILURES else None


def _unstored(sight: Sight) -> Finding:
    return sight.unstored


def _clock(sight: Sight) -> Finding:
    return None if sight.clock_set else "it is not known what time it is"


def _listed(what: str, details: Iterable[str]) -> str:
    return ": ".join(filter(None, (what, ", ".join(details))))


# By the number of its row, which it keeps for ever: a new one is added at the end. Of those with
# the same problem the worst comes first.
KINDS = dict(
    enumerate(
        (
            Kind(
                COMMUNICATIONS,
                "Connection Establishment Error",
                "There is no tunnel to a security gateway",
                "Critical",
                EXPEDITED,
                30,
                "",
                _tunnel,
            ),
            Kind(
                COMMUNICATIONS,
                "Connection Establishment Error",
                "S1 is not up",
                "Critical",
                EXPEDITED,
                60,
                "ENBFunction=1",
                _s1_down,
            ),
            Kind(
                COMMUNICATIONS,
                "Connection Establishment Error",
                "S1 is not up",
                "Minor",
                QUEUED,
                60,
                "ENBFunction=1",
                _s1_partly,
            ),
            Kind(
                PROCESSING,
                "Application Subsystem Failure",
                "The S1AP stack does not answer",
                "Critical",
                EXPEDITED,
                60,
                "ENBFunction=1",
                _stack,
            ),
            Kind(
                PROCESSING,
                "Application Subsystem Failure",
                "The IKE daemon does not answer",
                "Critical",
                EXPEDITED,
                60,
                "",
                _charon,
            ),
            Kind(
                PROCESSING,
                "Configuration or Customizing Error",
                "A guard against leaks of S1 is missing",
                "Critical",
                EXPEDITED,
                10,
                "",
                _guards,
            ),
            Kind(
                PROCESSING,
                "Storage Capacity Problem",
                "The flash does not take the state",
                "Major",
                EXPEDITED,
                10,
                "",
                _unstored,
            ),
            Kind(
                COMMUNICATIONS,
                "Connection Establishment Error",
                "Sessions with the HeMS fail",
                "Major",
                QUEUED,
                0,
                "",
                _hems,
            ),
            Kind(
                PROCESSING,
                "Timing Problem",
                "The clock is not set",
                "Warning",
                QUEUED,
                300,
                "",
                _clock,
            ),
        ),
        1,
    )
)

# As many alarms can be raised at a time: one of each problem.
MOST_RAISED = len({kind.problem for kind in KINDS.values()})
