"""A process with a resolver: a name a line comes in, all answers so far go out as they change."""

from __future__ import annotations

import json
import os
import sys

from henbd.system.doorbell import Doorbell
from henbd.system.resolver import Resolver


class Session:
    """Turns until there are no more questions, however many are open."""

    def __init__(self) -> None:
        self._doorbell = Doorbell()
        self._resolver = Resolver(self._doorbell, self._tell)
        self._ended = False
        self._doorbell.watch(sys.stdin.fileno(), self._read)

    def run(self) -> None:
        """Turn the loop."""
        while not self._ended:
            self._doorbell.wait(None)

    def _read(self) -> None:
        text = os.read(sys.stdin.fileno(), 65536).decode()
        self._ended = not text
        for name in text.split():
            self._resolver.ask(name)

    def _tell(self) -> None:
        names = self._resolver.names.items()
        print(json.dumps({name: [str(a) for a in found] for name, found in names}), flush=True)


if __name__ == "__main__":
    Session().run()
