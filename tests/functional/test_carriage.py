"""Files over real connections: fetched, checked, installed and sent, and each way to fail."""

from __future__ import annotations

import base64
import hashlib
import os
import select
import socket
import ssl
import stat
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from henbd.errors import TransferError
from henbd.system import carriage, courier
from henbd.system.carriage import (
    Carriage,
    Document,
    Errand,
    FetchDocument,
    FetchImage,
    Image,
    Install,
    Installed,
    Outcome,
    Security,
    Send,
    SendLog,
    Sent,
)
from henbd.system.channel import MOST_REDIRECTS
from henbd.system.courier import Server as Place
from henbd.system.doorbell import Doorbell
from henbd.system.grip import Grip
from henbd.system.trust import NO_FILES, TlsFiles
from tests.functional.file_server import IMAGE, PASSWORD, USER, FileServer
from tests.functional.http_server import Script, Server, Visit, wait_until
from tests.functional.tls import self_signed
from tests.lab.namespaces import run

NO_TLS = Security(NO_FILES, passed=None)

BASIC = 'WWW-Authenticate: Basic realm="files"'
DIGEST = 'WWW-Authenticate: Digest realm="files", nonce="n", qop="auth"'


def place(server: Server, path: str = "/image", scheme: str = "http") -> Place:
    return Place(f"{scheme}://127.0.0.1:{server.port}{path}", USER, PASSWORD)


@pytest.fixture
def image(tmp_path: Path) -> FetchImage:
    """What is wanted of an image, but for where it is."""
    nowhere = Place("http://127.0.0.1:9/image", USER, PASSWORD)
    return FetchImage(nowhere, NO_TLS, 0, 10**6, str(tmp_path), (), ())


def carry(errand: Errand) -> Outcome:
    """Do an errand that nobody gives up."""
    return carriage.carry(errand, Grip())


def fetched(errand: FetchImage, files: FileServer, path: str = "/image") -> Outcome:
    with Server(files) as server:
        return carry(replace(errand, server=place(server, path)))


def failed(errand: Errand) -> tuple[int, str]:
    """Do an errand in vain, and return why."""
    outcome = carry(errand)
    assert isinstance(outcome, TransferError), outcome
    assert outcome.__traceback__ is None
    return outcome.code, str(outcome)


def test_an_image_is_fetched_into_a_file_of_ours(image: FetchImage, tmp_path: Path) -> None:
    outcome = fetched(replace(image, size=len(IMAGE)), FileServer())
    assert isinstance(outcome, Image)
    assert Path(outcome.file).read_bytes() == IMAGE
    assert Path(outcome.file).parent == tmp_path
    assert stat.S_IMODE(os.stat(outcome.file).st_mode) == 0o600
    Carriage(Doorbell()).discard(outcome.file)
    assert not list(tmp_path.iterdir())


@pytest.mark.conformance("C132")
@pytest.mark.parametrize("challenge", [BASIC, DIGEST])
def test_who_we_are_is_told_to_a_server_that_asks(image: FetchImage, challenge: str) -> None:
    files = FileServer(challenge=challenge)
    assert isinstance(fetched(image, files), Image)
    with Server(files) as server:
        assert carry(Send(place(server, "/new"), NO_TLS, b"content")) == Sent()
    assert files.received["/new"] == b"content"


@pytest.mark.conformance("C132")
@pytest.mark.parametrize("challenge", [None, BASIC, DIGEST])
def test_redirects_are_followed_and_another_host_is_not_told_a_password(
    image: FetchImage, challenge: str | None
) -> None:
    def script(visit: Visit) -> None:
        while request := visit.request():
            if "authorization" not in request.headers:
                visit.reply(b"", "401 Unauthorized", BASIC)
            else:
                visit.reply(b"", "302 Found", f"Location: http://127.0.0.2:{there.port}/image")

    with Server(FileServer(challenge=challenge), host="127.0.0.2") as there, Server(script) as here:
        if challenge == BASIC:
            assert failed(replace(image, server=place(here)))[1] == "HTTP 401 Unauthorized"
            assert failed(Send(place(here), NO_TLS, b"{}"))[1] == "HTTP 401 Unauthorized"
        else:
            assert isinstance(carry(replace(image, server=place(here))), Image)
            assert carry(Send(place(here), NO_TLS, b"{}")) == Sent()
    assert {r.line.split()[0]: r.body for r in there.requests} == {"GET": b"", "PUT": b"{}"}
    said = [r.headers["authorization"] for r in there.requests if "authorization" in r.headers]
    assert [text.partition(" ")[0] for text in said] == ["Digest"] * 2 * (challenge == DIGEST)


