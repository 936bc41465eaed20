"""What is read of the kernel's network, and read again when it has changed.

Each kind of thing is dumped by itself, and has a bell of its own: in a burst of changes only what
changes is read more than once.
"""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeVar

from henbd.errors import KernelError
from henbd.system import rtnetlink, rules, xfrm
from henbd.system.doorbell import Doorbell
from henbd.system.kernel_bell import KernelBell
from henbd.system.netlink import NetlinkSocket
from henbd.values import Device, InterfaceAddress, Kernel, Route, Unknown

logger = logging.getLogger(__name__)

T = TypeVar("T")

# RTMGRP_LINK; RTMGRP_IPV4_IFADDR and RTMGRP_IPV6_IFADDR; RTMGRP_IPV4_ROUTE and RTMGRP_IPV6_ROUTE;
# RTMGRP_IPV4_RULE and the bit of RTNLGRP_IPV6_RULE; XFRMGRP_POLICY.
_LINKS, _ADDRESSES, _ROUTES, _RULES, _POLICIES = 0x1, 0x110, 0x440, 0x40080, 8


class Dump(Generic[T]):
    """What was read of one kind of thing, until it is forgotten: then it is read again."""

    def __init__(self, read: Callable[[], T]) -> None:
        self._read = read
        self._found: T | None = None

    def get(self) -> T:
        """Return it; raises as reading does."""
        if self._found is None:
            self._found = self._read()
        return self._found

    def forget(self) -> None:
        """Have it read again."""
        self._found = None


class Sight:
    """The network namespace in which this is made; `rung` tells of changes in it."""

    def __init__(self, doorbell: Doorbell, rung: Callable[[], None]) -> None:
        self._routing = NetlinkSocket(socket.NETLINK_ROUTE)
        self._policies: NetlinkSocket | None = None
        self._rung = rung
        self._devices_there = Dump(self._read_devices)
        self._addresses_there = Dump(self._read_addresses)
        self._routes_there = Dump(self._read_routes)
        self._rules_there = Dump(self._read_rules)
        self._policies_there = Dump(self._read_policies)
        self._last: Kernel | None = None
        # With a device go its addresses and its routes, with an address its routes, of IPv4 without
        # another word.
        below: tuple[Dump[Any], ...] = (self._addresses_there, self._routes_there)
        self._bells = [
            KernelBell(doorbell, socket.NETLINK_ROUTE, groups, partial(self._changed, dumps))
            for groups, dumps in (
                (_LINKS, (self._devices_there, *below)),
                (_ADDRESSES, below),
                (_ROUTES, (self._routes_there,)),
                (_RULES, (self._rules_there,)),
            )
        ]
        self._doorbell = doorbell
        self._begin_policies()
        if self._policies is None:
            logger.info("no XFRM in this kernel")

    def observe(self, *, anew: bool = True) -> Kernel | Unknown:
        """See KernelShell."""
        for bell in self._bells:
            bell.hear()
        if anew:
            self._forget(self._devices_there, self._addresses_there, self._routes_there)
            self._forget(self._rules_there, self._policies_there)
        try:
            self._last = self._last or self._read()
        except PermissionError:
            # Whatever else is read needs no permission.
            return Unknown("no permission to read XFRM policies: CAP_NET_ADMIN is needed")
        except (OSError, KernelError) as error:
            return Unknown(f"the kernel cannot be read: {error}")
        return self._last

    def close(self) -> None:
        """Free all sockets."""
        for holder in (*self._bells, self._routing, self._policies):
            if holder is not None:
                holder.close()

    def _changed(self, dumps: tuple[Dump[Any], ...]) -> None:
        self._forget(*dumps)
        self._rung()

    def _forget(self, *dumps: Dump[Any]) -> None:
        for dump in dumps:
            dump.forget()
        self._last = None

    def _read(self) -> Kernel:
        asked, policies = self._rules_there.get(), self._policies_there.get()
        return Kernel(
            devices=self._devices_there.get(),
            addresses=self._addresses_there.get(),
            routes=self._routes_there.get(),
            guards=rules.our_rules(asked) | xfrm.our_blocks(policies),
            versions=frozenset({4, 6} if any(map(_is_of_ipv6, asked)) or _has_ipv6() else {4}),
            protected=None if self._policies is None else xfrm.protected(policies),
        )

    def _read_devices(self) -> tuple[Device, ...]:
        found = self._routing.dump(rtnetlink.RTM_GETLINK, rtnetlink.LINKS_ASKED)
        return tuple(rtnetlink.device(m.body) for m in found)

    def _read_addresses(self) -> tuple[InterfaceAddress, ...]:
        found = self._routing.dump(rtnetlink.RTM_GETADDR, rtnetlink.ADDRESSES_ASKED)
        read = (rtnetlink.interface_address(m.body) for m in found)
        return tuple(address for address in read if address is not None)

    def _read_routes(self) -> tuple[Route, ...]:
        found = self._routing.dump(rtnetlink.RTM_GETROUTE, rtnetlink.ROUTES_ASKED)
        read = (rtnetlink.route(m.body) for m in found)
        return tuple(route for route in read if route is not None)

    def _read_rules(self) -> tuple[bytes, ...]:
        found = self._routing.dump(rules.RTM_GETRULE, rules.RULES_ASKED)
        return tuple(m.body for m in found)

    def _begin_policies(self) -> None:
        """Read policies from now on, and listen to them, where the kernel has XFRM."""
        try:
            self._policies = NetlinkSocket(socket.NETLINK_XFRM)
        except OSError as error:
            if error.errno != errno.EPROTONOSUPPORT:
                raise
            return
        # Who may not listen to policies may not read them either, and `observe` says so.
        with suppress(PermissionError):
            changed = partial(self._changed, (self._policies_there,))
            self._bells.append(KernelBell(self._doorbell, socket.NETLINK_XFRM, _POLICIES, changed))

    def _read_policies(self) -> tuple[bytes, ...]:
        """Return the policies, everybody's; a kernel without XFRM has none."""
        if self._policies is None:
            # Its module may have been loaded since.
            self._begin_policies()
        if self._policies is None:
            return ()
        found = self._policies.dump(xfrm.XFRM_MSG_GETPOLICY, xfrm.POLICIES_ASKED)
        return tuple(m.body for m in found)


def _is_of_ipv6(rule: bytes) -> bool:
    return rule[:1] == bytes([socket.AF_INET6])


def _has_ipv6() -> bool:
    """Return whether a kernel has IPv6 whose rules do not show it."""
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).close()
    except OSError as error:
        # It was built without, or booted with ipv6.disable=1.
        return error.errno != errno.EAFNOSUPPORT
    return True
