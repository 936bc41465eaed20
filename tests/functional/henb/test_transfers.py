"""Files on the HeMS's word: henbd as a whole, with a file server inside of the tunnel."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.functional.file_server import IMAGE, PASSWORD, USER, FileServer
from tests.functional.http_server import Server
from tests.lab import topology
from tests.lab.hems.messages import TransferComplete
from tests.lab.hems.rpc import Download, Methods, Upload
from tests.lab.hems.script import HoldRequests, SoapFault, on_inform, on_request
from tests.lab.lab import S1_SERVERS, Lab
from tests.lab.probe import eventually

BASIC = 'WWW-Authenticate: Basic realm="files"'
PORT = 8080


@contextmanager
def serving(lab: Lab, files: FileServer) -> Iterator[Server]:
    """Have a server in the operator's core."""
    with lab.net.core.inside():
        server = Server(files, host=str(topology.HEMS), port=PORT)
    with server:
        yield server


def url(path: str) -> str:
    return f"http://{topology.HEMS}:{PORT}{path}"


def order(lab: Lab, request: Download | Upload) -> float:
    """Have the HeMS ask for a transfer; return since when."""
    since = time.monotonic()
    lab.hems.play([request])
    assert lab.call() == 200
    lab.log.wait(f"{request.METHOD}Response", 20, since=since)
    return since


def completed(lab: Lab, since: float) -> TransferComplete:
    """Wait until the HeMS is told of a transfer, and has answered."""
    lab.log.wait("TransferCompleteResponse", 30, since=since)
    told = [
        request
        for session in lab.hems.sessions
        for request in session.requests
        if isinstance(request, TransferComplete)
    ]
    return told[-1]


def test_a_configuration_goes_out_and_comes_back(registered: Lab) -> None:
    files = FileServer(challenge=BASIC)
    with serving(registered, files) as server:
        upload = Upload("1 Vendor Configuration File", url("/c"), "up", USER, PASSWORD)
        told = completed(registered, order(registered, upload))
        assert (told.command_key, told.fault_code) == ("up", 0)
        assert server.peers[0] == "10.99.0.1"
        document = json.loads(files.received["/c"])
        assert document["parameters"][S1_SERVERS] == str(topology.MME)
        document["parameters"][S1_SERVERS] = str(topology.SECOND_MME)
        files.files["/c"] = json.dumps(document).encode()
        since = order(
            registered,
            Download("3 Vendor Configuration File", url("/c"), "down", USER, PASSWORD),
        )
        told = completed(registered, since)
        assert (told.command_key, told.fault_code) == ("down", 0)
        assert eventually(lambda: len(registered.second_mme.s1_up) == 1, 20)
        files.files["/c"] = b'{"format": "henbd configuration 1", "parameters": {"a": "b"}}'
        since = order(
            registered,
            Download("3 Vendor Configuration File", url("/c"), "bad", USER, PASSWORD),
        )
        told = completed(registered, since)
        assert (told.command_key, told.fault_code) == ("bad", 9018)
        assert len(registered.second_mme.s1_up) == 1


INSTALLER = "import sys; open(sys.argv[1], 'wb').write(open(sys.argv[2], 'rb').read())"


def test_an_image_is_installed_and_told_of_in_the_next_boot(registered: Lab) -> None:
    lab = registered
    flash = lab.folder / "flash"
    install = [sys.executable, "-c", INSTALLER, str(flash)]
    words = {"firmware_install": install, "directory": str(lab.folder)}
    lab.configure({"transfers": words})
    lab.henbd.send(signal.SIGHUP)
    assert eventually(lambda: "read again" in lab.henbd.text())
    with serving(lab, FileServer()):
        since = order(lab, Download("1 Firmware Upgrade Image", url("/image"), "image"))
        assert eventually(lambda: flash.exists() and flash.read_bytes() == IMAGE, 20)
        # The box restarts, and is another version.
        lab.henbd.kill()
        lab.stack.stop()
        assert not lab.log.events("TransferComplete", since)
        lab.set_boot_id()
        lab.configure({"transfers": words, "device": {"software_version": "2.0"}})
        lab.start()
        told = completed(lab, since)
        assert (told.command_key, told.fault_code, told.fault_text) == ("image", 0, "")
    inform = lab.log.events("Inform", since)[-1]
    codes = {code for code, _ in inform.facts["events"]}
    assert {"1 BOOT", "4 VALUE CHANGE", "7 TRANSFER COMPLETE", "M Download"} <= codes


def test_a_transfer_that_was_cut_short_by_a_kill_is_repeated(registered: Lab) -> None:
    lab = registered
    files = FileServer(files={})
    with serving(lab, files) as server:
        since = order(lab, Download("3 Vendor Configuration File", url("/c"), "late", delay_s=2))
        lab.henbd.kill()
        lab.henbd.start()
        told = completed(lab, since)
        assert (told.command_key, told.fault_code) == ("late", 9016)
        assert len(server.requests) == 1


@pytest.mark.conformance("C039", "C049", "C050", "C052", "C053", "C073")
def test_transfer_complete_is_held_repeated_and_owed_until_it_is_answered(
    registered: Lab,
) -> None:
    lab = registered
    with serving(lab, FileServer()):
        lab.calm()
        since = time.monotonic()
        lab.hems.play(
            [Upload("1 Vendor Configuration File", url("/c"), "key")],
            [on_request(SoapFault(8003, "not now"))],
            [on_inform(HoldRequests()), Methods(), on_request(SoapFault(8005))],
        )
        assert lab.call() == 200
        refused = lab.log.wait("TransferComplete", 30, since=since)
        end = lab.log.wait("session-end", 20, since=refused.at)
        completed(lab, end.at)
    lab.log.wait(
        "session-end", 20, where=lambda e: e.at > lab.log.events("TransferCompleteResponse")[-1].at
    )
    *_, last = lab.hems.sessions
    assert ("M Upload", "key") in last.informs[0].events
    assert len(last.answers) == 1
    assert len(last.requests) == 1
    assert last.informs[0].retry_count == 0
    # The wait before the first retry (TR-069 table 3).
    assert 5 <= lab.log.events("Inform", end.at)[0].at - end.at < 12
