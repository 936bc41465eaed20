"""Which version of CWMP is spoken with a HeMS."""

from __future__ import annotations

import pytest

from henbd.cwmp.versions import NAMESPACES, PATIENCE, namespace
from henbd.model import paths
from tests.unit.box import Box, registered


@pytest.mark.conformance("C034")
def test_namespace_stays_the_same_from_1_2_on() -> None:
    assert NAMESPACES == {"1.0": "1-0", "1.1": "1-1", "1.2": "1-2", "1.3": "1-2", "1.4": "1-2"}


@pytest.mark.conformance("C057")
def test_new_hems_that_refuses_is_asked_in_1_0_and_in_turns() -> None:
    box = Box()
    spoken = [box.fail(refused=True).version for _ in range(4)]
    assert spoken == ["1-2", "1-0", "1-2", "1-0"]


def test_failure_that_is_no_refusal_changes_nothing() -> None:
    box = Box()
    assert [box.fail().version for _ in range(3)] == ["1-2"] * 3


@pytest.mark.conformance("C057")
def test_version_that_was_acknowledged_is_remembered() -> None:
    box = Box()
    box.fail(refused=True)
    box.succeed()
    assert [box.succeed().version for _ in range(2)] == ["1-0"] * 2


def test_hems_that_is_known_is_asked_otherwise_only_after_some_refusals() -> None:
    box = registered()
    spoken = [box.fail(refused=True).version for _ in range(2 * PATIENCE)]
    assert spoken == ["1-2"] * PATIENCE + ["1-0"] * PATIENCE


def test_newest_version_is_tried_again_at_the_next_boot() -> None:
    """An outage must not leave a HeMS with CWMP 1.0 for ever; one of 1.0 alone costs a refusal."""
    box = Box()
    box.fail(refused=True)
    box.succeed()
    box.boot_id = "next boot"
    assert [box.fail(refused=True).version, box.succeed().version] == ["1-2", "1-0"]
    assert box.succeed().version == "1-0"
    box.boot_id = "third boot"
    assert [box.succeed().version for _ in range(2)] == ["1-2"] * 2


def test_an_outage_at_a_boot_makes_no_hems_an_older_one() -> None:
    box = registered()
    box.boot_id = "next boot"
    assert [box.fail(refused=True).version for _ in range(PATIENCE)] == ["1-2"] * PATIENCE


def test_another_hems_is_asked_in_1_2_whatever_the_former_one_spoke() -> None:
    box = Box()
    box.fail(refused=True)
    box.succeed()
    box.configure({paths.URL: "https://another.example/"})
    assert box.open().version == "1-2"


@pytest.mark.parametrize("choice", NAMESPACES)
@pytest.mark.parametrize("refusals", [0, 1, 5])
def test_configured_version_is_insisted_on(choice: str, refusals: int) -> None:
    assert namespace(choice, "1-1", refusals, booted=False) == NAMESPACES[choice]
