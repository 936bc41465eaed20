"""What the control socket is asked, to the end: a request, and the daemon's answer to it."""

from __future__ import annotations

import json

from henbd import operator
from henbd.system.console import read_request
from henbd.system.local_socket import Caller
from tests.unit.world import World

ROOT = Caller(pid=1, uid=0, groups=frozenset())

WORLD = World()
WORLD.register()


def fuzz(data: bytes) -> None:
    """Ask a daemon that has registered; whatever is asked, the answer is an object of JSON."""
    request = read_request(data)
    if not isinstance(request, str):
        json.dumps(operator.answer(WORLD.daemon, request, ROOT))
