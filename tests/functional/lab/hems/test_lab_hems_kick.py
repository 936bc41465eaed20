"""The HeMS's connection requests, to a right and to wrong CPEs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.lab.events import Log
from tests.lab.hems import Hems
from tests.lab.hems.auth import Credentials, Doorkeeper
from tests.lab.hems.http1 import Head


class ListeningCpe(BaseHTTPRequestHandler):
    """A CPE that takes connection requests; tests set `keeper` and `refusal`."""

    keeper = Doorkeeper()
    refusal: int | None = None

    def do_GET(self) -> None:
        said = tuple(self.headers.items())
        verdict = self.keeper.admit(Head("GET", self.path, "HTTP/1.1", said))
        self.send_response(self.refusal or (200 if verdict.admitted else 401))
        for challenge in verdict.challenges:
            self.send_header("WWW-Authenticate", challenge)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the base class has it
        """Say nothing."""


@pytest.fixture
def listening_cpe() -> Iterator[str]:
    """Run a CPE that takes connection requests; return the URL."""
    server = HTTPServer(("127.0.0.1", 0), ListeningCpe)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/kick?me=1"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_connection_request_is_made_with_digest(
    log: Log, listening_cpe: str, monkeypatch: pytest.MonkeyPatch, algorithm: str
) -> None:
    keeper = Doorkeeper(digest=Credentials("u", "p"), algorithms=[algorithm])
    monkeypatch.setattr(ListeningCpe, "keeper", keeper)
    with Hems(log, "127.0.0.1") as hems:
        assert hems.connection_request(listening_cpe, "u", "p") == 200
        assert hems.connection_request(listening_cpe, "u", "guess") == 401
        assert hems.connection_request(listening_cpe, None) == 401
        assert hems.violations == []
        assert [event.text for event in log.events("ConnectionRequestAnswer")] == [
            "HTTP 200",
            "HTTP 401",
            "HTTP 401",
        ]


def test_cpe_that_asks_for_no_digest_is_a_violation(
    log: Log, listening_cpe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Hems(log, "127.0.0.1") as hems:
        monkeypatch.setattr(ListeningCpe, "keeper", Doorkeeper())
        assert hems.connection_request(listening_cpe, "u", "p") == 200
        (violation,) = hems.take_violations()
        assert "200 to a connection request without Authorization" in violation
        monkeypatch.setattr(ListeningCpe, "keeper", Doorkeeper(basic=Credentials("u", "p")))
        assert hems.connection_request(listening_cpe, "u", "p") == 401
        (violation,) = hems.take_violations()
        assert "no Digest challenge" in violation
        monkeypatch.setattr(ListeningCpe, "refusal", 503)
        assert hems.connection_request(listening_cpe, "u", "p") == 503
        assert hems.violations == []


def test_unreachable_cpe_is_an_error(log: Log) -> None:
    with Hems(log, "127.0.0.1") as hems, Hems(log, "127.0.0.1") as other:
        other.down()
        with pytest.raises(ConnectionRefusedError):
            hems.connection_request(other.url, "u", "p")
