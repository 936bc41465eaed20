"""The reference S1AP stack between a scripted henbd and MMEs: what a config does."""

from __future__ import annotations

import time

import pytest

from tests.lab import s1ap
from tests.lab.events import PATIENCE
from tests.lab.mme import Accept, Refuse
from tests.lab.s1_bench import AT_ONCE_S, Bench, peer_states
from tests.lab.scripted_henbd import Json, config, link
from tests.lab.wire import HENB, HENB_6, MME, MME_6, OTHER_HENB, OTHER_MME, SGW


@pytest.mark.kernel
def test_it_registers_as_it_is_told_and_at_once(lab: Bench) -> None:
    lab.stack("--name", "example-l3")
    lab.henbd.accept()
    assert lab.henbd.receive() == {
        "type": "hello",
        "version": 1,
        "name": "example-l3",
        "generation": 0,
        "config": None,
    }
    sent_at = lab.henbd.send(config(1, link(HENB, MME)))
    assert lab.henbd.receive() == {"type": "ack", "generation": 1}
    states: list[Json] = []
    while not states or states[-1]["state"] != "up":
        status = lab.henbd.expect("status")
        assert status["generation"] == 1
        states += status["peers"]
    assert [peer["state"] for peer in states] == ["connecting", "setup", "up"]
    assert states[-1] == {
        "address": "10.0.0.2",
        "port": 36_412,
        "state": "up",
        "local": "10.0.0.1",
        "cause": None,
        "time_to_wait_s": None,
        "mme_name": "mme-1",
    }
    assert status["transmitting"] is True
    assert status["user_plane_peers"] == []
    request = lab.log.wait("S1SetupRequest")
    assert request.at - sent_at < AT_ONCE_S
    assert request.facts["request"] == s1ap.S1SetupRequest(
        s1ap.GlobalEnbId("00101", 0x0123456),
        (s1ap.SupportedTa(1, ("00101",)),),
        enb_name="henb-1",
        csg_ids=(0xABC,),
    )


def test_it_registers_over_ipv6(lab: Bench) -> None:
    mme = lab.mme_6()
    lab.bring_up(link(HENB_6, MME_6))
    assert [up.address for up in mme.s1_up] == [HENB_6]
    assert mme.violations == []


def test_an_unchanged_link_changes_nothing(lab: Bench) -> None:
    lab.bring_up()
    before = lab.log.events()
    lab.tell(2, link(HENB, MME))
    status = lab.henbd.expect("status")
    assert (status["generation"], peer_states(status)) == (2, ["up"])
    assert lab.henbd.quiet("status", 0.3)
    assert lab.log.events() == before


def test_a_changed_local_address_ends_the_old_association_before_the_ack(lab: Bench) -> None:
    lab.bring_up()
    sent_at = lab.henbd.send(config(2, link(OTHER_HENB, MME)))
    lab.henbd.expect("ack")
    acknowledged_at = time.monotonic()
    assert acknowledged_at - sent_at < AT_ONCE_S
    down = lab.log.wait("SCTP-down")
    assert down.facts["reason"] == "shut down by the peer"
    # The two processes write down the same moment, each for itself.
    assert down.at < acknowledged_at + 0.05 * PATIENCE
    status = lab.wait_state("up")
    assert status["peers"][0]["local"] == str(OTHER_HENB)
    (_, request) = lab.log.events("S1SetupRequest")
    assert down.at < request.at < sent_at + 2 * AT_ONCE_S
    assert [up.address for up in lab.mme.s1_up] == [OTHER_HENB]


@pytest.mark.parametrize("change", [{"identity": 0x7654321}, {"plmns": ["00102", "00101"]}])
def test_another_global_enb_id_is_another_association(lab: Bench, change: Json) -> None:
    lab.bring_up()
    lab.tell(2, link(HENB, MME, **change))
    lab.wait_state("up")
    # Each association has a thread of its own at the MME: which writes first is not said.
    lab.log.wait("SCTP-down")
    kinds = [e.kind for e in lab.log.events() if e.kind.startswith("SCTP")]
    assert sorted(kinds) == ["SCTP-down", "SCTP-up", "SCTP-up"]
    request = lab.log.events("S1SetupRequest")[-1].facts["request"]
    assert request.global_enb_id.identity == change.get("identity", 0x0123456)
    assert request.supported_tas[0].plmns == tuple(change.get("plmns", ["00101"]))


def test_peers_are_independent(lab: Bench) -> None:
    lab.other_mme()
    lab.mme.setup[:] = [Refuse()]
    lab.stack()
    lab.henbd.accept()
    lab.tell(1, link(HENB, MME, OTHER_MME))
    lab.wait_state("failed", "up")
    lab.tell(2, link(HENB, OTHER_MME))
    assert peer_states(lab.henbd.expect("status")) == ["up"]
    lab.mme.setup[:] = [Accept()]
    lab.tell(3, link(HENB, OTHER_MME, MME))
    lab.wait_state("up", "up")
    of_other = [e.kind for e in lab.log.events() if "MME-2" in (e.sender, e.receiver)]
    assert of_other == ["SCTP-up", "S1SetupRequest", "S1SetupResponse"]
    lab.tell(4, link(HENB, MME))
    lab.log.wait("SCTP-down", where=lambda e: e.receiver == "MME-2")
    assert len(lab.mme.s1_up) == 1


