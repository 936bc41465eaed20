"""Envelopes that are to exhaust the box: refused or read, in a memory and a time that it has."""

from __future__ import annotations

import gzip
import resource
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from henbd.cwmp import soap
from henbd.cwmp.bounds import LARGEST_BYTES
from henbd.errors import HemsError
from tests.functional.hems_client import Client
from tests.functional.http_server import Server, Visit

# For an envelope of 4 MiB. A box has 64 MiB and more; libxml2 would take 100 for what is refused.
MEMORY_BYTES = 32 * 1024 * 1024
CPU_S = 20

# Those that are an envelope all the same: long, but of nothing that would multiply.
READABLE = ("one text", "references")

START = (
    b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"'
    b' xmlns:c="urn:dslforum-org:cwmp-1-0"><e:Body>'
)
END = b"</e:Body></e:Envelope>"
LAUGHS = b"".join(
    b'<!ENTITY a%d "%s">' % (n, (b"&a%d;" % (n - 1) if n else b"ha") * 10) for n in range(20)
)


def filled(before: bytes, piece: Callable[[int], bytes], after: bytes, length: int) -> bytes:
    """Return an envelope of the largest size that is full of pieces, each of about that length."""
    room = LARGEST_BYTES - len(START + before + after + END)
    pieces = b"".join(map(piece, range(room // length)))
    return START + before + pieces + after + END


def hostile() -> dict[str, bytes]:
    """Return the envelopes by name; all but one are within the size that is read at all."""
    get = b"<c:GetParameterValues><ParameterNames>"
    get_end = b"</ParameterNames></c:GetParameterValues>"
    return {
        "elements": filled(b"<c:A>", lambda _: b"<a/>", b"</c:A>", 4),
        "elements of many names": filled(b"<c:A>", lambda n: b"<a%d/>" % n, b"</c:A>", 11),
        "attributes": filled(b"<c:A", lambda n: b' a%d=""' % n, b"/>", 12),
        "namespaces": filled(b"<c:A", lambda n: b' xmlns:a%d="u"' % n, b"/>", 19),
        "names": filled(get, lambda _: b"<string>Device.</string>", get_end, 24),
        "one text": filled(b"<c:A>", lambda _: b"x" * 1000, b"</c:A>", 1000),
        "references": filled(b"<c:A>", lambda _: b"&#65;", b"</c:A>", 5),
        "depth": START + b"<a>" * 500_000,
        "depth and breadth": filled(b"", lambda _: b"<a>" * 99 + b"</a>" * 99, b"", 693),
        "laughs": b"<!DOCTYPE l [" + LAUGHS + b"]>" + START + b'<c:A b="&a19;">&a19;</c:A>' + END,
        "100 MB": START + b"<a/>" * 25_000_000 + END,
    }


def read_all() -> None:
    """Read every one of them with so much memory beyond what there is already, and so much time."""
    envelopes = hostile()
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY_BYTES,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S,) * 2)
    for name, data in envelopes.items():
        try:
            print(name, "read as", type(soap.parse(data).message).__name__)
        except HemsError as error:
            print(name, "refused:", error)


@pytest.mark.conformance("C045")
def test_a_hostile_envelope_is_refused_within_memory_and_time() -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"from {__name__} import read_all; read_all()"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert len(said) == len(hostile())
    read = [line for line in said if "refused" not in line]
    assert read == [f"{name} read as UnknownMethod" for name in READABLE]


@pytest.mark.conformance("C045")
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_of_an_answer_without_end_no_more_is_kept_than_may_be_read(packed: bool) -> None:
    piece = bytes(65536)
    bomb = gzip.compress(bytes(100_000_000))

    def script(visit: Visit) -> None:
        visit.request()
        if packed:
            visit.reply(bomb, "200 OK", "Content-Encoding: gzip")
            return
        visit.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        while True:
            visit.socket.sendall(piece)

    client = Client()
    with Server(script) as server:
        client.open(f"http://127.0.0.1:{server.port}/")
        tracemalloc.start()
        try:
            assert client.fail().endswith(f"an answer of over {LARGEST_BYTES} bytes")
            assert tracemalloc.get_traced_memory()[1] < 3 * LARGEST_BYTES
        finally:
            tracemalloc.stop()
        client.acs.abort()
    client.acs.close()
