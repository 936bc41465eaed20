"""What became of S1 with each far end → its rows: the standard's SCTP association, and our own.

No Broadband Forum parameter says how S1 with a far end is, nor why it is not up.
"""

from __future__ import annotations

from henbd.control.history import History, Past
from henbd.model import paths
from henbd.model.tree import Tree
from henbd.model.types import UNKNOWN_TIME, date_time
from henbd.values import FarEnd, PeerState

# TR-196 Transport.SCTP.Assoc.{i}.Status. An association that is up is not S1 yet.
ASSOCIATION = {
    PeerState.DOWN: "Disabled",
    PeerState.CONNECTING: "Progressing",
    PeerState.SETUP: "Active",
    PeerState.UP: "Active",
    PeerState.FAILED: "Error",
}


def far_ends(tree: Tree, history: History, oui: str, *, stack_lost: bool) -> Tree:
    """Return the tree with a row for each far end, in the order in which they are provisioned.

    `stack_lost`: the stack has been silent for so long that S1 must be taken for down.
    """
    own = paths.s1_peers(oui)
    rows = range(1, len(history) + 1)
    values: dict[str, str] = {}
    for number, (far_end, past) in zip(rows, history.items(), strict=True):
        state = PeerState.DOWN if stack_lost else past.peer.state
        values |= _association(f"{paths.SCTP_ASSOCIATIONS}{number}.", far_end, past, state)
        values |= _peer(f"{own}{number}.", far_end, past, state)
    for table in (paths.SCTP_ASSOCIATIONS, own):
        tree = tree.report_rows(table, rows)
    return tree.report(values)


def _association(row: str, far_end: FarEnd, past: Past, state: PeerState) -> dict[str, str]:
    status = ASSOCIATION[state]
    return {
        row + "Status": status,
        row + "PrimaryPeerAddress": str(far_end.address),
        row + "StartTime": date_time(past.since) if status == "Active" else UNKNOWN_TIME,
    }


def _peer(row: str, far_end: FarEnd, past: Past, state: PeerState) -> dict[str, str]:
    local = past.peer.local
    return {
        row + "Status": state.value.capitalize(),
        row + "PeerAddress": str(far_end.address),
        row + "LocalAddress": "" if local is None else str(local),
        row + "LastCause": past.cause or "",
        row + "TimeToWait": str(past.time_to_wait_s or 0),
        row + "SetupAttempts": str(past.attempts),
        row + "SetupFailures": str(past.failures),
        row + "Since": date_time(past.since),
    }
