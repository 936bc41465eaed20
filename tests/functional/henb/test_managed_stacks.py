"""henbd with a stack that it starts by a service manager, whichever that is."""

from __future__ import annotations

import time

import pytest

from tests.functional.henb.test_address_change import told
from tests.functional.henb.test_s1 import set_in_a_session
from tests.lab.hems.rpc import Set
from tests.lab.lab import OP_STATE, S1_SERVERS, Lab, Options
from tests.lab.probe import eventually

STACKS = [
    pytest.param(name, marks=pytest.mark.lab(adapter=name)) for name in ("srsenb", "amarisoft")
]

pytestmark = [
    pytest.mark.usefixtures("adapter"),
    pytest.mark.parametrize("adapter", STACKS, indirect=True),
]


@pytest.fixture
def adapter(request: pytest.FixtureRequest, options: Options) -> str:
    """Which stack it is; each test is for each of these."""
    assert options.adapter == request.param
    return str(request.param)


def test_it_registers_and_moves_with_the_inner_address(registered: Lab) -> None:
    since = time.monotonic()
    address = registered.grant_another()
    registered.reauthenticate()
    told(registered, address, since)


def test_it_moves_to_another_far_end(registered: Lab) -> None:
    set_in_a_session(registered, Set({S1_SERVERS: ("10.30.0.9", "xsd:string")}))
    assert eventually(lambda: len(registered.second_mme.s1_up) == 1, 20)
    assert eventually(lambda: "to 10.30.0.2/32" not in registered.status()["guards"]["standing"])


def test_one_that_dies_is_started_again(registered: Lab) -> None:
    since = time.monotonic()
    registered.stack.kill()
    assert eventually(lambda: registered.informed(OP_STATE) == "false")
    registered.log.wait("S1SetupResponse", 30, since=since)
    assert eventually(lambda: registered.informed(OP_STATE) == "true")


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_restart_of_henbd_does_not_disturb_it(registered: Lab, how: str) -> None:
    assert eventually(lambda: not registered.status()["waiting_for"])
    since = time.monotonic()
    pid = registered.stack.pid
    getattr(registered.henbd, how)()
    registered.henbd.start()
    assert eventually(lambda: registered.answers() and not registered.status()["waiting_for"], 20)
    assert registered.quiet(since)
    assert registered.stack.pid == pid
    assert not registered.log.events("S1SetupRequest", since)
