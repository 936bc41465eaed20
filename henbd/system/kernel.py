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
from henbd.system.kernel_sight import Sight
from henbd.system.netlink import NetlinkSocket
from henbd.values import Block, Guard, Interface, Kernel, Unknown, Unreachable

if TYPE_CHECKING:
    from henbd.system.routes import Routes

logger = logging.getLogger(__name__)

# What is to go is not there, or cannot be.
_NO_POLICY = {errno.ENOENT, errno.EPROTONOSUPPORT}


class KernelShell:
    """The network namespace in which this is made.

    `rung` tells that a device, an address, a route, a rule or a policy has changed in it.
    """

    def __init__(self, doorbell: Doorbell, rung: Callable[[], None]) -> None:
        self._routing = NetlinkSocket(socket.NETLINK_ROUTE)
        self._policies: NetlinkSocket | None = None
        self._routes: Routes | None = None
        self._sight = Sight(doorbell, rung)
        # Made now, where there is XFRM, for later there may be no descriptor to be had.
        with suppress(OSError):
            self._xfrm()

    def observe(self, *, anew: bool = True) -> Kernel | Unknown:
        """Read everything. Not `anew`: what was read last will do of what has not changed since."""
        return self._sight.observe(anew=anew)

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
        for holder in (self._sight, self._routing, self._policies, self._routes):
            if holder is not None:
                holder.close()

    def _put(self, wanted: Guard) -> None:
        if isinstance(wanted, Unreachable):
            self._change(rules.RTM_NEWRULE, rules.rule(wanted), errno.EEXIST, _text(wanted))
            return
        try:
            self._xfrm().request(xfrm.XFRM_MSG_UPDPOLICY, xfrm.policy(wanted))
        except OSError as error:
            raise _refused("update", wanted, error) from error

    def _take(self, unwanted: Guard) -> None:
        if isinstance(unwanted, Unreachable):
            self._change(rules.RTM_DELRULE, rules.rule(unwanted), errno.ENOENT, _text(unwanted))
            return
        try:
            self._xfrm().request(xfrm.XFRM_MSG_DELPOLICY, xfrm.identity(unwanted))
        except OSError as error:
            if error.errno not in _NO_POLICY:
                raise _refused("delete", unwanted, error) from error

    def _xfrm(self) -> NetlinkSocket:
        """Return the socket for policies; raises OSError in a kernel without XFRM.

        Its module may have been loaded since the last time.
        """
        if self._policies is None:
            self._policies = NetlinkSocket(socket.NETLINK_XFRM)
        return self._policies

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


def _text(rule: Unreachable) -> str:
    return f"rule from {rule.source} to {rule.destination}"


def _refused(how: str, block: Block, error: OSError) -> KernelError:
    device = f" dev {block.device}" if block.device else ""
    selector = f"src {block.source} dst {block.destination}{device} dir {block.direction.value}"
    return KernelError(f"xfrm policy {how} {selector}: {error.strerror or error}")
