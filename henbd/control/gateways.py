"""Which gateway the tunnel is kept with: of a list the addresses in order, of two lists in turn.

A gateway that fails is left alone for a while; one that is slow is raced by the next. A list that
the HeMS has set and that does not work is on trial for a while; then the last one that did is used
again, and the new one retried now and then. So are the algorithms that it allows: what they yield
to is all that is configured, or what worked last. The parameters keep what the HeMS set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from henbd.control import trials
from henbd.control.connection import name_with
from henbd.control.refusal import literal
from henbd.control.routing import outer_source
from henbd.control.trials import Trials
from henbd.control.tunnel import Condition, Tunnel
from henbd.settings import IpsecSettings
from henbd.values import Address, Kernel, Network, Observed, Provisioned

# A gateway has been asked three times by then; if it is only slow, it can still be the first.
HEAD_START_S = 4.0

# So long names may lack addresses until their gateways count as failed: the way out comes up.
NAMELESS_S = 30.0

# A child that was refused is asked for again so soon, and twice as late each time: in the end every
# `gateway_retry_s`.
FIRST_AGAIN_S = 10.0
MOST_DOUBLINGS = 10


# Those of IKE, and of ESP.
Proposals = tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Gateways:
    """What became of the gateways up to now; times are monotonic.

    `trying`: since when each is being negotiated with. `asked` is the list of the parameters,
    `good` the last one that worked, empty if none did; `fallen_back`: it is used instead of
    `asked`, and either has its turn `since` then. `choice` are the proposals that the parameters
    allow, `fallback` those that they yield to with the list, `proven` the last ones that worked.
    `way_out`: there is a route to one of them. `failed`: there is, and none of those in use can be
    had. `one_child`: under the IKE_SA that there is, a child beside another was refused. `refused`:
    a child that leads there was, though it was alone, so many times and `refused_at` last.
    """

    trials: Trials = field(default_factory=Trials)
    trying: Mapping[Address, float] = field(default_factory=dict)
    asked: tuple[str, ...] = ()
    good: tuple[str, ...] = ()
    choice: Proposals = ((), ())
    fallback: Proposals = ((), ())
    proven: Proposals | None = None
    fallen_back: bool = False
    since: float = 0.0
    way_out: bool = False
    failed: bool = False
    one_child: bool = False
    refused: tuple[Network, ...] = ()
    refusals: int = 0
    refused_at: float = 0.0


def in_use(gateways: Gateways, asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return the list that has its turn."""
    fallen_back = gateways.fallen_back and gateways.asked == asked
    return gateways.good if fallen_back and gateways.good else asked


def in_force(gateways: Gateways, asked: Provisioned, ipsec: IpsecSettings) -> IpsecSettings:
    """Return the tunnel with the algorithms that have their turn."""
    if gateways.fallen_back and gateways.choice == _choice(asked):
        return _with(gateways.fallback, ipsec)
    return _with(_choice(asked), ipsec)


def _choice(asked: Provisioned) -> Proposals:
    return asked.proposals, asked.esp_proposals


def _with(proposals: Proposals, ipsec: IpsecSettings) -> IpsecSettings:
    ike, esp = proposals
    return replace(ipsec, proposals=ike, esp_proposals=esp)


def choose(
    hosts: tuple[str, ...],
    observed: Observed,
    tunnel: Tunnel,
    gateways: Gateways,
    ipsec: IpsecSettings,
    now: float,
) -> Address | None:
    """Return the gateway to be used: one that works is kept, else the first that may be tried.

    One that has been tried for a while without an answer goes on, beside the next.
    """
    candidates = _addresses(hosts, observed)
    current = _current(candidates, tunnel, ipsec)
    if tunnel.up and current is not None:
        return current
    if tunnel.up and tunnel.sa and not all(map(observed.names.get, hosts)):
        # A name without an address may well be that of the gateway that works.
        return literal(tunnel.sa.gateway)
    trying = gateways.trying
    if tunnel.condition is Condition.CONNECTING and current and current not in trying:
        # Of charon's own accord, or of a process before this one.
        return current
    early = [c for c in candidates if now < trying.get(c, now - HEAD_START_S) + HEAD_START_S]
    idle = [c for c in candidates if c not in trying]
    ready = [c for c in idle if trials.until(gateways.trials, c) <= now]
    late = [c for c in candidates if c in trying]
    for chosen in (early, ready, late):
        if chosen:
            return chosen[0]
    return trials.choose(idle, gateways.trials, now)