def test_redirects_have_an_end(image: FetchImage) -> None:
    def script(visit: Visit) -> None:
        while visit.request():
            visit.reply(b"", "302 Found", "Location: /again")

    with Server(script) as server:
        code, text = failed(replace(image, server=place(server)))
    assert (code, text) == (9010, "HTTP 302 Found")
    assert len(server.requests) == MOST_REDIRECTS + 1


@pytest.mark.conformance("C132")
def test_https_is_believed_by_our_rules(image: FetchImage, tmp_path: Path) -> None:
    files = self_signed(tmp_path)
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.load_cert_chain(files.certificate, files.key)
    trusting = Security(TlsFiles(str(files.certificate), None, None), passed=None)
    with Server(FileServer(), context=secure) as server:
        there = place(server, scheme="https")
        assert isinstance(carry(replace(image, server=there, security=trusting)), Image)
        assert carry(Send(there, trusting, b"{}")) == Sent()
        code, text = failed(replace(image, server=there))
        assert code == 9012
        assert "certificate verify failed" in text
        other = replace(there, url=there.url.replace("127.0.0.1", "127.0.0.2"))
        assert failed(replace(image, server=other, security=trusting))[0] in (9012, 9015)


@pytest.mark.conformance("C013", "C132")
def test_a_clock_that_nobody_keeps_right_counts_as_with_a_hems(
    image: FetchImage, tmp_path: Path
) -> None:
    """It may be months behind: a date is not looked at, but what has ended for sure has."""
    files = self_signed(tmp_path)
    expired = tmp_path / "expired.pem"
    again = ("openssl", "x509", "-in", str(files.certificate), "-signkey", str(files.key))
    run(*again, "-days", "-1", "-out", str(expired))
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.load_cert_chain(expired, files.key)
    trusting = Security(TlsFiles(str(expired), None, None), passed=None)
    with Server(FileServer(), context=secure) as server:
        asked = replace(image, server=place(server, scheme="https"))
        code, text = failed(replace(asked, security=trusting))
        assert (code, "verify failed: certificate has expired" in text) == (9012, True)
        early = replace(trusting, passed=datetime(1970, 1, 1, tzinfo=UTC))
        assert isinstance(carry(replace(asked, security=early)), Image)
        late = replace(trusting, passed=datetime.now(UTC))
        code, text = failed(replace(asked, security=late))
        assert (code, "has expired, whatever the clock shows" in text) == (9012, True)


SHA256 = base64.b64encode(hashlib.sha256(IMAGE).digest()).decode()
MD5 = base64.b64encode(hashlib.md5(IMAGE).digest()).decode()
WRONG = base64.b64encode(bytes(32)).decode()


@pytest.mark.conformance("C137")
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ((f"Repr-Digest: sha-256=:{SHA256}:",), None),
        ((f"Content-Digest: sha-256=:{SHA256}:, md5=:{MD5}:",), None),
        ((f"Digest: SHA-256={SHA256},MD5={MD5}",), None),
        ((f"Content-MD5: {MD5}",), None),
        (("Digest: unixsum=30637, crc32c=x",), None),
        ((f"Repr-Digest: sha-256=:{WRONG}:",), 9018),
        ((f"Digest: md5={MD5},sha-256={WRONG}",), 9018),
        ((f"Content-MD5: {WRONG}",), 9018),
        (("Content-MD5: nonsense",), 9018),
    ],
)
def test_what_the_server_says_of_the_content_is_checked(
    image: FetchImage, tmp_path: Path, headers: tuple[str, ...], code: int | None
) -> None:
    outcome = fetched(image, FileServer(headers=headers))
    if code is None:
        assert isinstance(outcome, Image)
    else:
        assert isinstance(outcome, TransferError)
        assert outcome.code == code
        assert not list(tmp_path.iterdir())


def refusing(status: str) -> FileServer:
    return FileServer(status=status)


