"""What charon and the kernel say of the tunnel's SAs → their read-only parameters.

It changes all the time, so it is brought up to date when somebody asks; the addresses and whether
the tunnel is up are for `report`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from henbd.control.algorithms import listed
from henbd.control.report_box import COUNTER, since
from henbd.control.tunnel import Tunnel
from henbd.model import paths
from henbd.model.tree import Tree
from henbd.values import ChildSa, IkeSa

# Device.IPsec.Stats by what the kernel counts (its documentation of xfrm_proc). Whatever it counts
# beside these is an error of its direction.
DISCARDED: Mapping[str, frozenset[str]] = {
    "UnknownSPIErrors": frozenset({"InNoStates"}),
    "IntegrityErrors": frozenset({"InStateProtoError"}),
    "ReplayErrors": frozenset({"InStateSeqError"}),
    "PolicyErrors": frozenset(
        {"InTmplMismatch", "InNoPols", "InPolBlock", "InPolError", "InStateMismatch"}
    ),
}
OUTWARD = ("Out", "Acquire")


def security_associations(
    tree: Tree, tunnel: Tunnel, seen_at: datetime, unchanged_s: float
) -> Tree:
    """Return the tree with the SAs of the tunnel as they were seen at a moment of the wall clock.

    An IKE_SA keeps what it was while the tunnel is away, its CHILD_SAs do not. `unchanged_s`: for
    how long the tunnel has been as it is.
    """
    if paths.IKE_SA + "Status" not in tree.values:
        return tree
    children = tunnel.sa.children if tunnel.up and tunnel.sa else ()
    rows = range(1, len(children) + 1)
    tree = tree.report_rows(paths.CHILD_SAS, rows)
    values = _ike_sa(tree, tunnel.sa, seen_at) if tunnel.up and tunnel.sa else {}
    for number, child in zip(rows, children, strict=True):
        values |= _child_sa(tree, f"{paths.CHILD_SAS}{number}.", child, seen_at)
    values[paths.INTERFACE + "LastChange"] = str(int(unchanged_s))
    return tree.report(values)


def discarded(tree: Tree, counted: Mapping[str, int], failures: int) -> Tree:
    """Return the tree with what the kernel has discarded, and how many negotiations failed."""
    values = {"NegotiationFailures": failures}
    if counted:
        named = frozenset[str]().union(*DISCARDED.values())
        values |= {
            name: sum(counted.get(word, 0) for word in words) for name, words in DISCARDED.items()
        }
        rest = {word: number for word, number in counted.items() if word not in named}
        out = sum(number for word, number in rest.items() if word.startswith(OUTWARD))
        values |= {"ErrorsSent": out, "OtherReceiveErrors": sum(rest.values()) - out}
    return tree.report({paths.IPSEC_STATS + n: str(v % COUNTER) for n, v in values.items()})


def _ike_sa(tree: Tree, sa: IkeSa, seen_at: datetime) -> dict[str, str]:
    row, suite = paths.IKE_SA, sa.suite
    return {
        row + "EncryptionAlgorithm": listed(suite.encryption),
        row + "EncryptionKeyLength": str(suite.key_bits),
        row + "PseudoRandomFunction": listed(suite.pseudo_random),
        row + "IntegrityAlgorithm": listed(suite.integrity),
        row + "DiffieHellmanGroupTransform": listed(suite.group),
        row + "NATDetected": sa.nat.value,
        row + "CreationTime": since(tree, row + "CreationTime", sa.age_s, seen_at),
    }


def _child_sa(tree: Tree, row: str, child: ChildSa, seen_at: datetime) -> dict[str, str]:
    traffic = child.traffic
    return {
        row + "Status": "Up" if child.installed else "Down",
        row + "InboundSPI": str(child.spi_in),
        row + "OutboundSPI": str(child.spi_out),
        row + "CreationTime": since(tree, row + "CreationTime", child.age_s, seen_at),
        row + "Stats.BytesSent": str(traffic.bytes_out),
        row + "Stats.BytesReceived": str(traffic.bytes_in),
        row + "Stats.PacketsSent": str(traffic.packets_out),
        row + "Stats.PacketsReceived": str(traffic.packets_in),
    }
