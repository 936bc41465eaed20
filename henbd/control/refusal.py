"""What parameters may not ask for on this box, and why: refused with 9007 before it is stored."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from henbd.control import inform_parameters, intent, radio
from henbd.control.abilities import ABILITIES
from henbd.errors import Culprit, FaultCode
from henbd.model import paths
from henbd.model.tree import Tree
from henbd.settings import (
    HemsPath,
    HemsSettings,
    IpsecSettings,
    S1Policy,
    Settings,
    StackAdapter,
)
from henbd.values import Address, S1Mode

HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?")

# What the profile allows of our proposals.
IKE_LISTS = paths.IKE_ENCRYPTION, paths.IKE_PSEUDO_RANDOM, paths.IKE_INTEGRITY, paths.IKE_GROUPS
ESP_LISTS = paths.ESP_ENCRYPTION, paths.ESP_INTEGRITY


@lru_cache(64)
def literal(host: str) -> Address | None:
    """Return the address that a host is written as, None for a name, or anything else."""
    if "%" in host:
        # Python takes an IPv6 zone for part of the address; far end or gateway has none (TR-196).
        return None
    try:
        bracketed = host.startswith("[") and host.endswith("]")
        return ip_address(host[1:-1] if bracketed else host)
    except ValueError:
        return None


def is_host(text: str) -> bool:
    """Return whether a text is an address or could be a host name (RFC 1123)."""
    if literal(text) is not None:
        return True
    # Digits and dots that are no address are a mistake, not a name.
    return bool(HOST_NAME.fullmatch(text)) and not re.fullmatch(r"[0-9.]+", text)


def url_problem(url: str, hems: HemsSettings, ipsec: IpsecSettings | None) -> str | None:
    """Return why a HeMS of this URL cannot be reached in the way that is configured."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        return f"{url!r}: {error}"
    # urlsplit drops blanks and line ends in silence; whoever else reads the URL may not.
    clean = url.isascii() and url.isprintable() and " " not in url
    if not clean or parts.scheme not in ("http", "https") or not is_host(host) or port == 0:
        return f"{url!r} is no http or https URL of a host"
    if hems.path is HemsPath.DIRECT or literal(host) or hems.address:
        return None
    if ipsec and ipsec.networks:
        return None
    return (
        f"nothing says how {host!r} is reached inside the tunnel: add [hems] address, or the"
        " network of its address to [ipsec] networks"
    )


def refusals(tree: Tree, changed: frozenset[str], settings: Settings) -> tuple[Culprit, ...]:
    """Return which of the changed parameters ask for what cannot be done, and why.

    Judged on the whole of the tree: a set that is consistent in itself is taken in any order.
    """
    found = [*_hosts(tree), *_numbers(tree), *_url(tree, settings), *_tunnel(tree, settings)]
    found += inform_parameters.problems(tree)
    found += _stack(tree, settings.s1.adapter)
    found += radio.conflicts(tree)
    # A culprit is named once, and as the HeMS named it.
    named = {tree.target(path): path for path in changed}
    return tuple(
        Culprit(named[path], FaultCode.INVALID_VALUE, text)
        for path, text in dict(found).items()
        if path in named
    )


def _hosts(tree: Tree) -> Iterator[tuple[str, str]]:
    for path in (*paths.SECURITY_GATEWAYS, paths.S1_SERVERS):
        for host in tree.values[path].split(",") if tree.values[path] else ():
            if not is_host(host):
                yield path, f"{host!r} is neither an address nor a host name"


def _numbers(tree: Tree) -> Iterator[tuple[str, str]]:
    if tree.values[paths.S1_PORT] == "0":
        yield paths.S1_PORT, "0 is no port"
    for number in tree.instances[paths.PLMN_LIST]:
        path = f"{paths.PLMN_LIST}{number}.PLMNID"
        if tree.values[path] and not re.fullmatch(r"[0-9]{5,6}", tree.values[path]):
            yield path, f"{tree.values[path]!r} is not 5 or 6 digits"


def _url(tree: Tree, settings: Settings) -> Iterator[tuple[str, str]]:
    problem = url_problem(tree.values[paths.URL], settings.hems, settings.ipsec)
    if problem:
        yield paths.URL, problem


def _stack(tree: Tree, adapter: StackAdapter) -> Iterator[tuple[str, str]]:
    """Yield what the stack of this box cannot do."""
    stack, name = ABILITIES[adapter], adapter.value
    if not stack.several_far_ends and tree.values[paths.S1_MODE] == S1Mode.ALL.value:
        yield paths.S1_MODE, f"{name} has S1 with one far end at a time"
    far_ends = [literal(host) for host in tree.values[paths.S1_SERVERS].split(",")]
    if not stack.ipv6 and any(address and address.version == 6 for address in far_ends):
        yield paths.S1_SERVERS, f"{name} has S1 over IPv4 alone"
    texts = []
    if not stack.any_port:
        texts.append((paths.S1_PORT, f"{name} knows no port but the usual one"))
    if not stack.home_identity:
        text = f"{name} registers as a macro eNB, with the identity of its own configuration"
        texts.append((paths.CELL_IDENTITY, text))
    yield from ((p, text) for p, text in texts if tree.values[p] != tree.rows[p].default)


def _tunnel(tree: Tree, settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield what contradicts the configured tunnel, under each name that may be the reason."""
    asked, ipsec = intent.provisioned(tree, settings), settings.ipsec
    steering = (paths.IPSEC_ENABLE, *paths.SECURITY_GATEWAYS)
    if ipsec is None:
        if asked.s1_inside or asked.gateways or tree.values[paths.IPSEC_ENABLE] == "true":
            yield from ((path, "there is no [ipsec] in the configuration") for path in steering)
        return
    for lists, left in ((IKE_LISTS, intent.proposals), (ESP_LISTS, intent.esp_proposals)):
        if not left(tree, ipsec):
            yield from ((path, "no proposal of [ipsec] would be left") for path in lists)
    if ipsec.s1 is S1Policy.REQUIRED and not asked.s1_inside:
        text = 'S1 has to go inside the tunnel ([ipsec] s1 = "required")'
        yield from ((path, text) for path in steering)
    far_ends = {literal(host) for host in asked.far_ends}
    for gateway in filter(None, (literal(host) for host in asked.gateways)):
        if any(gateway in network for network in ipsec.networks if network.prefixlen):
            text = f"{gateway} lies in [ipsec] networks, behind itself"
            yield from ((path, text) for path in paths.SECURITY_GATEWAYS)
        if asked.s1_inside and gateway in far_ends:
            text = f"{gateway} cannot be both the security gateway and behind it"
            yield from ((path, text) for path in (*steering, paths.S1_SERVERS))
