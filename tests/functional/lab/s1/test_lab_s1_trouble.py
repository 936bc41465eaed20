"""The reference S1AP stack with MMEs that refuse, are silent, or are not there."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from tests.lab.mme import Accept, Garbage, Refuse, Silence
from tests.lab.s1_bench import AT_ONCE_S, RETRY_S, Bench
from tests.lab.scripted_henbd import config, link
from tests.lab.wire import HENB, MME, OTHER_HENB


def test_an_end_without_path_takes_a_second(lab: Bench) -> None:
    lab.bring_up()
    lab.cable.cut()
    try:
        sent_at = lab.henbd.send(config(2, None))
        lab.henbd.expect("ack")
        assert 0.9 < time.monotonic() - sent_at < 1.0 + 2 * AT_ONCE_S
    finally:
        lab.cable.mend()


def test_no_cell_is_on_the_air_without_s1(lab: Bench) -> None:
    lab.mme.setup[:] = [Refuse()]
    lab.stack()
    lab.henbd.accept()
    lab.tell(1, link(HENB, MME))
    assert lab.wait_state("failed")["transmitting"] is False


@pytest.mark.parametrize("behaviour", [Refuse(), Silence()])
def test_a_refused_update_leads_to_a_new_s1_setup(lab: Bench, behaviour: Refuse | Silence) -> None:
    lab.bring_up()
    lab.mme.update[:] = [behaviour]
    lab.tell(2, link(HENB, MME, tac=7))
    lab.wait_state("failed")
    lab.wait_state("up")
    assert [e.facts["tac"] for e in lab.log.events("S1SetupRequest")] == [1, 7]


def test_time_to_wait_is_honoured_and_told(lab: Bench) -> None:
    lab.mme.setup[:] = [Refuse(time_to_wait_s=1), Accept()]
    lab.stack("--retry-s", "0.1")
    lab.henbd.accept()
    lab.tell(1, link(HENB, MME))
    failed = lab.wait_state("failed")["peers"][0]
    assert (failed["cause"], failed["time_to_wait_s"]) == ("misc/unknown-PLMN", 1)
    assert failed["local"] is None
    lab.wait_state("up")
    (_, first), (_, second) = lab.setups()
    assert 1.0 <= second - first < 1.0 + 2 * AT_ONCE_S


def test_time_to_wait_outlives_a_change_of_the_config(lab: Bench) -> None:
    lab.mme.setup[:] = [Refuse(time_to_wait_s=1), Accept()]
    lab.stack("--retry-s", "0.1")
    lab.henbd.accept()
    lab.tell(1, link(HENB, MME))
    lab.wait_state("failed")
    lab.tell(2, link(OTHER_HENB, MME))
    still = lab.henbd.expect("status")["peers"][0]
    assert (still["state"], still["time_to_wait_s"]) == ("failed", 1)
    lab.tell(3, None)
    lab.tell(4, link(HENB, MME))
    lab.wait_state("up")
    (_, first), (_, second) = lab.setups()
    assert second - first >= 1.0


def test_without_time_to_wait_it_keeps_its_own_pace(lab: Bench) -> None:
    lab.mme.setup[:] = [Refuse(), Refuse(), Accept()]
    lab.bring_up()
    times = [at for _, at in lab.setups()]
    gaps = [later - sooner for sooner, later in pairwise(times)]
    assert len(gaps) == 2
    assert all(RETRY_S * 0.9 < gap < RETRY_S + 2 * AT_ONCE_S for gap in gaps)


def test_a_silent_mme_is_a_failure_and_is_tried_again(lab: Bench) -> None:
    lab.mme.setup[:] = [Silence(), Garbage(), Accept()]
    lab.stack()
    lab.henbd.accept()
    lab.tell(1, link(HENB, MME))
    lab.wait_state("setup")
    for _ in range(2):
        failed = lab.wait_state("failed")["peers"][0]
        assert failed["cause"] == "stack/no-answer-to-s1-setup"
    lab.wait_state("up")
    lab.log.wait("ErrorIndication")


def test_an_mme_that_goes_down_and_comes_back(lab: Bench) -> None:
    lab.bring_up()
    lab.mme.stop()
    down = lab.wait_state("down")
    assert down["peers"][0]["cause"] == "stack/aborted-by-the-peer"
    assert down["transmitting"] is False
    lab.wait_state("connecting")
    assert lab.wait_state("failed")["peers"][0]["cause"] in (
        "stack/no-answer",
        "stack/refused-by-the-peer",
    )
    with lab.cable.core.inside():
        lab.mme.start()
    lab.wait_state("up", timeout_s=10)


def test_an_address_that_is_not_there_yet_is_tried_again(lab: Bench) -> None:
    lab.stack()
    lab.henbd.accept()
    lab.tell(1, link("10.0.0.77", MME))
    failed = lab.wait_state("failed")["peers"][0]
    assert failed["cause"] == "stack/cannot-assign-requested-address"
    lab.cable.henb.ip(f"address add 10.0.0.77/24 dev {lab.cable.device}")
    try:
        assert lab.wait_state("up")["peers"][0]["local"] == "10.0.0.77"
    finally:
        lab.cable.henb.ip(f"address delete 10.0.0.77/24 dev {lab.cable.device}")
