"""An Acs, the loop it lives in, and what it has said."""

from __future__ import annotations

import time
from datetime import datetime
from ipaddress import ip_address

from henbd.errors import ExchangeError
from henbd.system.acs import Acs, Answer, Endpoint, TlsFiles
from henbd.system.channel import READ_TIMEOUT_S
from henbd.system.doorbell import Doorbell
from tests.functional.http_server import wait_until

NO_FILES = TlsFiles(None, None, None)


class Client:
    """One Acs; to be closed."""

    def __init__(self, files: TlsFiles = NO_FILES) -> None:
        self.doorbell = Doorbell()
        self.outcomes: list[Answer | ExchangeError] = []
        self.acs = Acs(files, self.doorbell, self.outcomes.append)

    def open(
        self,
        url: str,
        address: str = "127.0.0.1",
        source: str | None = None,
        username: str = "",
        password: str = "",
        *,
        others: tuple[str, ...] = (),
        passed: datetime | None = None,
    ) -> None:
        """Begin a session."""
        from_there = None if source is None else ip_address(source)
        self.acs.open(
            Endpoint(
                url,
                ip_address(address),
                from_there,
                username,
                password,
                tuple(map(ip_address, others)),
                passed,
            )
        )

    def outcome(self) -> Answer | ExchangeError:
        """Wait for what comes of the exchange."""
        wait_until(self.doorbell, lambda: self.outcomes, "an answer")
        (outcome,) = self.outcomes
        self.outcomes.clear()
        return outcome

    def post(self, body: bytes = b"<soap/>") -> Answer:
        """Exchange, and return the answer."""
        self.acs.post(body)
        outcome = self.outcome()
        assert isinstance(outcome, Answer), outcome
        return outcome

    def failure(self, body: bytes = b"<soap/>", wait_s: float = READ_TIMEOUT_S) -> ExchangeError:
        """Exchange in vain, and return what came of it."""
        self.acs.post(body, wait_s)
        outcome = self.outcome()
        assert isinstance(outcome, ExchangeError), outcome
        # What it came through, connections and all, is not kept alive by it.
        assert outcome.__traceback__ is None
        assert outcome.__cause__ is None
        return outcome

    def fail(self, body: bytes = b"<soap/>", wait_s: float = READ_TIMEOUT_S) -> str:
        """Exchange in vain, and return why."""
        return str(self.failure(body, wait_s))

    def turn(self, seconds: float) -> None:
        """Let the loop run."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.doorbell.wait(until)

    def tick(self) -> None:
        """Do what is due later now."""
        while (at := self.acs.wake_at()) is not None:
            self.acs.tick(at)
