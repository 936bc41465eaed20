"""Routes put into the kernel and taken out, with pyroute2.

A module of its own because importing pyroute2 takes a tenth of a second and 13 MiB: see
`henbd.system.kernel`, which does without as long as there is no route to change.
"""

from __future__ import annotations

import errno
import os
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from henbd.errors import KernelError
from henbd.system.rtnetlink import DEFAULT_METRIC_6, OUR_PROTOCOL
from henbd.values import Route

# What is to go has gone: with its interface, or by somebody else's hand.
_ABSENT = frozenset({errno.ESRCH, errno.ENOENT, errno.ENODEV})


class Routes:
    """The routing tables of the network namespace in which this is made."""

    def __init__(self) -> None:
        self._kernel = IPRoute()

    def replace(self, route: Route) -> None:
        """Put a route in, in place of one of the same network, table and metric."""
        self._change("replace", route)

    def delete(self, route: Route) -> None:
        """Take a route of ours out; one that is not there is no error."""
        self._change("del", route)

    def close(self) -> None:
        """Free the socket."""
        self._kernel.close()

    def _change(self, how: str, route: Route) -> None:
        try:
            self._kernel.route(how, **_specification(route))
        except NetlinkError as error:
            if how == "del" and error.code in _ABSENT:
                return
            raise KernelError(
                f"route {how} {route.destination}: {os.strerror(error.code)}"
            ) from error
        except OSError as error:
            raise KernelError(
                f"route {how} {route.destination}: {error.strerror or error}"
            ) from error


def _specification(route: Route) -> dict[str, Any]:
    common = {"dst": str(route.destination), "proto": OUR_PROTOCOL}
    metric = route.metric or (DEFAULT_METRIC_6 if route.destination.version == 6 else 0)
    optional = {
        "priority": metric,
        "oif": route.device,
        "gateway": route.gateway and str(route.gateway),
        "prefsrc": route.source and str(route.source),
    }
    if route.mtu:
        common["metrics"] = {"mtu": route.mtu}
    given = {key: value for key, value in optional.items() if value}
    return {**common, "table": route.table, **given}
