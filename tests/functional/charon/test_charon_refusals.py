"""What the shell around charon tells of negotiations that fail, and of refused commands."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from henbd.actions import Initiate, LoadConnection, TerminateIke, UnloadConnection
from tests.functional.charon.charon_loop import Ground, by_certificate, child, connection
from tests.lab.gateway import Refusal
from tests.lab.topology import MME

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
]


@pytest.mark.parametrize("refusal", Refusal)
def test_refusal_of_the_gateway_is_told(here: Ground, refusal: Refusal) -> None:
    loop = here.loop
    wanted = connection(here.credentials, child("net-1", f"{MME}/32"))
    here.gateway.refuse(refusal)
    loop.load(wanted)
    assert loop.initiate(wanted) == "establishing CHILD_SA 'net-1' failed"
    assert not any(sa.children for sa in loop.see().sas)


def test_initiating_is_seen_until_its_end_is_told(here: Ground) -> None:
    loop = here.loop
    wanted = connection(here.credentials, child("net-1", f"{MME}/32"))
    loop.load(wanted)
    loop.shell.perform(Initiate(wanted.name, "net-1"))
    loop.shell.perform(Initiate(wanted.name, "net-1"))
    assert loop.see(full=False).initiating
    loop.run(lambda: loop.initiations)
    rings = loop.rings
    assert rings
    assert loop.initiations == [(wanted.name, None)]
    assert not loop.see(full=False).initiating


def test_gateway_of_a_foreign_authority_is_not_trusted(here: Ground) -> None:
    credentials = by_certificate(here.pki.henb, here.pki.stranger_ca)
    wanted = connection(credentials, child("net-1", f"{MME}/32"))
    here.loop.load(wanted)
    assert here.loop.initiate(wanted) is not None
    assert here.loop.see().sas == ()
    assert "no trusted" in here.charon.log.read_text()


def test_stranger_is_refused_by_the_gateway(here: Ground) -> None:
    credentials = by_certificate(here.pki.henb_stranger, here.pki.ike_ca)
    wanted = connection(credentials, child("net-1", f"{MME}/32"))
    here.loop.load(wanted)
    assert here.loop.initiate(wanted) is not None
    assert here.loop.see().sas == ()


def test_connection_without_its_key_fails(here: Ground) -> None:
    wanted = connection(here.credentials, child("net-1", f"{MME}/32"))
    here.loop.shell.perform(LoadConnection(wanted))
    assert here.loop.initiate(wanted) is not None


def test_dead_gateway_is_told_when_charon_gives_up(here: Ground) -> None:
    loop = here.loop
    wanted = connection(here.credentials, child("net-1", f"{MME}/32"))
    here.lab.cut("segw")
    loop.load(wanted)
    loop.shell.perform(Initiate(wanted.name, "net-1"))
    sa = loop.await_connecting()
    assert (sa.connection, sa.established) == (wanted.name, False)
    loop.run(lambda: loop.initiations)
    assert loop.initiations[0][1] is not None
    assert loop.see(full=False).sas == ()


def test_initiation_can_be_called_off(here: Ground) -> None:
    loop = here.loop
    wanted = connection(here.credentials, child("net-1", f"{MME}/32"))
    here.lab.cut("segw")
    loop.load(wanted)
    loop.shell.perform(Initiate(wanted.name, "net-1"))
    loop.shell.perform(TerminateIke(loop.await_connecting().unique_id))
    loop.run(lambda: loop.initiations, within_s=1)
    seen = loop.see()
    assert (seen.sas, seen.initiating) == ((), frozenset())


def test_unknown_child_cannot_be_initiated(here: Ground) -> None:
    error = here.loop.initiate(connection(here.credentials, child("net-9", f"{MME}/32")))
    assert error is not None
    assert "net-9" in error


def test_refused_command_is_a_warning_with_the_reason(
    here: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = connection(here.credentials, child("net-1", f"{MME}/32"))
    here.loop.shell.perform(LoadConnection(replace(wanted, proposals=("nonsense",))))
    here.loop.shell.perform(UnloadConnection("henbd-never-seen"))
    assert here.loop.loaded().connections == {}
    assert here.loop.see().refused.keys() == {"load-conn", "unload-conn"}
    first, second = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert first.startswith("load-conn: ")
    assert "proposals" in first
    assert second.startswith("unload-conn: ")
    assert "henbd-never-seen" in second
    here.loop.shell.perform(LoadConnection(wanted))
    assert here.loop.see().refused == {"unload-conn": second.partition(": ")[2]}
