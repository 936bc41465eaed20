"""What was read of the world → the read-only parameters.

Absence is no value: a row keeps its address while the tunnel is away, and its Status says so. About
an Unknown party nothing is said.
"""

from __future__ import annotations

from urllib.parse import urlunsplit

from henbd.control import s1
from henbd.control.report_box import stack_parameters
from henbd.control.tunnel import Condition, Tunnel
from henbd.model import paths
from henbd.model.tree import Tree
from henbd.values import Address, Kernel, Network, Observed, Stack, Unknown


def report(tree: Tree, observed: Observed, tunnel: Tunnel, *, stack_lost: bool) -> Tree:
    """Return the tree with what this look tells.

    `stack_lost`: the stack has been silent for so long that S1 must be taken for down.
    """
    values: dict[str, str] = {}
    if tunnel.condition is not Condition.UNKNOWN and paths.INTERFACE + "Status" in tree.values:
        tree = _filters(tree, tunnel.networks)
        values |= _tunnel(tree, observed, tunnel)
    if isinstance(observed.stack, Stack) or stack_lost:
        values |= _s1(observed.stack)
    if isinstance(observed.stack, Stack):
        tree = stack_parameters(tree, observed.stack.parameters)
    return tree.report(values)


def connection_request(tree: Tree, local: Address | None, port: int, path: str) -> Tree:
    """Return the tree with the ConnectionRequestURL of an address; it stays while there is none."""
    if local is None:
        return tree
    host = f"[{local}]" if local.version == 6 else str(local)
    url = urlunsplit(("http", f"{host}:{port}", path, "", ""))
    return tree.report({paths.CONNECTION_REQUEST_URL: url})


def no_connection_request(tree: Tree) -> Tree:
    """Return the tree with no ConnectionRequestURL (TR-181: HTTPConnectionRequestEnable)."""
    return tree.report({paths.CONNECTION_REQUEST_URL: ""})


def _tunnel(tree: Tree, observed: Observed, tunnel: Tunnel) -> dict[str, str]:
    up = tunnel.up and tunnel.sa is not None
    values = {
        paths.INTERFACE + "Status": "Up" if up else "Down",
        paths.IKE_SA + "Status": "Up" if up else "Down",
        paths.IPSEC_STATUS: "Enabled",
        paths.REMOTE_ENDPOINTS: ",".join(
            filter(None, (tree.values[path] for path in paths.SECURITY_GATEWAYS))
        ),
    }
    for row, version, mask in (
        (paths.INNER_IPV4, 4, "255.255.255.255"),
        (paths.INNER_IPV6, 6, None),
    ):
        if row + "IPAddress" not in tree.values:
            continue
        address = next((a for a in tunnel.inner if a.version == version), None)
        values[row + "Status"] = "Enabled" if address else "Disabled"
        if version == 6:
            values[row + "IPAddressStatus"] = "Preferred" if address else "Invalid"
        if address is None:
            continue
        values[row + "IPAddress"] = str(address)
        if mask:
            values[row + "SubnetMask"] = mask
    if up and tunnel.sa is not None:
        values[paths.IKE_SA + "LocalAddress"] = str(tunnel.inner[0])
        values[paths.IKE_SA + "RemoteAddress"] = tunnel.sa.gateway
        values[paths.INTERFACE + "Name"] = _name(observed, tunnel.device)
    return values


def _filters(tree: Tree, networks: tuple[Network, ...]) -> Tree:
    """Return the tree with the tunnel's traffic selectors; they stay while it is away."""
    if not networks:
        return tree
    # Of two children that overlap for a moment each network once.
    networks = tuple(dict.fromkeys(networks))
    rows = range(1, len(networks) + 1)
    values = {paths.TUNNEL_FILTERS: ",".join(f"{paths.FILTERS}{number}" for number in rows)}
    for number, network in zip(rows, networks, strict=True):
        row = f"{paths.FILTERS}{number}."
        values[row + "Order"] = str(number)
        values[row + "DestIP"] = str(network.network_address)
        values[row + "DestMask"] = str(network.netmask)
        values[row + "Profile"] = paths.PROFILE.removesuffix(".")
    return tree.report_rows(paths.FILTERS, rows).report(values)


def _name(observed: Observed, device: int) -> str:
    devices = observed.kernel.devices if isinstance(observed.kernel, Kernel) else ()
    return next((d.name for d in devices if d.index == device), "")


def _s1(stack: Stack | Unknown) -> dict[str, str]:
    transmitting = isinstance(stack, Stack) and stack.transmitting
    return {
        paths.OP_STATE: "true" if s1.up(stack) else "false",
        paths.RF_TX_STATUS: "true" if transmitting else "false",
    }
