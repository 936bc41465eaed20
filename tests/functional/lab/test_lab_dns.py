"""The DNS server, asked by datagrams and by the C library's resolver."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.dns import TYPE_A, TYPE_AAAA, Behaviour, Dns
from tests.lab.events import PATIENCE, Log

SHORT_S = 0.15 * PATIENCE
NO_ERROR, SERVFAIL, NXDOMAIN = 0, 2, 3


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def dns(log: Log) -> Iterator[Dns]:
    with Dns(log, "127.0.0.1", 0) as running:
        running.name("hems.lab", "10.30.0.3", "fd00:30::3", "10.30.0.4")
        yield running


def ask(dns: Dns, name: str, kind: int, timeout_s: float = 10 * PATIENCE) -> tuple[int, bytes]:
    """Ask a question; return the code of the answer, and its records."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    question = labels + b"\0" + kind.to_bytes(2, "big") + b"\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout_s)
        sock.connect(("127.0.0.1", dns.port))
        sock.send(b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + question)
        answer = sock.recv(4096)
    assert answer[:2] == b"\x12\x34"
    return answer[3] & 15, answer[12 + len(question) :]


def test_addresses_come_in_their_order(dns: Dns, log: Log) -> None:
    code, records = ask(dns, "HEMS.lab", TYPE_A)
    assert code == NO_ERROR
    assert [records[12:16], records[28:32]] == [b"\x0a\x1e\0\3", b"\x0a\x1e\0\4"]
    code, records = ask(dns, "hems.lab", TYPE_AAAA)
    assert records[12:] == socket.inet_pton(socket.AF_INET6, "fd00:30::3")
    assert log.events("DNS")[0].text == "DNS  hems.lab A?  10.30.0.3, 10.30.0.4  from 127.0.0.1"


def test_name_without_address_is_no_unknown_name(dns: Dns) -> None:
    dns.name("empty.lab")
    assert ask(dns, "empty.lab", TYPE_A) == (NO_ERROR, b"")
    assert ask(dns, "other.lab", TYPE_A) == (NXDOMAIN, b"")
    dns.forget("hems.lab")
    assert ask(dns, "hems.lab", TYPE_A) == (NXDOMAIN, b"")


def test_behaviour_changes_at_run_time(dns: Dns, log: Log) -> None:
    dns.behave(Behaviour.SERVFAIL)
    assert ask(dns, "hems.lab", TYPE_A) == (SERVFAIL, b"")
    dns.behave(Behaviour.SILENCE)
    with pytest.raises(TimeoutError):
        ask(dns, "hems.lab", TYPE_A, SHORT_S)
    assert log.events("DNS")[-1].facts["behaviour"] is Behaviour.SILENCE
    dns.behave(Behaviour.ANSWER)
    assert ask(dns, "hems.lab", TYPE_A)[1]
    dns.behave(Behaviour.NXDOMAIN, "hems.lab")
    dns.name("mme.lab", "10.30.0.2")
    assert ask(dns, "hems.lab", TYPE_A) == (NXDOMAIN, b"")
    assert ask(dns, "mme.lab", TYPE_A)[1]


def test_delay_of_one_answer_holds_up_no_other(dns: Dns) -> None:
    dns.behave(Behaviour.ANSWER, delay_s=2 * SHORT_S)
    took: list[float] = []

    def measure() -> None:
        began = time.monotonic()
        ask(dns, "hems.lab", TYPE_A)
        took.append(time.monotonic() - began)

    threads = [threading.Thread(target=measure) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(2 * SHORT_S <= each < 4 * SHORT_S for each in took), took


def test_nonsense_is_noted_and_survived(dns: Dns, log: Log) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"nonsense", ("127.0.0.1", dns.port))
    log.wait("DNS", where=lambda event: "error" in event.facts)
    assert ask(dns, "hems.lab", TYPE_A)[1]


def test_close_ends_the_thread(log: Log) -> None:
    dns = Dns(log, "127.0.0.1", 0)
    dns.close()
    dns.close()
    assert not [thread for thread in threading.enumerate() if thread.name == f"DNS {dns.port}"]


RESOLVE = """
import socket
from tests.lab.dns import Dns
from tests.lab.events import Log
with Dns(Log(), "127.0.0.1") as dns:
    dns.name("hems.lab", "10.30.0.3", "fd00:30::3")
    found = socket.getaddrinfo("hems.lab", 80, type=socket.SOCK_STREAM)
    print(sorted(address[0] for *_, address in found))
    try:
        socket.getaddrinfo("other.lab", 80)
    except socket.gaierror as error:
        print(error.errno == socket.EAI_NONAME)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a network namespace of its own")
def test_c_library_resolves_with_it(tmp_path: Path) -> None:
    resolver = tmp_path / "resolv.conf"
    resolver.write_text("nameserver 127.0.0.1\n")
    script = f'ip link set lo up && mount --bind {resolver} /etc/resolv.conf && exec "$@"'
    command = ["sh", "-c", script, "sh", sys.executable, "-c", RESOLVE]
    done = subprocess.run(
        ["unshare", "--net", "--mount", *command], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["['10.30.0.3', 'fd00:30::3']", "True"], done.stderr
