"""TLS that stops, breaks off or changes its certificate: the next good session is as any other."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest

from henbd.errors import ExchangeError
from henbd.system.acs import Answer, TlsFiles
from tests.functional.hems_client import Client
from tests.functional.http_server import Server, polite
from tests.functional.test_acs_tls import context
from tests.functional.tls_relay import Relay
from tests.lab import pki
from tests.lab.events import PATIENCE
from tests.lab.pki import HEMS_NAME, Pki
from tests.lab.probe import eventually

# Prime, so that it meets every part of a record sooner or later.
STEP = 13

# More than the answer has, in its record: that is broken off at each byte.
ANSWER_BYTES = 120

WAIT_S = 0.3


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return pki.make(tmp_path_factory.mktemp("pki") / "keys")


@pytest.fixture
def client(keys: Pki) -> Iterator[Client]:
    client = Client(TlsFiles(str(keys.tls_ca.certificate), None, None))
    yield client
    client.acs.close()


def held() -> tuple[int, int]:
    """Return how many descriptors and threads there are, of the client and of the server."""
    return len(os.listdir("/proc/self/fd")), threading.active_count()


def exchange(client: Client, relay: Relay, wait_s: float = 30.0) -> Answer | ExchangeError:
    """Hold a session of one exchange."""
    client.open(f"https://{HEMS_NAME}:{relay.port}/acs")
    client.acs.post(b"<soap/>", wait_s)
    outcome = client.outcome()
    client.acs.abort()
    return outcome


@pytest.mark.parametrize("tickets", [0, 2], ids=["full", "resumed"])
def test_wherever_tls_breaks_off_the_next_session_is_as_any_other(
    keys: Pki, client: Client, tickets: int
) -> None:
    good, secure = Answer(200, b"<soap/>"), context(keys.hems)
    secure.num_tickets = tickets
    with Server(polite, context=secure) as server, Relay(server.port) as relay:
        for _ in range(3):
            assert exchange(client, relay) == good
        # A signature is a few bytes longer or shorter each time.
        whole = relay.passed - 8
        assert eventually(lambda: not server.open, 10 * PATIENCE)
        before = held()
        for most in (*range(0, whole - ANSWER_BYTES, STEP), *range(whole - ANSWER_BYTES, whole)):
            relay.most = most
            assert isinstance(exchange(client, relay), ExchangeError), most
            relay.most = None
            assert exchange(client, relay) == good, most
        assert server.resumed[-1] is bool(tickets)
        assert eventually(lambda: held() == before, 10 * PATIENCE), (held(), before)


def test_tls_that_stops_anywhere_is_given_up_when_its_time_is_over(
    keys: Pki, client: Client
) -> None:
    with Server(polite, context=context(keys.hems)) as server, Relay(server.port) as relay:
        exchange(client, relay)
        whole, relay.hangs = relay.passed, True
        for relay.most in (0, 1, 5, 90, whole // 3, whole // 2):
            began_at = time.monotonic()
            assert isinstance(exchange(client, relay, WAIT_S), ExchangeError), relay.most
            assert time.monotonic() - began_at < WAIT_S + 5 * PATIENCE
        relay.most = None
        assert exchange(client, relay) == Answer(200, b"<soap/>")


@pytest.mark.parametrize("bad", ["hems_expired", "hems_stranger", "hems_wrong_name"])
def test_a_wrong_certificate_after_good_ones_is_refused(
    keys: Pki, client: Client, bad: str
) -> None:
    """Neither the context that is kept nor a ticket of before lets it pass."""
    good, wrong = context(keys.hems), context(getattr(keys, bad))
    with (
        Server(polite, context=good) as server,
        Server(polite, context=wrong) as other,
        Relay(server.port) as relay,
    ):
        for there, right in ((server, True), (server, True), (other, False), (server, True)):
            relay.there = there.port
            outcome = exchange(client, relay)
            assert isinstance(outcome, Answer) == right, outcome
            assert right or "certificate verify failed" in str(outcome)
    assert not other.requests
