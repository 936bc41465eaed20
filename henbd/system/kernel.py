"""The kernel's network: its devices, addresses, routes, rules and XFRM policies, read and changed.

Routes and guards of ours bear marks (see `rtnetlink` and `xfrm`), and stay when the daemon ends.
"""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, assert_never

from henbd.actions import (
    AddGuard,
    AddInterface,
    AddRoute,
    KernelAction,
    RemoveAddress,
    RemoveGuard,
    RemoveInterface,
    RemoveRoute,
)
from henbd.control.wording import worded
from henbd.errors import KernelError
from henbd.system import links, rtnetlink, rules, xfrm
from henbd.system.doorbell import Doorbell
from henbd.system.kernel_bell import KernelBell
from henbd.system.netlink import Message, NetlinkSocket
from henbd.values import Block, Guard, Interface, Kernel, Unknown, Unreachable

if TYPE_CHECKING:
    from henbd.system.routes import Routes

logger = logging.getLogger(__name__)

# RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_IFADDR, RTMGRP_IPV6_ROUTE,
# RTMGRP_IPV4_RULE, and the bit of RTNLGRP_IPV6_RULE.
_GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400 | 0x80 | 0x40000
# XFRMGRP_POLICY.
_POLICY_GROUP = 8


class KernelShell:
    """The network namespace in which this is made.

    `rung` tells that a device, an address, a route, a rule or a policy has changed in it.
    """

    def __init__(self, doorbell: Doorbell, rung: Callable[[], None]) -> None:
        self._routing = NetlinkSocket(socket.NETLINK_ROUTE)
        self._policies: NetlinkSocket | None = _policy_socket()
        self._routes: Routes | None = None
        self._rung = rung
        self._last: Kernel | None = None
        self._bells = [KernelBell(doorbell, socket.NETLINK_ROUTE, _GROUPS, self._changed)]
        # Where policies cannot be listened to, they cannot be read either, and `observe` says so.
        with suppress(OSError):
            self._bells.append(
                KernelBell(doorbell, socket.NETLINK_XFRM, _POLICY_GROUP, self._changed)
            )

    def observe(self, *, anew: bool = True) -> Kernel | Unknown:
        """Read everything. Not `anew`: what was read last will do if nothing has changed since."""
        for bell in self._bells:
            bell.hear()
        if not anew and self._last is not None:
            return self._last
        self._last = None
        try:
            found = self._read()
        except PermissionError:
            # Whatever else is read needs no permission.
            return Unknown("no permission to read XFRM policies: CAP_NET_ADMIN is needed")
        except (OSError, KernelError) as error:
            return Unknown(f"the kernel cannot be read: {error}")
        if self._hears_all:
            self._last = found
        return found

    def perform(self, action: KernelAction) -> None:
        """Do it; what is done already is no error. Raise KernelError where the kernel refuses."""
        logger.info("%s", worded(action))
        match action:
            case AddGuard(guard):
                self._put(guard)
            case RemoveGuard(guard):
                self._take(guard)
            case AddRoute(route):
                self._routing_tables().replace(route)
            case RemoveRoute(route):
                self._routing_tables().delete(route)
            case AddInterface(interface):
                self._make_link(interface)
            case RemoveInterface(device):
                self._change(links.RTM_DELLINK, links.gone(device.index), errno.ENODEV)
            case RemoveAddress(held):
                body = links.without(held.address, held.device)
                self._change(links.RTM_DELADDR, body, errno.EADDRNOTAVAIL)
            case _:
                assert_never(action)

    def close(self) -> None:
        """Free all sockets; routes and guards stay."""
        for holder in (*self._bells, self._routing, self._policies, self._routes):
            if holder is not None:
                holder.close()

    @property
    def _hears_all(self) -> bool:
        """Whether a bell rings for whatever is read."""
        return self._policies is None or len(self._bells) == len((_GROUPS, _POLICY_GROUP))

    def _changed(self) -> None:
        self._last = None
        self._rung()

    def _read(self) -> Kernel:
        dump = self._routing.dump
        devices = dump(rtnetlink.RTM_GETLINK, rtnetlink.LINKS_ASKED)
        addresses = dump(rtnetlink.RTM_GETADDR, rtnetlink.ADDRESSES_ASKED)
        dumped = dump(rtnetlink.RTM_GETROUTE, rtnetlink.ROUTES_ASKED)
        asked = dump(rules.RTM_GETRULE, rules.RULES_ASKED)
        policies = self._dumped_policies()
        return Kernel(
            devices=tuple(rtnetlink.device(m.body) for m in devices),
            addresses=tuple(
                address
                for m in addresses
                if (address := rtnetlink.interface_address(m.body)) is not None
            ),
            routes=tuple(route for m in dumped if (route := rtnetlink.route(m.body)) is not None),
            guards=rules.our_rules(tuple(m.body for m in asked)) | xfrm.our_blocks(policies),
            versions=frozenset({4, 6} if any(map(_is_of_ipv6, asked)) or _has_ipv6() else {4}),
            protected=None if self._policies is None else xfrm.protected(policies),
        )

    def _dumped_policies(self) -> tuple[bytes, ...]:
        """Return the policies, everybody's; a kernel without XFRM has none."""
        if self._policies is None:
            return ()
        dumped = self._policies.dump(xfrm.XFRM_MSG_GETPOLICY, xfrm.POLICIES_ASKED)
        return tuple(m.body for m in dumped)

    def _put(self, wanted: Guard) -> None:
        if isinstance(wanted, Unreachable):
            self._change(rules.RTM_NEWRULE, rules.rule(wanted), errno.EEXIST, _text(wanted))
            return
        try:
            if self._policies is None:
                # Its module may have been loaded since.
                self._policies = NetlinkSocket(socket.NETLINK_XFRM)
            self._policies.request(xfrm.XFRM_MSG_UPDPOLICY, xfrm.policy(wanted))
        except OSError as error:
            raise _refused("update", wanted, error) from error

    def _take(self, unwanted: Guard) -> None:
        if isinstance(unwanted, Unreachable):
            self._change(rules.RTM_DELRULE, rules.rule(unwanted), errno.ENOENT, _text(unwanted))
            return
        if self._policies is None:
            return
        try:
            self._policies.request(xfrm.XFRM_MSG_DELPOLICY, xfrm.identity(unwanted))
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise _refused("delete", unwanted, error) from error

    def _make_link(self, interface: Interface) -> None:
        """Make an interface; one of ours of that name is no error, that of somebody else is."""
        try:
            self._routing.request(links.RTM_NEWLINK, links.new(interface), create=True)
        except OSError as error:
            if error.errno != errno.EEXIST or not self._has_made(interface.name):
                why = error.strerror or error
                raise KernelError(f"interface {interface.name}: {why}") from error

    def _has_made(self, name: str) -> bool:
        links_there = self._routing.dump(rtnetlink.RTM_GETLINK, rtnetlink.LINKS_ASKED)
        devices = map(rtnetlink.device, (message.body for message in links_there))
        return any(device.ours and device.name == name for device in devices)

    def _change(self, kind: int, body: bytes, done: int, what: str = "interface") -> None:
        """Have it done; `done` is the error that says it is so already."""
        try:
            self._routing.request(kind, body, create=kind == rules.RTM_NEWRULE)
        except OSError as error:
            if error.errno != done:
                raise KernelError(f"{what}: {error.strerror or error}") from error

    def _routing_tables(self) -> Routes:
        if self._routes is None:
            # Imported when the first route is changed, for it takes a tenth of a second: a start
            # that finds its routes in place does without.
            from henbd.system.routes import Routes

            try:
                self._routes = Routes()
            except OSError as error:
                raise KernelError(f"routes: {error.strerror}") from error
        return self._routes


def _is_of_ipv6(rule: Message) -> bool:
    return rule.body[:1] == bytes([socket.AF_INET6])


def _has_ipv6() -> bool:
    """Return whether a kernel has IPv6 whose rules do not show it."""
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).close()
    except OSError as error:
        # It was built without, or booted with ipv6.disable=1.
        return error.errno != errno.EAFNOSUPPORT
    return True


def _policy_socket() -> NetlinkSocket | None:
    """Return a socket for XFRM, None where the kernel was built without."""
    try:
        return NetlinkSocket(socket.NETLINK_XFRM)
    except OSError as error:
        logger.info("no XFRM in this kernel: %s", error.strerror)
        return None


def _text(rule: Unreachable) -> str:
    return f"rule from {rule.source} to {rule.destination}"


def _refused(how: str, block: Block, error: OSError) -> KernelError:
    device = f" dev {block.device}" if block.device else ""
    selector = f"src {block.source} dst {block.destination}{device} dir {block.direction.value}"
    return KernelError(f"xfrm policy {how} {selector}: {error.strerror or error}")
