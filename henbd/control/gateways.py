"""Which gateway of a list the tunnel is kept with: the addresses in order, those that fail later.

A gateway that fails is left alone for a while; one that is slow is raced by the next. Which list
has its turn is in `gateway_turns`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from henbd.control import trials
from henbd.control.connection import name_with
from henbd.control.refusal import literal
from henbd.control.trials import Trials
from henbd.control.tunnel import Condition, Tunnel
from henbd.settings import IpsecSettings
from henbd.values import Address, Network, Observed

# A gateway has been asked three times by then; if it is only slow, it can still be the first.
HEAD_START_S = 4.0

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
    candidates = addresses(hosts, observed)
    current = current_of(candidates, tunnel, ipsec)
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


def addresses(hosts: tuple[str, ...], observed: Observed) -> list[Address]:
    return [address for host in hosts for address in observed.names.get(host, ())]


def current_of(
    candidates: Sequence[Address], tunnel: Tunnel, ipsec: IpsecSettings
) -> Address | None:
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


def rivals(gateways: Gateways, tunnel: Tunnel, ipsec: IpsecSettings) -> frozenset[str]:
    """Return the connections that may go on being negotiated, until one of them is up."""
    return frozenset(() if tunnel.up else (name_with(a, ipsec) for a in gateways.trying))


def times(gateways: Gateways, ipsec: IpsecSettings, after: float) -> Iterator[float]:
    """Yield when time alone will change something, as far as that is after a time."""
    at = [since + HEAD_START_S for since in gateways.trying.values()]
    if gateways.refused:
        at.append(asked_again_at(gateways, ipsec))
    yield from (time for time in at if time > after)
    yield from trials.times(gateways.trials, after)
