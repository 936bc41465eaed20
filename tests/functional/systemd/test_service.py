"""henbd as a service: how it is started, watched, reloaded, stopped, and what it may do."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.functional.systemd.box import (
    CONFIGURATION,
    IN_THE_VM,
    WATCHDOG_S,
    Box,
    is_up,
    journal,
    pid,
    show,
)
from tests.lab.namespaces import CommandFailed, run
from tests.lab.probe import eventually

pytestmark = IN_THE_VM

NET_ADMIN = 1 << 12


def informed(box: Box, since: float) -> list[list[str]]:
    """Return the events of each Inform since then."""
    informs = box.log.events("Inform", since)
    return [[code for code, _ in inform.facts["events"]] for inform in informs]


def henbd(*arguments: str, group: str = "henbd") -> str:
    """Have somebody ask henbd something."""
    ids = ("--reuid=nobody", "--regid=nogroup", f"--groups={group}")
    return run("setpriv", *ids, "/usr/local/bin/henbd", *arguments)


def test_it_is_started_when_it_is_ready_and_says_what_goes_on(box: Box) -> None:
    found = show("ActiveState", "Type", "User")
    assert found == {"ActiveState": "active", "Type": "notify", "User": "henbd"}
    assert eventually(is_up, 20), show("StatusText")
    assert box.complaints() == []


@pytest.mark.usefixtures("box")
def test_it_has_one_capability_and_is_nobody_in_particular() -> None:
    lines = Path(f"/proc/{pid()}/status").read_text().splitlines()
    status = dict(line.split(":\t", 1) for line in lines)
    for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == NET_ADMIN, name
    assert status["NoNewPrivs"] == "1"
    assert status["Uid"].split()[0] == run("id", "-u", "henbd").strip()
    assert sorted(status["Groups"].split()) == sorted(run("id", "-G", "henbd").split())
    # Its log it may send to the HeMS.
    assert "systemd-journal" in run("id", "-Gn", "henbd").split()


@pytest.mark.usefixtures("box")
def test_its_group_may_ask_it_and_nobody_else() -> None:
    assert "S1           up" in henbd("status")
    with pytest.raises(CommandFailed, match="no permission"):
        henbd("status", group="nogroup")
    assert CONFIGURATION.stat().st_mode & 0o777 == 0o640


@pytest.mark.usefixtures("box")
def test_the_journal_has_levels() -> None:
    lines = journal()
    (first,) = [line for line in lines if line["MESSAGE"].startswith("henbd 0")]
    assert first["PRIORITY"] == "6"
    assert not [line for line in lines if "Traceback" in line["MESSAGE"]]


def test_a_reload_is_taken_and_drops_nothing(box: Box) -> None:
    before, setups = pid(), len(box.log.events("S1SetupRequest"))
    with CONFIGURATION.open("a") as file:
        file.write('[log]\nlevel = "debug"\n')
    run("systemctl", "reload", "henbd")
    assert eventually(lambda: any("read again" in line["MESSAGE"] for line in journal()), 10)
    assert (pid(), is_up()) == (before, True)
    assert len(box.log.events("S1SetupRequest")) == setups


def test_a_loop_that_hangs_is_killed_and_takes_up_where_it_was(box: Box) -> None:
    hung, since = pid(), time.monotonic()
    os.kill(hung, signal.SIGSTOP)
    assert eventually(lambda: pid() not in (0, hung), 4 * WATCHDOG_S)
    assert eventually(is_up, 20), show("StatusText")
    assert show("NRestarts")["NRestarts"] == "1"
    assert any("watchdog" in line["MESSAGE"].lower() for line in journal())
    box.calm()
    assert ["0 BOOTSTRAP"] not in informed(box, since)
    assert not [codes for codes in informed(box, since) if "1 BOOT" in codes]


def test_a_stop_leaves_the_guards_and_a_new_charon_is_no_matter(box: Box) -> None:
    run("systemctl", "stop", "henbd")
    assert show("ActiveState", "Result") == {"ActiveState": "inactive", "Result": "success"}
    assert "block" in box.net.henb.run("ip", "xfrm", "policy")
    run("systemctl", "restart", "strongswan")
    since = time.monotonic()
    run("systemctl", "start", "henbd", timeout_s=60)
    assert eventually(is_up, 20), show("StatusText")
    assert not [codes for codes in informed(box, since) if "1 BOOT" in codes]
    assert box.complaints() == []


def test_guards_stand_before_henbd_does(box: Box) -> None:
    run("systemctl", "stop", "henbd", "strongswan")
    box.net.henb.run("ip", "xfrm", "policy", "flush")
    # It counts as active since it did its work at boot.
    run("systemctl", "restart", "henbd-guard")
    policies = box.net.henb.run("ip", "xfrm", "policy")
    assert "dst 10.30.0.2/32" in policies
    assert "block" in policies
    run("systemctl", "start", "strongswan")
    run("systemctl", "start", "henbd", timeout_s=60)
    assert eventually(is_up, 20), show("StatusText")


@pytest.mark.usefixtures("box")
def test_a_wrong_configuration_is_not_tried_again() -> None:
    kept = CONFIGURATION.read_text()
    CONFIGURATION.write_text(kept.replace("[hems]", "[hems]\ncolour = 1", 1))
    with pytest.raises(CommandFailed):
        run("systemctl", "restart", "henbd", timeout_s=60)
    assert show("ActiveState", "ExecMainStatus") == {"ActiveState": "failed", "ExecMainStatus": "2"}
    assert any("hems.colour" in line["MESSAGE"] for line in journal())
    CONFIGURATION.write_text(kept)
    run("systemctl", "start", "henbd", timeout_s=60)
    assert eventually(is_up, 20), show("StatusText")
