"""The list of what is shown of the CWMP checklist, and why the rest is left out."""

from __future__ import annotations

from tests.conformance.__main__ import told
from tests.conformance.checklist import LAST, Entry, entries, left_out


def test_reasons_are_sentences_about_entries_that_there_are() -> None:
    numbers = {entry.number for entry in entries()}
    assert len(numbers) == LAST
    assert left_out().keys() <= numbers


def test_entry_is_told_with_its_tests_its_reason_or_as_open() -> None:
    entry = Entry("C007", "MUST", "something")
    tests = [f"tests/a.py::{letter}" for letter in "abcdef"]
    assert told(entry, tests[:1], "") == ["C007 MUST     something", "     tests/a.py::a"]
    assert told(entry, tests, "")[-1] == "     ... and 2 more"
    assert told(entry, [], "For a reason.")[1] == "     left out: For a reason."
    assert told(entry, [], "")[1] == "     OPEN"


def test_only_what_may_be_done_without_is_not_binding() -> None:
    levels = {"MUST": True, "MUST NOT": True, "SHOULD": False, "MAY": False, "": True}
    assert {level: Entry("C001", level).binding for level in levels} == levels
