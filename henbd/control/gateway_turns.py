"""Which of two lists of gateways has its turn: that of the parameters, or the last that worked.

A list that the HeMS has set and that does not work is on trial for a while; then the last one that
did is used again, and the new one retried now and then. So are the algorithms that it allows: what
they yield to is all that is configured, or what worked last. The parameters keep what the HeMS set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from henbd.control import gateways as lists
from henbd.control.connection import name_with
from henbd.control.gateways import Gateways, Proposals, addresses, current_of
from henbd.control.routing import outer_source
from henbd.control.trials import Trials
from henbd.control.tunnel import Condition, Tunnel
from henbd.settings import IpsecSettings
from henbd.values import Address, Kernel, Observed, Provisioned

# So long names may lack addresses until their gateways count as failed: the way out comes up.
NAMELESS_S = 30.0


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
    if (ike, esp) == (ipsec.proposals, ipsec.esp_proposals):
        return ipsec
    return replace(ipsec, proposals=ike, esp_proposals=esp)


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
    gateways = _outward(gateways, addresses(hosts + gateways.good, observed), observed.kernel)
    if (gateways.asked, gateways.choice) != (hosts, choice):
        gateways = replace(gateways, asked=hosts, choice=choice, fallen_back=False, since=now)
    fallback = gateways.proven or (ipsec.proposals, ipsec.esp_proposals)
    if fallback != gateways.fallback:
        gateways = replace(gateways, fallback=fallback)
    if _works(gateways, addresses(hosts, observed), tunnel, ipsec):
        gateways = replace(gateways, good=hosts, proven=choice, fallen_back=False, since=now)
    elif not gateways.way_out:
        # What fails without a way out says nothing of the list.
        gateways = replace(gateways, since=now)
    else:
        gateways = _in_turn(gateways, tunnel, ipsec, now)
    failed = _failed(gateways, observed, tunnel, nameless_s)
    one_child = gateways.one_child and not _without_ike_sa(tunnel)
    if (failed, one_child) == (gateways.failed, gateways.one_child):
        return gateways
    return replace(gateways, failed=failed, one_child=one_child)


def _works(
    gateways: Gateways, candidates: Sequence[Address], tunnel: Tunnel, ipsec: IpsecSettings
) -> bool:
    """Return whether the tunnel is up with one of these gateways, and by the algorithms asked for.

    A name that says nothing, for our own part has changed, says nothing against the algorithms.
    """
    current = current_of(candidates, tunnel, _with(gateways.choice, ipsec))
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
    if way_out is gateways.way_out:
        return gateways
    return replace(gateways, way_out=way_out, trials=Trials() if way_out else gateways.trials)


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
    return gateways.way_out and all(a in tried for a in addresses(hosts, observed))


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


def times(
    gateways: Gateways, tunnel: Tunnel, ipsec: IpsecSettings, after: float
) -> Iterator[float]:
    """Yield when time alone will change something, as far as that is after a time."""
    ends_at = turn_ends_at(gateways, tunnel, ipsec)
    if ends_at is not None and ends_at > after:
        yield ends_at
    yield from lists.times(gateways, ipsec, after)