def test_may_transmit_and_inside_disturb_nothing(lab: Bench) -> None:
    lab.bring_up(link(HENB, MME, may_transmit=False))
    before = lab.log.events()
    for generation, allowed in ((2, True), (3, False)):
        lab.tell(generation, link(HENB, MME, may_transmit=allowed, inside=allowed))
        assert lab.henbd.expect("status")["transmitting"] is allowed
    assert lab.log.events() == before


def test_other_changes_of_the_cell_are_told_by_an_update(lab: Bench) -> None:
    lab.bring_up()
    change = {"tac": 7, "plmns": ["00101", "00102"], "name": "henb_2", "csg_id": 5}
    lab.tell(2, link(HENB, MME, **change))
    update = lab.log.wait("ENBConfigurationUpdate").facts["update"]
    assert update == s1ap.EnbConfigurationUpdate(
        "henb-2", (s1ap.SupportedTa(7, ("00101", "00102")),), (5,)
    )
    assert len(lab.setups()) == 1
    lab.log.wait("ENBConfigurationUpdateAcknowledge")
    lab.tell(3, link(HENB, MME, **change | {"tac": 8}))
    lab.log.wait("ENBConfigurationUpdate", where=lambda e: e.facts["tac"] == 8)
    assert len(lab.setups()) == 1


def test_a_csg_list_is_taken_back_by_a_new_s1_setup(lab: Bench) -> None:
    lab.bring_up()
    lab.tell(2, link(HENB, MME, csg_id=None))
    lab.wait_state("up")
    assert [e.facts["csg"] for e in lab.log.events("S1SetupRequest")] == [(0xABC,), ()]


def test_without_plmns_it_uses_its_own(lab: Bench) -> None:
    lab.bring_up(link(HENB, MME, plmns=[]), "--plmn", "26201", "--plmn", "26202")
    facts = lab.log.wait("S1SetupRequest").facts
    assert (facts["plmn"], facts["plmns"]) == ("26201", ("26201", "26202"))
    lab.tell(2, link(HENB, MME, plmns=["26201", "26202"]))
    assert peer_states(lab.henbd.expect("status")) == ["up"]
    assert len(lab.setups()) == 1


def test_link_null_ends_s1(lab: Bench) -> None:
    lab.bring_up()
    lab.tell(2, None)
    status = lab.henbd.expect("status")
    assert status == {
        "type": "status",
        "generation": 2,
        "peers": [],
        "transmitting": False,
        "user_plane_peers": [],
        "parameters": {},
    }
    assert lab.log.wait("SCTP-down").facts["reason"] == "shut down by the peer"
    lab.tell(3, link(HENB, MME))
    lab.wait_state("up")


def test_it_answers_reset_and_unknown_procedures(lab: Bench) -> None:
    lab.bring_up()
    lab.mme.send(s1ap.Reset(s1ap.Cause("misc", "om-intervention")))
    lab.log.wait("ResetAcknowledge")
    # MME CONFIGURATION UPDATE, which our stack does not know and may not pass over.
    lab.mme.send(bytes.fromhex("001e0008000001005700010a"))
    assert str(lab.log.wait("ErrorIndication").facts["cause"]) == (
        "protocol/abstract-syntax-error-reject"
    )
    assert lab.henbd.quiet("status", 0.2)


def test_the_user_plane_runs_from_its_address_while_s1_is_up(lab: Bench) -> None:
    sgw = lab.sgw()
    lab.bring_up(None, "--user-plane-peer", str(SGW))
    assert lab.log.wait("GTP-U").facts["peer"] == HENB
    lab.tell(2, link(HENB, MME, user_plane_local=str(OTHER_HENB)))
    status = lab.henbd.expect("status")
    assert (peer_states(status), status["user_plane_peers"]) == (["up"], [str(SGW)])
    lab.log.wait("GTP-U", where=lambda e: e.facts["peer"] == OTHER_HENB)
    assert len(lab.setups()) == 1
    lab.tell(3, None)
    assert lab.henbd.expect("status")["user_plane_peers"] == []
    asked = dict(sgw.counts)
    time.sleep(1.2)
    assert sgw.counts == asked


def test_a_user_plane_peer_of_the_other_family_is_not_announced(lab: Bench) -> None:
    lab.bring_up(None, "--user-plane-peer", "fd00::4")
    lab.tell(2, link(HENB, MME))
    assert lab.henbd.expect("status")["user_plane_peers"] == []
