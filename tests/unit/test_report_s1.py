"""How S1 with each far end is, in the standard's rows and in our own."""

from __future__ import annotations

from datetime import UTC, datetime

from henbd.control import history as histories
from henbd.control.history import History
from henbd.control.report_s1 import far_ends
from henbd.model import paths
from henbd.model.tree import Tree
from henbd.values import FarEnd, Peer, PeerState, Stack
from tests.unit.settings import factory
from tests.unit.sights import INNER, MME, MME_2, link, stack
from tests.unit.world import World

WALL = datetime(2026, 6, 1, 12, tzinfo=UTC)
FIRST, SECOND = FarEnd(MME, 36412), FarEnd(MME_2, 36412)
OWN = paths.s1_peers("00256D")


def told(*peers: Peer, before: Tree | None = None, stack_lost: bool = False) -> Tree:
    """Return the tree after a stack said this of the first far ends of two."""
    seen: Stack = stack(link(MME, MME_2), peers=peers)
    history = histories.noted({}, (FIRST, SECOND), seen, WALL, has_path=True)
    return far_ends(before or factory(), history, "00256D", stack_lost=stack_lost)


def row(tree: Tree, path: str) -> dict[str, str]:
    """Return the values of a row by their names."""
    return {p.removeprefix(path): v for p, v in tree.values.items() if p.startswith(path)}


def test_a_far_end_that_s1_is_up_with() -> None:
    tree = told(Peer(FIRST, PeerState.UP, INNER, mme_name="mme"))
    association = row(tree, paths.SCTP_ASSOCIATIONS + "1.")
    assert association["Status"] == "Active"
    assert association["PrimaryPeerAddress"] == str(MME)
    assert association["StartTime"] == "2026-06-01T12:00:00Z"
    assert row(tree, OWN + "1.") == {
        "Status": "Up",
        "PeerAddress": str(MME),
        "LocalAddress": str(INNER),
        "LastCause": "",
        "TimeToWait": "0",
        "SetupAttempts": "1",
        "SetupFailures": "0",
        "Since": "2026-06-01T12:00:00Z",
    }
    assert row(tree, OWN + "2.")["Status"] == "Down"
    assert row(tree, paths.SCTP_ASSOCIATIONS + "2.")["Status"] == "Disabled"


def test_a_far_end_that_refuses_says_why() -> None:
    tree = told(Peer(FIRST, PeerState.FAILED, INNER, "misc/unknown-PLMN", 20))
    known = row(tree, OWN + "1.")
    assert (known["Status"], known["LastCause"]) == ("Failed", "misc/unknown-PLMN")
    assert (known["TimeToWait"], known["SetupFailures"]) == ("20", "1")
    association = row(tree, paths.SCTP_ASSOCIATIONS + "1.")
    assert (association["Status"], association["StartTime"]) == ("Error", "0001-01-01T00:00:00Z")


def test_why_s1_ended_is_told() -> None:
    up, ended = Peer(FIRST, PeerState.UP, INNER), Peer(FIRST, PeerState.DOWN, None, "stack/lost")
    history: History = {}
    for peer in (up, ended):
        seen = stack(link(MME), peers=(peer,))
        history = histories.noted(history, (FIRST,), seen, WALL, has_path=True)
    known = row(far_ends(factory(), history, "00256D", stack_lost=False), OWN + "1.")
    assert (known["Status"], known["LastCause"]) == ("Down", "stack/lost")
    assert (known["SetupAttempts"], known["SetupFailures"]) == ("1", "0")


def test_an_association_that_is_up_is_not_s1() -> None:
    tree = told(Peer(FIRST, PeerState.SETUP, INNER))
    assert row(tree, paths.SCTP_ASSOCIATIONS + "1.")["Status"] == "Active"
    assert row(tree, OWN + "1.")["Status"] == "Setup"


def test_a_stack_that_is_silent_for_long_counts_as_down() -> None:
    tree = told(Peer(FIRST, PeerState.UP, INNER), stack_lost=True)
    assert row(tree, OWN + "1.")["Status"] == "Down"
    assert row(tree, paths.SCTP_ASSOCIATIONS + "1.")["Status"] == "Disabled"


def test_equal_looks_give_the_same_tree() -> None:
    tree = told(Peer(FIRST, PeerState.UP, INNER))
    assert told(Peer(FIRST, PeerState.UP, INNER), before=tree) is tree


def test_rows_come_and_go_with_the_far_ends(world: World) -> None:
    world.register()
    count = paths.SCTP + "AssocNumberOfEntries"
    assert world.values[count] == "0"
    world.provision_far_ends(MME, MME_2)
    world.run(2)
    assert world.values[count] == "2"
    assert world.values[OWN + "1.Status"] == "Up"
    assert world.values[OWN + "2.PeerAddress"] == str(MME_2)
    world.provision_far_ends(MME_2)
    world.run(5)
    assert world.values[count] == "1"
    assert world.values[OWN + "1.PeerAddress"] == str(MME_2)
    assert world.values[OWN + "1.Status"] == "Up"