def _addresses(hosts: tuple[str, ...], observed: Observed) -> list[Address]:
    return [address for host in hosts for address in observed.names.get(host, ())]


def _current(candidates: Sequence[Address], tunnel: Tunnel, ipsec: IpsecSettings) -> Address | None:
    """Return with which of them the tunnel was negotiated.

    Its connection's name tells: a gateway may have sent us on to another (RFC 5685), which is in
    no list and is no reason to leave it. The name says nothing if our own part has changed since.
    """
    if tunnel.sa is None:
        return None
    name, address = tunnel.sa.connection, literal(tunnel.sa.gateway)
    named = next((c for c in candidates if name_with(c, ipsec) == name), None)
    return named or (address if address in candidates else None)


def began(gateways: Gateways, negotiating: Iterable[Address], now: float) -> Gateways:
    """Return what is known when negotiations with these are going on."""
    return replace(gateways, trying={a: gateways.trying.get(a, now) for a in negotiating})


def ended(
    gateways: Gateways,
    gateway: Address,
    error: str | None,
    now: float,
    share: float,
    *,
    beside: bool = False,
    alone: bool = False,
    more: tuple[Network, ...] = (),
) -> Gateways:
    """Return what is known after a negotiation; `share` in [0, 1) spreads the wait of a failure.

    `beside`: it was about a child beside another, of an IKE_SA that is up all the same, `alone`:
    about one without another. `more`: where the child was to lead, if there is less to ask for.
    """
    if more and (error is None or alone):
        gateways = _refused(gateways, more, now, granted=error is None)
    if error is not None and more and alone:
        tried = gateways.trials
    elif error is not None and beside and not gateways.one_child:
        tried, gateways = gateways.trials, replace(gateways, one_child=True)
    elif error is None:
        tried = trials.succeeded(gateways.trials, gateway)
    else:
        tried = trials.failed(gateways.trials, gateway, now, share, why=error)
    trying = {a: since for a, since in gateways.trying.items() if a != gateway}
    return replace(gateways, trials=tried, trying=trying)


def _refused(
    gateways: Gateways, networks: tuple[Network, ...], now: float, *, granted: bool
) -> Gateways:
    if granted:
        return replace(gateways, refused=(), refusals=0)
    again = gateways.refusals + 1 if gateways.refused == networks else 1
    return replace(gateways, refused=networks, refusals=again, refused_at=now)


def refuses(
    gateways: Gateways, networks: tuple[Network, ...], ipsec: IpsecSettings, now: float
) -> bool:
    """Return whether a child that leads there need not be asked for yet: it was refused."""
    return gateways.refused == networks and now < asked_again_at(gateways, ipsec)


def asked_again_at(gateways: Gateways, ipsec: IpsecSettings) -> float:
    """Return when the child is asked for again that was refused: that costs the one there is."""
    wait_s = FIRST_AGAIN_S * 2.0 ** min(gateways.refusals - 1, MOST_DOUBLINGS)
    return gateways.refused_at + min(wait_s, ipsec.gateway_retry_s)


def noted(
    gateways: Gateways,
    asked: Provisioned,
    observed: Observed,
    tunnel: Tunnel,
    ipsec: IpsecSettings,
    now: float,
    nameless_s: float,
) -> Gateways:
    """Return what is known after a look; `nameless_s`: how long the tunnel has been as it is."""
    if not isinstance(observed.kernel, Kernel):
        return gateways
    hosts, choice = asked.gateways, _choice(asked)
    gateways = _outward(gateways, _addresses(hosts + gateways.good, observed), observed.kernel)
    if (gateways.asked, gateways.choice) != (hosts, choice):
        gateways = replace(gateways, asked=hosts, choice=choice, fallen_back=False, since=now)
    fallback = gateways.proven or (ipsec.proposals, ipsec.esp_proposals)
    gateways = replace(gateways, fallback=fallback)
    if _works(gateways, _addresses(hosts, observed), tunnel, ipsec):
        gateways = replace(gateways, good=hosts, proven=choice, fallen_back=False, since=now)
    elif not gateways.way_out:
        # What fails without a way out says nothing of the list.
        gateways = replace(gateways, since=now)
    else:
        gateways = _in_turn(gateways, tunnel, ipsec, now)
    return replace(
        gateways,
        failed=_failed(gateways, observed, tunnel, nameless_s),
        one_child=gateways.one_child and not _without_ike_sa(tunnel),
    )


