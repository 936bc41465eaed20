"""From a connection request to the Inform; alone with an ACS."""

from __future__ import annotations

import http.client
import socket
import subprocess
import time
from collections.abc import Iterator

from tests.bench.alone import ACS, BARE_PORT, CALL_PORT, CALLER, HENB, Alone
from tests.bench.figures import Against, Figure, Goal
from tests.lab.hems.auth import Credentials, authorization

BARE_CALL_PORT = 7548
PATH = "/call"

# henbd takes no more calls in a minute; one that was just started has taken none.
MOST_CALLS = 25

# henbd sleeps before each trial, as a daemon does.
PAUSE_S = 0.03


def figures(trials: int) -> Iterator[Figure]:
    """Take the time from the authenticated request to the first byte of the Inform."""
    ours, bare = [], []
    with Alone() as alone, alone.core.inside(), socket.create_server((ACS, BARE_PORT)) as sink:
        peer = ("-m", "tests.bench.bare_peer", "come", ACS, str(BARE_PORT), str(BARE_CALL_PORT))
        coming = alone.run(*peer, stdout=subprocess.PIPE)
        assert coming.stdout is not None
        assert coming.stdout.readline() == b"ready\n"
        for number in range(trials):
            if number % MOST_CALLS == 0:
                alone.stop()
                alone.register()
            time.sleep(PAUSE_S)
            ours.append(_call(alone))
            time.sleep(PAUSE_S)
            bare.append(_call_bare(sink))
    yield Figure(
        "connection request → Inform",
        *("ms", ours, "connect, and send prepared bytes", bare),
        Goal(Against.ABSOLUTE, 2),
    )


def _call(alone: Alone) -> float:
    """Call henbd; return how long its Inform took from the authenticated request."""
    held = alone.acs.sessions
    connection = http.client.HTTPConnection(HENB, CALL_PORT, 10, source_address=(ACS, 0))
    connection.request("GET", PATH)
    challenge = connection.getresponse()
    challenge.read()
    said = authorization(challenge.headers["WWW-Authenticate"], "GET", PATH, Credentials(*CALLER))
    called_at = time.monotonic()
    connection.request("GET", PATH, headers={"Authorization": said})
    response = connection.getresponse()
    assert response.status == http.HTTPStatus.OK, response.status
    connection.close()
    alone.acs.wait(held + 1)
    return (alone.acs.last_inform_at - called_at) * 1000


def _call_bare(sink: socket.socket) -> float:
    """Call the one that sends prepared bytes; return how long these took."""
    with socket.create_connection((HENB, BARE_CALL_PORT)) as caller:
        time.sleep(PAUSE_S)
        called_at = time.monotonic()
        caller.sendall(b"x" * 300)
        connection, _ = sink.accept()
        with connection:
            connection.recv(4096)
            return (time.monotonic() - called_at) * 1000