@pytest.mark.conformance("C137", "C150")
@pytest.mark.parametrize(
    ("files", "change", "code", "why"),
    [
        (FileServer(files={}), {}, 9016, "HTTP 404 Not Found"),
        (refusing("403 Forbidden"), {}, 9016, "HTTP 403 Forbidden"),
        (refusing("500 Broken"), {}, 9010, "HTTP 500 Broken"),
        (refusing("204 No Content"), {}, 9010, "HTTP 204 No Content"),
        (FileServer(challenge="WWW-Authenticate: Negotiate"), {}, 9012, "HTTP 401 Unauthorized"),
        (FileServer(cut=5000), {}, 9017, "the answer was cut short after 5000 bytes"),
        (FileServer(), {"size": 7}, 9018, "the file has 256000 bytes, not 7"),
        (FileServer(), {"size": 256001}, 9018, "the file has 256000 bytes, not 256001"),
        (FileServer(), {"most_bytes": 1000}, 9010, "the file has over 1000 bytes"),
        (FileServer(), {"directory": "/nowhere"}, 9010, "/nowhere: No such file or directory"),
        (FileServer(), {"verify": ("false",)}, 9019, "false ended with 1"),
        (FileServer(), {"check": ("false",)}, 9018, "false ended with 1"),
        (FileServer(), {"verify": ("/nowhere",)}, 9019, "/nowhere: No such file or directory"),
        (
            FileServer(),
            {"check": ("sh", "-c", "echo this is; echo no image >&2; exit 3")},
            9018,
            "sh ended with 3: this is no image",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_goes_wrong_is_told_apart_and_leaves_no_file(
    image: FetchImage,
    tmp_path: Path,
    files: FileServer,
    change: dict[str, object],
    code: int,
    why: str,
) -> None:
    outcome = fetched(replace(image, **change), files)  # type: ignore[arg-type]
    assert isinstance(outcome, TransferError)
    assert (outcome.code, str(outcome).partition(": HTTPConn")[0]) == (code, why)
    assert not list(tmp_path.iterdir())


@pytest.mark.conformance("C137")
def test_a_server_that_cannot_be_reached_is_told_as_such(
    image: FetchImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    nobody = Place(url + "/image", "", "")
    assert failed(replace(image, server=nobody)) == (9015, f"{url}: connection refused")
    assert failed(Send(nobody, NO_TLS, b"{}")) == (9015, f"{url}: connection refused")
    nameless = Place("http://no-such-host.invalid/image", "", "")
    assert failed(replace(image, server=nameless))[0] == 9015
    monkeypatch.setattr(courier, "READ_TIMEOUT_S", 0.2)

    def silent(visit: Visit) -> None:
        visit.request()
        visit.request()

    with Server(silent) as server:
        assert failed(replace(image, server=place(server)))[0] == 9015


def test_a_disk_that_is_full_is_told_as_such(image: FetchImage, tmp_path: Path) -> None:
    with Server(FileServer()) as server:
        worker = partial(carry, replace(image, server=place(server)))
        code, text = limited(worker, 100_000)
    assert (code, text.rpartition(": ")[2]) == (9010, "File too large")
    assert not list(tmp_path.iterdir())


def limited(work: Callable[[], Outcome], size: int) -> tuple[int, str]:
    """Do something in a process whose files can have no more than this size."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        import resource
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        outcome = work()
        assert isinstance(outcome, TransferError)
        os.write(writer, f"{int(outcome.code)} {outcome}".encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as said:
        code, _, text = said.read().partition(" ")
    os.waitpid(child, 0)
    return int(code), text


@pytest.mark.conformance("C137", "C138")
def test_an_image_is_verified_before_it_is_checked_and_then_installed(
    image: FetchImage, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    note = partial(lambda word: ("sh", "-c", f'echo {word} $(wc -c < "$0") >> {log}'))
    errand = replace(image, verify=note("verify"), check=note("check"))
    outcome = fetched(errand, FileServer())
    assert isinstance(outcome, Image)
    assert carry(Install(note("install"), outcome.file)) == Installed()
    assert log.read_text().splitlines() == [
        f"{word} {len(IMAGE)}" for word in ("verify", "check", "install")
    ]
    assert failed(Install(("false",), outcome.file)) == (9010, "false ended with 1")


@pytest.mark.conformance("C140")
@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b'{"a": "b"}', None),
        (b"[1]", 9018),
        (b"no JSON", 9018),
        (b"\xff\xfe", 9018),
        (b"[" * 100_000, 9018),
        (b'{"a": ' + b"1" * 5000 + b"}", 9018),
        (b"", 9018),
        (b"x" * (carriage.LARGEST_DOCUMENT + 1), 9010),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_document_is_a_json_object(content: bytes, code: int | None) -> None:
    with Server(FileServer(files={"/a": content})) as server:
        errand = FetchDocument(place(server, "/a"), NO_TLS, 0)
        if code is None:
            assert carry(errand) == Document({"a": "b"})
        else:
            assert failed(errand)[0] == code


@pytest.mark.conformance("C132")
@pytest.mark.parametrize(
    ("status", "challenge", "code"),
    [("404 No", None, 9011), ("507 Full", None, 9011), ("200 OK", "WWW-Authenticate: X", 9012)],
)
def test_an_upload_that_is_refused_is_told(status: str, challenge: str | None, code: int) -> None:
    with Server(FileServer(status=status, challenge=challenge)) as server:
        assert failed(Send(place(server), NO_TLS, b"{}"))[0] == code


def test_of_a_log_the_end_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carriage, "LARGEST_LOG", 1000)
    files = FileServer()
    with Server(files) as server:
        words = ("sh", "-c", "seq 1 1000; echo complaint >&2")
        assert carry(SendLog(place(server, "/log"), NO_TLS, words)) == Sent()
        assert failed(SendLog(place(server, "/no"), NO_TLS, ("false",))) == (
            9011,
            "false ended with 1",
        )
    assert len(files.received["/log"]) == 1000
    assert files.received["/log"].endswith(b"999\n1000\n")
    assert "/no" not in files.received


def test_what_an_earlier_process_has_left_is_removed_and_nothing_else(
    image: FetchImage, tmp_path: Path
) -> None:
    others = [tmp_path / name for name in ("henbd-1.0.img", "henbd-fetched-notes.txt")]
    for file in others:
        file.touch()
    assert isinstance(fetched(image, FileServer()), Image)
    assert len(list(tmp_path.iterdir())) == 3
    carriage = Carriage(Doorbell())
    carriage.clear(str(tmp_path))
    assert sorted(tmp_path.iterdir()) == sorted(others)
    carriage.clear(str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("errand", "code"),
    [
        (Install(("/bin/true",), "/image"), 9010),
        (SendLog(Place("http://127.0.0.1:9/", "", ""), NO_TLS, ("/bin/true",)), 9011),
    ],
)
def test_a_box_without_room_for_what_a_command_says_tells_it(
    errand: Errand, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    text = "nowhere to keep what a command says: No such file or directory"
    assert failed(errand) == (code, text)


def test_the_loop_does_not_wait_for_an_errand(image: FetchImage) -> None:
    doorbell, outcomes = Doorbell(), list[Outcome]()
    shell = Carriage(doorbell)
    gate = threading.Event()

    def slow(visit: Visit) -> None:
        visit.request()
        gate.wait(20)
        visit.reply(IMAGE)

    with Server(slow) as server:
        started = time.monotonic()
        shell.carry(replace(image, server=place(server)), outcomes.append)
        wait_until(doorbell, lambda: server.requests, "the request")
        assert not outcomes
        assert time.monotonic() - started < 15
        gate.set()
        wait_until(doorbell, lambda: outcomes, "the image")
    assert isinstance(outcomes[0], Image)
    shell.close()


def drips(visit: Visit) -> None:
    """Send an image a byte now and then: no time limit of a single read ends that."""
    visit.request()
    visit.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        visit.socket.sendall(b"x")
        time.sleep(0.05)


def takes_nothing(visit: Visit) -> None:
    """Read nothing of what is sent, until the client goes."""
    poll = select.poll()
    poll.register(visit.socket, select.POLLRDHUP)
    poll.poll(20_000)


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("script", [drips, takes_nothing])
def test_an_errand_that_is_given_up_leaves_neither_thread_nor_descriptor(
    image: FetchImage, tmp_path: Path, script: Script, *, secure: bool
) -> None:
    files = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    trusting = Security(TlsFiles(str(files.certificate), None, None), passed=None)
    doorbell, outcomes = Doorbell(), list[Outcome]()
    shell = Carriage(doorbell)
    with Server(script, context=context if secure else None) as server:
        there = place(server, scheme="https" if secure else "http")
        wanted: Errand = replace(image, server=there, security=trusting)
        if script is takes_nothing:
            wanted = Send(there, trusting, bytes(20_000_000))
        before = descriptors(), threading.active_count()
        give_up = shell.carry(wanted, outcomes.append)
        wait_until(doorbell, lambda: server.resumed or not secure, "the handshake")
        wait_until(doorbell, lambda: server.open, "the connection")
        doorbell.wait(time.monotonic() + 0.3)
        assert not outcomes
        for _ in range(2):
            give_up()
        wait_until(doorbell, lambda: outcomes, "the end")
        assert isinstance(outcomes[0], TransferError)
        wait_until(doorbell, lambda: (descriptors(), threading.active_count()) == before, "all")
    assert not list(tmp_path.glob("*.img"))
    shell.close()


def test_an_errand_that_is_given_up_before_it_is_connected_connects_to_nobody(
    image: FetchImage,
) -> None:
    grip = Grip()
    grip.cut()
    with Server(FileServer()) as server:
        outcome = carriage.carry(replace(image, server=place(server)), grip)
        assert isinstance(outcome, TransferError)
        assert "given up" in str(outcome) or "abort" in str(outcome)
        assert not server.requests


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))
