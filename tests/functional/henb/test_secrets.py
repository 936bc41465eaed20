"""No configured secret is anywhere where somebody looks: log, status, trace, metrics, processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.functional.henb.test_command_line import run
from tests.lab.hems.rpc import Set
from tests.lab.lab import CALLER, DIGEST, PSK, Lab
from tests.lab.probe import eventually

NEW = {
    "Device.ManagementServer.Password": "set by the HeMS <1>",
    "Device.ManagementServer.ConnectionRequestPassword": "set by the HeMS <2>",
}
SECRETS = (DIGEST[1], CALLER[1], PSK, *NEW.values())
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


@pytest.mark.lab(psk=True)
def test_no_secret_is_where_somebody_looks(registered: Lab) -> None:
    lab = registered
    lab.hems.play([Set({path: (value, "xsd:string") for path, value in NEW.items()})])
    assert lab.call() in (200, 204)
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
    secrets = [*SECRETS, *(secret.replace("<", "&lt;").replace(">", "&gt;") for secret in SECRETS)]
    found = {(where, s) for where, text in shown.items() for s in secrets if s in text}
    assert not found


def socket(lab: Lab) -> tuple[str, str]:
    return "--socket", str(lab.control_socket)


def trace_files(lab: Lab) -> list[Path]:
    return list(lab.control_socket.with_name("trace").iterdir())
