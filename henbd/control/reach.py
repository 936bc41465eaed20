"""The way to the HeMS: from which address, to which, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from henbd.control.refusal import literal
from henbd.control.routing import outer_source
from henbd.control.tunnel import Tunnel
from henbd.settings import HemsPath, HemsSettings
from henbd.values import Address, Guard, Management, Observed, Unknown


@dataclass(frozen=True, slots=True)
class Reach:
    """A way to the HeMS. `source` is our address on it."""

    address: Address
    source: Address


def hems_host(management: Management) -> str:
    """Return the host of the HeMS's URL, without brackets; empty where it has none."""
    try:
        return urlsplit(management.url).hostname or ""
    except ValueError:
        return ""


def hems_address(
    management: Management, hems: HemsSettings, observed: Observed
) -> Address | Unknown:
    """Return the address of the HeMS: configured, written in the URL, or looked up."""
    host = hems_host(management)
    known = hems.address or literal(host)
    if known:
        return known
    found = observed.names.get(host)
    if found is None:
        return Unknown(f"{host} is being looked up")
    return found[0] if found else Unknown(f"{host} has no address")


def reach(
    management: Management,
    hems: HemsSettings,
    observed: Observed,
    tunnel: Tunnel,
    guards: frozenset[Guard],
) -> Reach | Unknown:
    """Return the way to the HeMS, or what it waits for.

    In the tunnel: the tunnel is up and reaches the HeMS, a route leads there, and `guards` stand.
    """
    address = hems_address(management, hems, observed)
    if isinstance(address, Unknown):
        return address
    kernel = observed.kernel
    if isinstance(kernel, Unknown):
        return kernel
    if hems.path is HemsPath.DIRECT:
        source = outer_source(address, kernel)
        return Reach(address, source) if source else Unknown(f"no route to {address}")
    if not tunnel.up:
        return Unknown(f"the tunnel is {tunnel.condition.value}")
    source = tunnel.source_for(address)
    if source is None:
        return Unknown(f"{address} is not behind the security gateway")
    if not any(
        address in route.destination
        and route.destination.prefixlen
        and (route.source == source or route.device == tunnel.device)
        for route in kernel.routes
    ):
        return Unknown(f"no route to {address} through the tunnel")
    if guards - kernel.guards:
        return Unknown("the leak guards do not stand yet")
    return Reach(address, source)


def management_source(
    management: Management, hems: HemsSettings, observed: Observed, tunnel: Tunnel
) -> Address | None:
    """Return the address at which the HeMS can call us, None while there is none.

    That is the inner address when the HeMS is in the tunnel, else the source of the route to it.
    """
    address = hems_address(management, hems, observed)
    if isinstance(address, Unknown) or isinstance(observed.kernel, Unknown):
        return None
    if hems.path is HemsPath.TUNNEL:
        return tunnel.source_for(address)
    return outer_source(address, observed.kernel)
