"""`henbd status` for people: what there is to know has its line, and is not there else."""

from __future__ import annotations

from typing import Any

import pytest

from henbd.screen import screen

HEMS = {
    "url": "https://hems.example/acs",
    "registered": True,
    "way": {"source": "10.99.0.1", "address": "10.30.0.3"},
    "connection_request_url": "http://10.99.0.1:7547/x",
    "session": None,
    "sessions": [],
    "pending_events": [],
    "to_tell": {},
    "failures": 0,
    "retry_in_s": None,
    "periodic_in_s": None,
}
TUNNEL = {
    "condition": "up",
    "since_s": 3725.0,
    "inner_addresses": ["10.99.0.1"],
    "foreign_addresses": [],
    "stale_addresses": [],
    "gateway": "192.0.2.101",
    "networks": ["10.30.0.0/24"],
    "one_child": False,
    "failures": [],
}
S1: dict[str, Any] = {
    "inside": True,
    "far_ends": ["mme.example"],
    "port": 36412,
    "admin_state": True,
    "up": True,
    "stack": "reference",
    "told": {"local": "10.99.0.1", "peers": ["10.30.0.2"]},
    "acknowledged": True,
    "transmitting": True,
    "peers": [{"address": "10.30.0.2", "state": "up", "cause": None, "mme_name": "mme-1"}],
}
VALUES: dict[str, Any] = {
    "version": "1.0",
    "device": {
        "manufacturer": "Maker",
        "oui": "00256D",
        "product_class": "HeNB",
        "serial_number": "000001",
    },
    "hems": HEMS,
    "tunnel": TUNNEL,
    "guards": {"standing": ["to 10.30.0.0/24"], "missing": []},
    "s1": S1,
    "transfers": [],
    "alarms": [],
    "waiting_for": [],
}

CALM = """\
device       Maker 00256D-HeNB-000001, henbd 1.0
HeMS         https://hems.example/acs, registered
             from 10.99.0.1 to 10.30.0.3
             calls us at http://10.99.0.1:7547/x
tunnel       up for 1 h 2 min, gateway 192.0.2.101
             inner address 10.99.0.1
             reaches 10.30.0.0/24
guarded      to 10.30.0.0/24
S1           up; inside the tunnel to mme.example, port 36412
             reference was told: from 10.99.0.1 to 10.30.0.2; acknowledged
             10.30.0.2: up, mme-1
             AdminState true, transmitting true"""


def test_a_box_in_service_fits_on_a_screen() -> None:
    assert screen(VALUES) == CALM


def ended(failure: str | None, *, acknowledged: bool) -> dict[str, Any]:
    return {
        "events": ["1 BOOT", "4 VALUE CHANGE"],
        "ago_s": 90061.0,
        "failure": failure,
        "acknowledged": acknowledged,
    }


FAILED = {**S1["peers"][0], "state": "failed", "cause": "timeout", "mme_name": None}
UPLOAD = {"file_type": "2 Vendor Log File", "command_key": "k", "stage": "queued", "in_s": 75.0}

