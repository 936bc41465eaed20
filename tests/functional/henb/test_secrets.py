"""No configured secret is anywhere where somebody looks: log, status, trace, metrics, processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from henbd.model import paths
from tests.functional.henb.test_command_line import run
from tests.functional.henb.test_transfers import url
from tests.lab.hems.rpc import Add, Download, Set, Upload
from tests.lab.lab import CALLER, DIGEST, PSK, Lab
from tests.lab.probe import eventually

NEW = {
    "Device.ManagementServer.Password": "set by the HeMS <1>",
    "Device.ManagementServer.ConnectionRequestPassword": "set by the HeMS <2>",
    f"{paths.PERFORMANCE_CONFIGS}1.Password": "set by the HeMS <3>",
}
UPLOAD, DOWNLOAD = "for an upload <4>", "for a download <5>"
SECRETS = (DIGEST[1], CALLER[1], PSK, *NEW.values(), UPLOAD, DOWNLOAD)
COMMANDS = (
    ("status",),
    ("status", "--json"),
    ("get", "Device."),
    ("tree",),
    ("tree", "--json"),
    ("trace",),
    ("trace", "--json"),
    ("trace", "--html"),
    ("metrics",),
)


KINDS = [pytest.param(marks=pytest.mark.lab(psk=psk), id=f"psk={psk}") for psk in (True, False)]


@pytest.mark.parametrize((), KINDS)
def test_no_secret_is_where_somebody_looks(registered: Lab) -> None:
    """The log is that of the level debug; each way to authenticate has a secret of its own."""
    lab = registered
    key = [line for line in lab.pki.henb.key.read_text().splitlines() if line[:5] != "-----"]
    # Nobody is at that URL: the transfers fail, and that is told of as well.
    upload = Upload("1 Vendor Configuration File", url("/file"), "up", "henb", UPLOAD)
    download = Download("3 Vendor Configuration File", url("/file"), "down", "henb", DOWNLOAD)
    lab.hems.play([upload, download])
    assert lab.call() == 200
    assert eventually(lambda: len(lab.log.events("TransferCompleteResponse")) == 2, 30)
    lab.calm()
    values = {path: (value, "xsd:string") for path, value in NEW.items()}
    lab.hems.play([Add(paths.PERFORMANCE_CONFIGS), Set(values)])
    assert lab.call() == 200
    path = next(iter(NEW))
    assert eventually(lambda: path in run("trace", "--json", *socket(lab)).stdout, 20)
    local = run("set", f"{path}={DIGEST[1]}", *socket(lab))
    assert local.returncode == 0
    shown = {" ".join(command): run(*command, *socket(lab)).stdout for command in COMMANDS}
    shown |= {"the log": lab.henbd.text(), "the answer to set": local.stdout}
    for name in ("cmdline", "environ"):
        shown[name] = Path(f"/proc/{lab.henbd.pid}/{name}").read_text()
    for file in (lab.control_socket.with_name("status.json"), *trace_files(lab)):
        shown[file.name] = file.read_text()
    assert all(shown[" ".join(command)] for command in COMMANDS)
    secrets = [
        *SECRETS,
        *key,
        *(secret.replace("<", "&lt;").replace(">", "&gt;") for secret in SECRETS),
    ]
    found = {(where, s) for where, text in shown.items() for s in secrets if s in text}
    assert not found
    # Of all files those that have one are for their owner alone: configuration, secrets, the store.
    files = [file for file in lab.folder.rglob("*") if file.is_file()]
    telling = [
        file for file in files if any(s in file.read_text(errors="replace") for s in secrets)
    ]
    assert lab.folder / "store" / "state.json" in telling
    assert [file for file in telling if file.stat().st_mode & 0o077] == []


def socket(lab: Lab) -> tuple[str, str]:
    return "--socket", str(lab.control_socket)


def trace_files(lab: Lab) -> list[Path]:
    return list(lab.control_socket.with_name("trace").iterdir())
