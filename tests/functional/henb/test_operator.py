"""The operator's commands, as they are typed, and what HeMS and HeNB make of them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

from tests.functional.henb.test_command_line import run
from tests.lab.events import PATIENCE
from tests.lab.lab import FAP, INNER_ADDRESS, ROOT, S1_SERVERS, Lab
from tests.lab.probe import eventually
from tests.lab.topology import MME, SECOND_MME

INTERVAL = "Device.ManagementServer.PeriodicInformInterval"
TAC = FAP + "CellConfig.LTE.EPC.TAC"
PASSWORD = "Device.ManagementServer.Password"


def henbd(lab: Lab, *arguments: str, **popen: Any) -> subprocess.CompletedProcess[str]:
    """Have an operator ask the daemon of the lab."""
    return run(*arguments, "--socket", str(lab.control_socket), **popen)


def test_what_is_typed_reaches_the_parameters(registered: Lab) -> None:
    shown = henbd(registered, "get", INNER_ADDRESS, S1_SERVERS)
    assert shown.stdout == f"{INNER_ADDRESS} = 10.99.0.1\n{S1_SERVERS} = {MME}\n"
    gateway = FAP + "FAPControl.LTE.Gateway."
    values = json.loads(henbd(registered, "get", "--json", gateway).stdout)
    assert values[S1_SERVERS] == str(MME)

    done = henbd(registered, "set", f"{INTERVAL}=900")
    assert (done.returncode, done.stdout) == (0, f"{INTERVAL} = 900\n")
    tree = henbd(registered, "tree", INTERVAL).stdout
    assert tree == f"rw  {INTERVAL} = 900  (unsignedInt, set locally)\n"
    assert f"set locally: {INTERVAL} = 900" in registered.henbd.text()

    refused = henbd(registered, "set", f"{INTERVAL}=soon", "Device.Nothing=1")
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[0].endswith("nothing was set")
    assert f"  {INTERVAL}: " in refused.stderr
    assert "  Device.Nothing: no such parameter" in refused.stderr
    assert henbd(registered, "get", INTERVAL).stdout == f"{INTERVAL} = 900\n"
    assert henbd(registered, "set", "no equals").returncode == 2
    assert henbd(registered, "get", PASSWORD).stdout == f"{PASSWORD} = \n"


def test_a_local_change_is_told_to_the_hems(registered: Lab) -> None:
    registered.calm()
    since = time.monotonic()
    assert henbd(registered, "set", f"{S1_SERVERS}={SECOND_MME}").returncode == 0
    inform = registered.log.wait("Inform", 20, since=since)
    assert ("4 VALUE CHANGE", "") in inform.facts["events"]
    assert eventually(lambda: registered.log.events("S1SetupRequest", since) != [], 20)


def test_inform_and_reconnect_do_what_they_say(registered: Lab) -> None:
    registered.calm()
    since = time.monotonic()
    assert henbd(registered, "inform").stdout == "the HeMS is called\n"
    inform = registered.log.wait("Inform", 20, since=since)
    assert [code for code, _ in inform.facts["events"]] == ["2 PERIODIC"]

    other = registered.grant_another()
    done = henbd(registered, "reconnect")
    assert done.stdout == "ended: 1 IKE SA; the tunnel is negotiated anew\n"
    assert eventually(lambda: registered.status()["tunnel"]["inner_addresses"] == [other], 20)
    assert eventually(lambda: registered.informed(INNER_ADDRESS) == other, 20)
    assert eventually(lambda: registered.status()["s1"]["up"], 20)


def test_a_factory_reset_is_asked_for_twice(registered: Lab) -> None:
    for answer in ("", "no\n", "y\n"):
        done = henbd(registered, "factory-reset", input=answer)
        assert done.returncode == 1
        assert done.stdout.endswith("nothing was changed\n")
    assert registered.status()["s1"]["far_ends"] == [str(MME)]


MISTAKES = {
    "get Device.DeviceInfo": "is an object: its name ends in a dot, 'Device.DeviceInfo.'",
    "tree Device.DeviceInfo": "is an object: its name ends in a dot, 'Device.DeviceInfo.'",
    "get Device.Nothing": "'Device.Nothing' is no parameter here",
    "tree Device.Nothing.": "'Device.Nothing.' is no parameter or object here",
    f"set {TAC}=65536": f"  {TAC}: 65536 is not within 0 to 65535",
    f"set {TAC}=1 {TAC}=2": f"{TAC} is given twice; nothing was set",
    "metrics --output /nowhere/henbd.prom": "henbd: /nowhere/henbd.prom: No such file or directory",
}


def test_who_makes_a_mistake_is_told_which(registered: Lab) -> None:
    for words, text in MISTAKES.items():
        done = henbd(registered, *words.split())
        assert (done.returncode, done.stdout) == (1, ""), words
        assert text in done.stderr
    assert henbd(registered, "get", TAC).stdout == f"{TAC} = 1\n"


def test_metrics_go_into_a_file_that_is_whole(registered: Lab) -> None:
    file = registered.folder / "henbd.prom"
    file.write_text("what was there before")
    done = henbd(registered, "metrics", "--output", str(file))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    lines = file.read_text().splitlines()
    assert lines[0].startswith("# HELP henbd_info ")
    assert "henbd_registered 1" in lines
    assert list(registered.folder.glob("henbd.prom*")) == [file]


def test_who_may_not_read_the_trace_is_told_who_may(registered: Lab) -> None:
    nobody = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
    trace = (sys.executable, "-m", "henbd", "trace", "--socket", str(registered.control_socket))
    done = subprocess.run([*nobody, *trace], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("/trace: be root, or in the group of the socket\n")


def test_a_reader_may_stop_reading(registered: Lab) -> None:
    command = (
        f"{sys.executable} -m henbd get Device. --socket {registered.control_socket} | head -1"
    )
    bash = ["bash", "-c", f"set -o pipefail; {command}"]
    done = subprocess.run(bash, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def test_watch_follows_until_it_is_stopped(registered: Lab) -> None:
    watch = ("status", "--watch", "--socket", str(registered.control_socket))
    command = ("timeout", "--signal=INT", str(4 * PATIENCE), sys.executable, "-m", "henbd", *watch)
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.stdout.count("device       henbd lab") >= 2
    assert "Traceback" not in done.stderr