# What is different, and the lines that are there because of it.
CASES: list[tuple[str, dict[str, Any], list[str]]] = [
    (
        "hems",
        {"registered": False, "way": None, "connection_request_url": ""},
        ["HeMS         https://hems.example/acs, not registered"],
    ),
    (
        "hems",
        {"session": {"events": ["1 BOOT"], "acknowledged": False}},
        ["session      now: 1 BOOT; Inform not acknowledged yet"],
    ),
    (
        "hems",
        {"session": {"events": ["1 BOOT"], "acknowledged": True}},
        ["session      now: 1 BOOT; Inform acknowledged"],
    ),
    (
        "hems",
        {"sessions": [ended(None, acknowledged=True), ended("timed out", acknowledged=False)]},
        [
            "sessions     1 d 1 h ago: 1 BOOT, 4 VALUE CHANGE; ended properly",
            "             1 d 1 h ago: 1 BOOT, 4 VALUE CHANGE; timed out, nothing was told",
        ],
    ),
    (
        "hems",
        {"pending_events": ["1 BOOT", "M Reboot"], "to_tell": {"Device.X": "1"}},
        ["to tell      1 BOOT, M Reboot", "             Device.X = 1"],
    ),
    (
        "hems",
        {"failures": 2, "retry_in_s": 12.34, "periodic_in_s": 600.0},
        [
            "next         attempt in 12.3 s, after 2 that failed",
            "             periodic Inform in 10 min 0 s",
        ],
    ),
    (
        "tunnel",
        {"one_child": True},
        ["             its gateway allows one child at a time: a new one replaces the old"],
    ),
    (
        "tunnel",
        {"failures": [{"gateway": "192.0.2.102", "times": 3, "failure": "no proposal"}]},
        ["             192.0.2.102 failed 3 times: no proposal"],
    ),
    (
        "tunnel",
        {"failures": [{"gateway": "192.0.2.102", "times": 1, "failure": "no answer"}]},
        ["             192.0.2.102 failed: no answer"],
    ),
    (
        "tunnel",
        {"foreign_addresses": ["10.1.1.1"]},
        ["             10.1.1.1 is on its interface, but no gateway granted it: ignored"],
    ),
    (
        "tunnel",
        {"stale_addresses": ["10.99.0.1"]},
        ["             10.99.0.1 is still there, but no gateway grants it: it is removed"],
    ),
    ("guards", {"missing": ["to 10.40.0.1/32"]}, ["             MISSING: to 10.40.0.1/32"]),
    ("guards", {"standing": []}, ["guarded      nothing"]),
    (
        "s1",
        {"up": False, "inside": False, "far_ends": [], "stack": None},
        [
            "S1           down; no far end is provisioned",
            "             no stack is connected",
        ],
    ),
    (
        "s1",
        {"inside": False},
        ["S1           up; outside the tunnel to mme.example, port 36412"],
    ),
    ("s1", {"told": None}, ["             reference was told to stay down"]),
    (
        "s1",
        {"acknowledged": False},
        ["             reference was told: from 10.99.0.1 to 10.30.0.2; not acknowledged yet"],
    ),
    ("s1", {"peers": [FAILED]}, ["             10.30.0.2: failed (timeout)"]),
]


@pytest.mark.parametrize(("section", "changes", "lines"), CASES)
def test_what_is_otherwise_has_its_line(
    section: str, changes: dict[str, Any], lines: list[str]
) -> None:
    shown = screen(VALUES | {section: VALUES[section] | changes}).splitlines()
    there = [line for line in shown if line not in CALM.splitlines()]
    assert there == lines


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({"tunnel": None}, ["tunnel       none configured"]),
        ({"transfers": [UPLOAD]}, ["transfers    2 Vendor Log File (k): queued, in 1 min 15 s"]),
        (
            {"alarms": [{"severity": "Major", "text": "no S1", "since_s": 61.0}]},
            ["alarms       Major: no S1, for 1 min 1 s"],
        ),
        (
            {"alarms": [{"severity": "Minor", "text": "no clock", "since_s": None}]},
            ["alarms       Minor: no clock"],
        ),
        (
            {"alarms": [{"severity": "Minor", "text": "a\n\x9b2Jb", "since_s": None}]},
            ["alarms       Minor: a\ufffd\ufffd2Jb"],
        ),
        (
            {"waiting_for": [{"for": "an answer", "in_s": 5.0}, {"for": "a key", "in_s": None}]},
            ["waiting for  an answer, in 5.0 s at the latest", "             a key"],
        ),
    ],
)
def test_what_is_not_always_there_has_its_lines(changes: dict[str, Any], lines: list[str]) -> None:
    shown = screen(VALUES | changes).splitlines()
    assert [line for line in shown if line not in CALM.splitlines()] == lines
