"""The way to the HeMS: from which address, to which, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from henbd.control.course import Course
from henbd.control.guard import networks
from henbd.control.refusal import literal
from henbd.control.routing import CHARON_TABLE, leads_out, outer_source
from henbd.control.tunnel import Tunnel
from henbd.settings import FailurePath, HemsPath, HemsSettings
from henbd.values import Address, Guard, Kernel, Management, Observed, Unknown


@dataclass(frozen=True, slots=True)
class Reach:
    """A way to the HeMS. `source` is our address on it, and on that to its `others`."""

    address: Address
    source: Address
    others: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class Misplaced(Unknown):
    """There is no way to this HeMS, but there may well be one to another: its URL is to blame."""


def hems_host(management: Management) -> str:
    """Return the host of the HeMS's URL, without brackets; empty where it has none."""
    try:
        return urlsplit(management.url).hostname or ""
    except ValueError:
        return ""


def hems_addresses(
    management: Management, hems: HemsSettings, observed: Observed
) -> tuple[Address, ...] | Unknown:
    """Return all addresses of the HeMS, at least one, in the order in which they are tried.

    It is configured, written in the URL, or looked up. Name servers turn the addresses of a name
    round: so many HeNBs come to all of them.
    """
    host = hems_host(management)
    known = hems.address or literal(host)
    if known:
        return (known,)
    found = observed.names.get(host)
    if found is None:
        return Unknown(f"{host} is being looked up")
    return found or Misplaced(f"{host} has no address")


def reaches_outside(
    hems: HemsSettings, management: Management, gateways: tuple[str, ...], *, failed: bool
) -> bool:
    """Return whether the HeMS is reached outside the tunnel that it should be reached through.

    With https only: what else would keep the HeMS and us apart from anybody in between? While no
    gateway is set, for then it is the HeMS that has to set one (TR-196 appendix II); and while all
    of them, or charon, have failed, if that is configured.
    """
    if hems.path is not HemsPath.TUNNEL or urlsplit(management.url).scheme != "https":
        return False
    return not gateways or (failed and hems.path_on_gateway_failure is FailurePath.DIRECT)


def in_force(hems: HemsSettings, course: Course) -> HemsSettings:
    """Return the settings by which the HeMS is reached now."""
    return replace(hems, path=HemsPath.DIRECT) if course.hems_outside else hems


def reach(
    management: Management,
    hems: HemsSettings,
    observed: Observed,
    tunnel: Tunnel,
    guards: frozenset[Guard],
) -> Reach | Unknown:
    """Return the way to the HeMS, or what it waits for.

    In the tunnel: the tunnel is up and reaches the HeMS, a route leads there, and `guards` stand.
    Misplaced where only what the URL names is in the way.
    """
    addresses = hems_addresses(management, hems, observed)
    kernel = observed.kernel
    if isinstance(kernel, Unknown):
        return kernel
    inside = hems.path is HemsPath.TUNNEL
    if isinstance(addresses, Misplaced) and not (tunnel.up if inside else leads_out(kernel)):
        # Nobody knows the address of anybody in an outage.
        return Unknown(addresses.reason)
    if isinstance(addresses, Unknown):
        return addresses
    if inside and not tunnel.up:
        return Unknown(f"the tunnel is {tunnel.condition.value}")
    sources = {
        a: _inner_source(a, tunnel, kernel) if inside else _outer_source(a, kernel)
        for a in addresses
    }
    usable = [(a, source) for a, source in sources.items() if not isinstance(source, Unknown)]
    if not usable:
        reasons = [why for why in sources.values() if isinstance(why, Unknown)]
        return next((why for why in reasons if not isinstance(why, Misplaced)), reasons[0])
    if inside and guards - kernel.guards:
        return Unknown("the leak guards do not stand yet")
    (first, source), *rest = usable
    return Reach(first, source, tuple(a for a, other in rest if other == source))


def _outer_source(address: Address, kernel: Kernel) -> Address | Unknown:
    """Return our address on the way outside, or why there is no way."""
    if any(address in network for network in networks(kernel.guards)):
        return Misplaced(f"{address} is guarded: it is reached through the tunnel, or not at all")
    missing = Misplaced if leads_out(kernel) else Unknown
    return outer_source(address, kernel) or missing(f"no route to {address}")


def _inner_source(address: Address, tunnel: Tunnel, kernel: Kernel) -> Address | Unknown:
    """Return our address on the way through the tunnel, which is up, or why there is no way."""
    source = tunnel.source_for(address)
    if source is None:
        return Misplaced(f"{address} is not behind the security gateway")
    if not any(
        route.table == CHARON_TABLE
        and address in route.destination
        and (route.source == source or route.device == tunnel.device)
        for route in kernel.routes
    ):
        return Unknown(f"no route to {address} through the tunnel")
    return source


def management_source(
    management: Management, hems: HemsSettings, observed: Observed, tunnel: Tunnel
) -> Address | None:
    """Return the address at which the HeMS can call us, None while there is none.

    That is the inner address when the HeMS is in the tunnel, else the source of the route to it.
    """
    addresses, kernel = hems_addresses(management, hems, observed), observed.kernel
    if isinstance(addresses, Unknown) or isinstance(kernel, Unknown):
        return None
    inside = hems.path is HemsPath.TUNNEL
    found = (tunnel.source_for(a) if inside else outer_source(a, kernel) for a in addresses)
    return next((source for source in found if source), None)