def _works(
    gateways: Gateways, candidates: Sequence[Address], tunnel: Tunnel, ipsec: IpsecSettings
) -> bool:
    """Return whether the tunnel is up with one of these gateways, and by the algorithms asked for.

    A name that says nothing, for our own part has changed, says nothing against the algorithms.
    """
    current = _current(candidates, tunnel, _with(gateways.choice, ipsec))
    if not tunnel.up or tunnel.sa is None or current is None:
        return False
    if gateways.choice == gateways.fallback:
        return True
    return tunnel.sa.connection != name_with(current, _with(gateways.fallback, ipsec))


def _without_ike_sa(tunnel: Tunnel) -> bool:
    """Return whether there is certainly none, so that what one has shown is of no meaning."""
    if tunnel.condition is Condition.UNKNOWN:
        return False
    return tunnel.sa is None or not tunnel.sa.established


def _outward(gateways: Gateways, all_of_them: Sequence[Address], kernel: Kernel) -> Gateways:
    """Forget the failures without a way out when there is one: nobody has to wait for them."""
    way_out = any(outer_source(address, kernel) for address in all_of_them)
    if way_out and not gateways.way_out:
        return replace(gateways, way_out=True, trials=Trials())
    return replace(gateways, way_out=way_out)


def _in_turn(gateways: Gateways, tunnel: Tunnel, ipsec: IpsecSettings, now: float) -> Gateways:
    """Let the other list have its turn when that of this one is over."""
    ends_at = turn_ends_at(gateways, tunnel, ipsec)
    if ends_at is None or now < ends_at:
        return gateways
    return replace(gateways, fallen_back=not gateways.fallen_back, since=now)


def turn_ends_at(gateways: Gateways, tunnel: Tunnel, ipsec: IpsecSettings) -> float | None:
    """Return when the other list has its turn, None where there is no other."""
    if gateways.good in ((), gateways.asked) and gateways.fallback == gateways.choice:
        return None
    return gateways.since + _turn_s(gateways, ipsec, up=tunnel.up)


def _turn_s(gateways: Gateways, ipsec: IpsecSettings, *, up: bool) -> float:
    """Return how long this list has its turn: the last good one for longer while it works."""
    return ipsec.gateway_retry_s if gateways.fallen_back and up else ipsec.gateway_trial_s


def _failed(gateways: Gateways, observed: Observed, tunnel: Tunnel, nameless_s: float) -> bool:
    hosts = in_use(gateways, gateways.asked)
    answers = [observed.names.get(host) for host in hosts]
    if tunnel.up or not hosts or None in answers:
        return False
    if not any(answers):
        return nameless_s >= NAMELESS_S
    tried = gateways.trials.failures
    return gateways.way_out and all(a in tried for a in _addresses(hosts, observed))


def trouble(before: Gateways, after: Gateways) -> str | None:
    """Return what the HeMS has to be told of: that it is asked for other gateways."""
    if after.fallen_back and not before.fallen_back:
        asked, used = on_trial(after)
        return f"{asked} did not work: {used} is used again"
    if after.failed and not before.failed:
        return "no security gateway can be had"
    return None


def on_trial(gateways: Gateways) -> tuple[str, str]:
    """Return what does not work, and what is used in its place, for people."""
    if gateways.good in ((), gateways.asked):
        return "the HeMS's choice of algorithms", "the former one"
    return ", ".join(gateways.asked), ", ".join(gateways.good)


def rivals(gateways: Gateways, tunnel: Tunnel, ipsec: IpsecSettings) -> frozenset[str]:
    """Return the connections that may go on being negotiated, until one of them is up."""
    return frozenset(() if tunnel.up else (name_with(a, ipsec) for a in gateways.trying))


def times(
    gateways: Gateways, tunnel: Tunnel, ipsec: IpsecSettings, after: float
) -> Iterator[float]:
    """Yield when time alone will change something, as far as that is after a time."""
    at = [since + HEAD_START_S for since in gateways.trying.values()]
    if (ends_at := turn_ends_at(gateways, tunnel, ipsec)) is not None:
        at.append(ends_at)
    if gateways.refused:
        at.append(asked_again_at(gateways, ipsec))
    yield from (time for time in at if time > after)
    yield from trials.times(gateways.trials, after)
