"""Parameters → what they ask for: the only place where TR-196 meets IPsec and S1.

Pure functions of the tree and the configuration. `refusal` says what cannot be translated.
"""

from __future__ import annotations

from dataclasses import replace

from henbd.control.algorithms import Algorithms, allowed, supported
from henbd.model import paths
from henbd.model.nodes import ALIAS
from henbd.model.schema import Role
from henbd.model.tree import Tree
from henbd.settings import IpsecSettings, Settings
from henbd.values import Cell, Management, Provisioned, S1Mode

# TS 36.413 9.1.8.4: CSG identities are sent by a cell that is closed or hybrid.
OPEN_ACCESS = "Open Access"

# What is no parameter of the cell: where S1 goes and through what, and whether it may transmit.
NOT_FOR_THE_CELL = (paths.GATEWAY, paths.ADMIN_STATE, paths.LTE_TUNNELS)


def s1_inside(*, enabled: bool, gateways: tuple[str, ...], lte_tunnel: bool) -> bool:
    """Return the answer to the IPsec usage indicator (TS 32.593 5.1.3): S1 goes inside.

    No Broadband Forum parameter bears that name. `enabled` is Device.IPsec.Enable, which governs S1
    only; `lte_tunnel`: a CellConfig.LTE.Tunnel row is enabled. A disabled row never means outside.
    """
    return enabled and (bool(gateways) or lte_tunnel)


def provisioned(tree: Tree, settings: Settings) -> Provisioned:
    """Return what the parameters ask of tunnel, kernel and S1."""
    value, ipsec = tree.values, settings.ipsec
    gateways = security_gateways(tree, ipsec)
    tunnels = tree.instances.get(paths.LTE_TUNNELS, ())
    return Provisioned(
        s1_inside=s1_inside(
            enabled=value[paths.IPSEC_ENABLE] == "true",
            gateways=gateways,
            lte_tunnel=any(value[f"{paths.LTE_TUNNELS}{n}.Enable"] == "true" for n in tunnels),
        ),
        far_ends=_list(tree, paths.S1_SERVERS),
        port=int(value[paths.S1_PORT]),
        mode=S1Mode(value[paths.S1_MODE]),
        gateways=gateways,
        admin_state=value[paths.ADMIN_STATE] == "true",
        cell=_cell(tree),
        # A new configuration may have none of those that the HeMS allowed: then all of it counts,
        # for without a tunnel nobody could set that right.
        proposals=proposals(tree, ipsec) or (ipsec.proposals if ipsec else ()),
        esp_proposals=esp_proposals(tree, ipsec) or (ipsec.esp_proposals if ipsec else ()),
    )


def security_gateways(tree: Tree, ipsec: IpsecSettings | None) -> tuple[str, ...]:
    """Return the gateways in order: those of the parameters, else those of the configuration."""
    chosen = tuple(filter(None, (tree.values[path] for path in paths.SECURITY_GATEWAYS)))
    return chosen or (ipsec.gateways if ipsec else ())


def proposals(tree: Tree, ipsec: IpsecSettings | None) -> tuple[str, ...]:
    """Return the configured proposals of IKE that the profile allows."""
    if ipsec is None:
        return ()
    lists = paths.IKE_ENCRYPTION, paths.IKE_PSEUDO_RANDOM, paths.IKE_INTEGRITY, paths.IKE_GROUPS
    return allowed(ipsec.proposals, Algorithms(*(_list(tree, path) for path in lists)))


def esp_proposals(tree: Tree, ipsec: IpsecSettings | None) -> tuple[str, ...]:
    """Return the configured proposals of ESP that the profile allows.

    TR-181 has no list of groups or pseudo-random functions for CHILD_SAs.
    """
    if ipsec is None:
        return ()
    own = supported(ipsec.esp_proposals)
    encryption, integrity = _list(tree, paths.ESP_ENCRYPTION), _list(tree, paths.ESP_INTEGRITY)
    permitted = replace(own, encryption=encryption, integrity=integrity)
    return allowed(ipsec.esp_proposals, permitted)


def _list(tree: Tree, path: str) -> tuple[str, ...]:
    return tuple(filter(None, tree.values[path].split(",")))


def _cell(tree: Tree) -> Cell:
    value = tree.values
    rows = [f"{paths.PLMN_LIST}{n}." for n in tree.instances[paths.PLMN_LIST]]
    used = [row for row in rows if value[row + "Enable"] == "true" and value[row + "PLMNID"]]
    used.sort(key=lambda row: value[row + "IsPrimary"] != "true")
    closed = value[paths.ACCESS_MODE] != OPEN_ACCESS
    return Cell(
        identity=int(value[paths.CELL_IDENTITY]),
        tac=int(value[paths.TAC]),
        plmns=tuple(value[row + "PLMNID"] for row in used),
        name=value[paths.HNB_NAME] or None,
        csg_id=int(value[paths.CSG_ID]) if closed else None,
        parameters=_cell_parameters(tree),
    )


def _cell_parameters(tree: Tree) -> tuple[tuple[str, str], ...]:
    """Return what the stack works by besides S1, by the path below the service, sorted.

    A parameter that nobody has set, and that has no default in the standard, is the stack's own
    business: a value that we made up would be worse than the one it has.
    """
    kept = tree.provisioning.values
    found = [
        (path.removeprefix(paths.FAP), tree.values[path])
        for path, row in tree.rows.items()
        if path.startswith(paths.FAP)
        and row.role is Role.STORED
        and (row.specified or path in kept)
        and not path.startswith(NOT_FOR_THE_CELL)
        and not path.endswith(ALIAS)
        and path not in tree.aliases
    ]
    return tuple(sorted(found))


def management(tree: Tree) -> Management:
    """Return what the parameters say about the HeMS itself."""
    value = tree.values
    periodic = value[paths.PERIODIC_ENABLE] == "true"
    return Management(
        url=value[paths.URL],
        username=value[paths.USERNAME],
        password=value[paths.PASSWORD],
        connection_requests=value[paths.CONNECTION_REQUEST_ENABLE] == "true",
        connection_request_username=value[paths.CONNECTION_REQUEST_USERNAME],
        connection_request_password=value[paths.CONNECTION_REQUEST_PASSWORD],
        enabled=value[paths.ENABLE_CWMP] == "true",
        interval_s=int(value[paths.PERIODIC_INTERVAL]) if periodic else None,
        reference_time=value[paths.PERIODIC_TIME],
        retry_minimum_s=int(value[paths.RETRY_MINIMUM]),
        retry_multiplier=int(value[paths.RETRY_MULTIPLIER]),
        throttle_s=int(value[paths.THROTTLE]),
    )


def inner_addresses(tree: Tree) -> tuple[str, ...]:
    """Return the parameters whose change the HeMS is told as soon as possible (TS 32.593 5.2.4)."""
    rows = (paths.INNER_IPV4, paths.INNER_IPV6)
    return tuple(row + "IPAddress" for row in rows if row + "IPAddress" in tree.values)


def in_service(tree: Tree) -> bool:
    """Return whether S1 is up, as the HeMS is told."""
    return tree.values[paths.OP_STATE] == "true"
