"""What charon says, as values: its answers over VICI → `henbd.values`. Pure.

Whatever charon sends that cannot be understood raises CharonError.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv6Address,
    ip_address,
    ip_network,
    summarize_address_range,
)

from henbd.errors import CharonError
from henbd.system.vici_connection import Section
from henbd.values import (
    Address,
    ChildSa,
    EspMode,
    IkeSa,
    Loaded,
    Nat,
    Network,
    Suite,
    Traffic,
)

# While an IKE_SA is being rekeyed its children carry traffic, and it has its inner address until
# the next one has taken both over. One that is REKEYED or DELETING is at its end.
_ESTABLISHED = frozenset({"ESTABLISHED", "REKEYING"})
_CONNECTING = frozenset({"CREATED", "CONNECTING"})
# A reauthentication ends the IKE_SA before it makes the next one: charon is at it already.
_REAUTHENTICATION = b"IKE_REAUTH"
_REKEYING = b"IKE_REKEY"

# A CHILD_SA that is REKEYED has a successor that is INSTALLED. UPDATING is MOBIKE's work.
_INSTALLED = frozenset({"INSTALLED", "REKEYING", "UPDATING"})

# The plugin that does ESP in userspace, behind a TUN device.
_USERSPACE_ESP = b"kernel-libipsec"

# charon mostly says what it said at the last look: so many texts are known.
_REMEMBERED = 64

# As many digits as 64 bits have.
_LONGEST_NUMBER = 20


def esp_mode(stats: Section) -> EspMode:
    """Return where the kernel meets ESP, from the answer to `stats`."""
    userspace = _USERSPACE_ESP in _list(stats, "plugins")
    return EspMode.INTERFACE if userspace else EspMode.POLICY


def loaded(connections: Iterable[Section], keys: Section, secrets: Section) -> Loaded:
    """Return what charon has, from the answers to `list-conns`, `get-keys` and `get-shared`."""
    return Loaded(
        connections={
            name: frozenset(_section(section, "children"))
            for message in connections
            for name, section in _sections(message)
        },
        keys=frozenset(_texts(keys, "keys")),
        secrets=frozenset(_texts(secrets, "keys")),
    )


def ike_sas(items: Iterable[Section]) -> tuple[IkeSa, ...]:
    """Return the IKE_SAs in the items of an answer to `list-sas`."""
    return tuple(_ike_sa(name, sa) for item in items for name, sa in _sections(item))


def torn(items: Iterable[Section]) -> bool:
    """Return whether an answer to `list-sas` lacks an IKE_SA that was there all the time.

    charon lists one after the other: the one that takes over may not be there yet when its turn is,
    and the other may have given everything away when it has its own.
    """
    sections = [pair for item in items for pair in _sections(item)]
    complete = {name for name, sa in sections if _text(sa, "state") in _ESTABLISHED}
    return any(name not in complete and _has_successor(sa) for name, sa in sections)


def _has_successor(section: Section) -> bool:
    state = _text(section, "state")
    tasks = _list(section, "tasks-active")
    return state == "REKEYED" or (state == "DELETING" and _REKEYING in tasks)


def _ike_sa(connection: str, section: Section) -> IkeSa:
    state = _text(section, "state")
    tasks = _list(section, "tasks-active")
    return IkeSa(
        connection=connection,
        unique_id=_number(section, "uniqueid"),
        established=state in _ESTABLISHED,
        connecting=state in _CONNECTING or (state == "DELETING" and _REAUTHENTICATION in tasks),
        # Not told of an IKE_SA that is being rekeyed.
        age_s=_number(section, "established") if "established" in section else 0,
        gateway=_text(section, "remote-host"),
        # The same address may be listed twice.
        inner=tuple(dict.fromkeys(map(_address, _texts(section, "local-vips")))),
        children=tuple(_child_sa(child) for _, child in _sections(_section(section, "child-sas"))),
        suite=_suite(section),
        nat=_nat(section),
    )


def _suite(section: Section) -> Suite:
    return Suite(
        encryption=_maybe(section, "encr-alg"),
        key_bits=_count(section, "encr-keysize"),
        integrity=_maybe(section, "integ-alg"),
        pseudo_random=_maybe(section, "prf-alg"),
        group=_maybe(section, "dh-group"),
    )


def _nat(section: Section) -> Nat:
    if _maybe(section, "nat-local") == "yes":
        return Nat.LOCAL
    return Nat.REMOTE if _maybe(section, "nat-remote") == "yes" else Nat.NONE


def _child_sa(section: Section) -> ChildSa:
    return ChildSa(
        name=_text(section, "name"),
        unique_id=_number(section, "uniqueid"),
        installed=_text(section, "state") in _INSTALLED,
        networks=tuple(
            network for text in _texts(section, "remote-ts") for network in _networks(text)
        ),
        spi_in=_spi(section, "spi-in"),
        spi_out=_spi(section, "spi-out"),
        age_s=_count(section, "install-time"),
        traffic=Traffic(
            bytes_in=_count(section, "bytes-in"),
            packets_in=_count(section, "packets-in"),
            bytes_out=_count(section, "bytes-out"),
            packets_out=_count(section, "packets-out"),
        ),
    )


@lru_cache(_REMEMBERED)
def _networks(selector: str) -> tuple[Network, ...]:
    """Return the networks of a traffic selector, of whatever protocols and ports.

    charon writes `10.0.0.0/8`, `10.0.0.1..10.0.0.9` or `dynamic`, then maybe `[sctp/36412]`.
    """
    addresses, _, _ = selector.partition("[")
    if addresses == "dynamic":
        return ()
    first, is_range, last = addresses.partition("..")
    if not is_range:
        try:
            return (ip_network(addresses),)
        except ValueError as error:
            raise CharonError(f"not a traffic selector: {selector}") from error
    match _address(first), _address(last):
        case (IPv4Address() as low, IPv4Address() as high) if low <= high:
            return tuple(summarize_address_range(low, high))
        case (IPv6Address() as low, IPv6Address() as high) if low <= high:
            return tuple(summarize_address_range(low, high))
        case _:
            raise CharonError(f"not a traffic selector: {selector}")


@lru_cache(_REMEMBERED)
def _address(text: str) -> Address:
    try:
        return ip_address(text)
    except ValueError as error:
        raise CharonError(f"not an address: {text}") from error


def _text(section: Section, key: str) -> str:
    value = section.get(key)
    if not isinstance(value, bytes):
        raise CharonError(f"no value {key} came")
    return value.decode(errors="replace")


def _number(section: Section, key: str) -> int:
    text = _text(section, key)
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER):
        raise CharonError(f"{key} is not a number: {text}")
    return int(text)


def _maybe(section: Section, key: str) -> str:
    """Return a value that charon tells once there is something to tell; empty before."""
    return _text(section, key) if key in section else ""


def _count(section: Section, key: str) -> int:
    return _number(section, key) if key in section else 0


def _spi(section: Section, key: str) -> int:
    digits = _maybe(section, key)
    if not re.fullmatch("[0-9a-f]{0,8}", digits):
        raise CharonError(f"{key} is no SPI: {digits}")
    return int(digits or "0", 16)


def _list(section: Section, key: str) -> list[bytes]:
    """Return a list; what has no elements is not always sent."""
    value = section.get(key, [])
    if not isinstance(value, list):
        raise CharonError(f"{key} is not a list")
    return value


def _texts(section: Section, key: str) -> list[str]:
    return [value.decode(errors="replace") for value in _list(section, key)]


def _section(section: Section, key: str) -> Section:
    value = section.get(key, {})
    if not isinstance(value, Mapping):
        raise CharonError(f"{key} is not a section")
    return value


def _sections(section: Section) -> Iterator[tuple[str, Section]]:
    """Yield the sections within one, by name; the values beside them are not looked at."""
    return ((name, value) for name, value in section.items() if isinstance(value, Mapping))
