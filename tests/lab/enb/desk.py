"""Where the hook of the reference stack asks (HOOK.md): a Unix socket, one question at a time."""

from __future__ import annotations

import json
import socket
from pathlib import Path

from tests.lab.enb.faults import Fault, Faults
from tests.lab.enb.messages import Config, Json, decode
from tests.lab.enb.stack import Stack

# What `status` tells; as long as nothing was applied, of nobody.
STATUS = {"peers": [], "transmitting": False, "user_plane_peers": [], "parameters": {}}


class Desk:
    """Answers `apply`, `quiesce` and `status`; an Outbox of the stack."""

    def __init__(self, path: str, stack: Stack, faults: Faults) -> None:
        self._stack = stack
        self._faults = faults
        self._applied: Json | None = None
        self._status: Json = dict(STATUS)
        Path(path).unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen()
        stack.attach(self)

    def put(self, message: Json | bytes) -> None:
        """Keep how S1 is."""
        if isinstance(message, dict) and message["type"] == "status":
            self._status = message

    def stop(self) -> None:
        """Have `run` return; a signal handler may call this."""
        self._listener.shutdown(socket.SHUT_RDWR)

    def run(self) -> None:
        """Answer until `stop`."""
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as question:
                verb = question.readline().decode().strip()
                answer = self._answer(verb, question.read())
                if answer is not None:
                    connection.sendall(json.dumps(answer).encode())

    def _answer(self, verb: str, given: bytes) -> Json | None:
        if Fault.SILENT in self._faults.active:
            return None
        if verb == "status":
            return {"applied": self._applied, **{name: self._status[name] for name in STATUS}}
        wanted = json.loads(given)
        config = decode(json.dumps(wanted | {"type": "config"}).encode())
        assert isinstance(config, Config)
        self._stack.configure(config)
        self._applied = wanted
        return {"generation": config.generation}
