"""The whole lab: net, gateway, HeMS, MME, S-GW, the HeNB's charon, stack and henbd, and captures.

The demo and the functional tests stand on it. Everybody who is not the HeNB runs in this process;
what is on the HeNB are processes of their own, which can be stopped, killed and started again.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from henbd.errors import ConsoleError
from henbd.screen import screen
from henbd.system.console import ask
from tests.lab import topology
from tests.lab.address_watch import AddressWatch
from tests.lab.capture import Capture
from tests.lab.charon import Charon
from tests.lab.events import PATIENCE, Log
from tests.lab.gateway import Gateway
from tests.lab.gtpu import Sgw
from tests.lab.hems import Hems, TlsFiles
from tests.lab.hems.rpc import Set
from tests.lab.managed_stack import KINDS, ManagedStack
from tests.lab.mme import Mme
from tests.lab.pcap import Packet
from tests.lab.pki import GATEWAY_ID, HENB_ID, Pki, make
from tests.lab.topology import Topology

HEMS_PORT = 7557
DIGEST = ("00256D-HeNB-000001", "a password of the lab")
CALLER = ("hems", "call me")
PSK = "a shared secret of the lab"

FAP = "Device.Services.FAPService.1."
S1_SERVERS = FAP + "FAPControl.LTE.Gateway.S1SigLinkServerList"
S1_PORT = FAP + "FAPControl.LTE.Gateway.S1SigLinkPort"
SECURITY_GATEWAY = FAP + "FAPControl.LTE.Gateway.SecGWServer1"
CELL_IDENTITY = FAP + "CellConfig.LTE.RAN.Common.CellIdentity"
IPSEC_ENABLE = "Device.IPsec.Enable"
INNER_ADDRESS = "Device.IP.Interface.1.IPv4Address.1.IPAddress"
INNER_ADDRESS_6 = "Device.IP.Interface.1.IPv6Address.1.IPAddress"
OP_STATE = FAP + "FAPControl.LTE.OpState"
CONNECTION_REQUEST_URL = "Device.ManagementServer.ConnectionRequestURL"

# The checkout that the tests are in: henbd is run from there.
ROOT = Path(__file__).parents[2]

# A start imports a hundred modules; on a machine with much to do that takes a while.
START_S, STOP_S = 30.0, 5.0


def provisioning(*far_ends: object, inside: bool = True, home: bool = True) -> Set:
    """Return the SetParameterValues of a registration (TS 32.593 5.1.3, 2.1).

    `home`: with a home eNB identity.
    """
    identity = {CELL_IDENTITY: ("19088743", "xsd:unsignedInt")}
    return Set(
        {
            **(identity if home else {}),
            S1_SERVERS: (",".join(map(str, far_ends or (topology.MME,))), "xsd:string"),
            S1_PORT: ("36412", "xsd:unsignedInt"),
            SECURITY_GATEWAY: (str(topology.GATEWAY), "xsd:string"),
            IPSEC_ENABLE: ("1" if inside else "0", "xsd:boolean"),
            FAP + "CellConfig.LTE.EPC.TAC": ("1", "xsd:unsignedInt"),
            FAP + "CellConfig.LTE.EPC.PLMNList.1.PLMNID": ("00101", "xsd:string"),
            FAP + "FAPControl.LTE.AdminState": ("1", "xsd:boolean"),
        },
        parameter_key="registration",
    )


@dataclass(frozen=True, slots=True)
class Options:
    """How a lab differs from the usual one: certificates, HTTP with Digest, HeMS in the tunnel.

    `ipv6_core`: HeMS, MMEs and S-GW are at their IPv6 addresses.
    `adapter` is how henbd talks to the stack. `tls` names the HeMS's key pair in Pki.
    `configuration` is laid over henbd's configuration, section by section; None takes a
    key, or a section, away.
    """

    psk: bool = False
    tls: str | None = None
    second_gateway: bool = False
    ipv6_core: bool = False
    adapter: str = "native"
    configuration: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    henb_charon: Mapping[str, Any] = field(default_factory=dict)
    henb_plugins: tuple[str, ...] = ()


class Process:
    """A program on the HeNB, with its output in a file."""

    def __init__(self, lab: Lab, name: str, *command: str) -> None:
        self._lab = lab
        self._command = command
        self.output = lab.folder / f"{name}.log"
        self._process: subprocess.Popen[Any] | None = None

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it lives."""
        return self._process is not None and self._process.poll() is None

    def start(self, *before: str) -> None:
        """Start it, after the words of a command that starts others; its output is appended."""
        assert not self.running, f"{self._command} runs already"
        path = f"{self._lab.folder / 'service'}:{os.environ['PATH']}"
        python = {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)}
        environment = {**os.environ, **python, "PATH": path}
        with self.output.open("ab") as output:
            self._process = self._lab.net.henb.start(
                *before,
                *self._command,
                env=environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def stop(self) -> int:
        """End it in good order, and return its exit status; one that hangs is killed."""
        if self._process is None:
            return 0
        if self.running:
            self.send(signal.SIGCONT)
            self.send(signal.SIGTERM)
        try:
            return self._process.wait(STOP_S * PATIENCE)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """End it at once."""
        assert self._process is not None
        self._process.kill()
        return self._process.wait()

    def restart(self) -> None:
        """Stop it and start it again."""
        self.stop()
        self.start()

    def text(self) -> str:
        """Return what it has written so far."""
        return self.output.read_text(errors="replace") if self.output.exists() else ""


class Lab:
    """Everything is there when it is made, but `henbd` and `stack` are not started."""

    def __init__(self, options: Options = Options(), folder: Path | None = None) -> None:
        self.options = options
        self.log = Log()
        self.hosts = topology.HOSTS_6 if options.ipv6_core else topology.HOSTS
        self._pools = itertools.cycle(range(1, 250))
        self._unasked: list[topology.Network] = []
        self._expected: list[tuple[topology.Network, float, float]] = []
        with ExitStack() as undo:
            self._build(undo, folder)
            self._undo = undo.pop_all()

    def _build(self, undo: ExitStack, folder: Path | None) -> None:
        options = self.options
        if folder is None:
            folder = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="henbd-lab-")))
        # charon gives up its rights, and has to reach its sockets all the same.
        folder.chmod(0o755)
        self.folder = folder
        self.pki: Pki = make(folder / "pki")
        self.net = undo.enter_context(Topology(second_gateway=options.second_gateway))
        self.gateway = undo.enter_context(
            Gateway(
                self.net.segw,
                folder,
                self.log,
                pki=self.pki,
                psk=PSK if options.psk else None,
            )
        )
        self.charon = undo.enter_context(
            Charon(
                self.net.henb,
                folder,
                "henb",
                settings=options.henb_charon,
                plugins=options.henb_plugins,
            )
        )
        with self.net.core.inside():
            self.hems = undo.enter_context(
                Hems(
                    self.log,
                    str(self.hosts.hems),
                    HEMS_PORT,
                    tls=self.tls_files(options.tls) if options.tls else None,
                    digest=DIGEST,
                )
            )
            self.mme = Mme(self.log, self.hosts.mme)
            undo.callback(self.mme.close)
            self.second_mme = Mme(self.log, self.hosts.second_mme)
            undo.callback(self.second_mme.close)
            self.sgw = Sgw(self.log, self.hosts.sgw)
            undo.callback(self.sgw.close)
        with self.net.henb.inside():
            self.addresses = AddressWatch()
            undo.callback(self.addresses.close)
        self.captures = [
            undo.enter_context(Capture(self.net.net, interface, folder))
            for interface in ("henb0", "henb1")
        ]
        self.set_boot_id()
        self.stack: Process | ManagedStack
        self.install_stack()
        undo.callback(lambda: self.stack.stop())
        self.configuration_file = folder / "henbd.toml"
        # A line for each time that the box was told to reboot.
        self.reboots = folder / "reboots"
        self.configure()
        run = ("-m", "henbd", "run", "--config", str(self.configuration_file))
        self.henbd = Process(self, "henbd", sys.executable, *run, "--log-level", "debug")
        undo.callback(self.henbd.stop)

    def install_stack(self, *more: str) -> None:
        """Have the reference stack as `stack`, with these words more when it is started."""
        if self.options.adapter in KINDS:
            self.stack = ManagedStack(self.folder / "service", self.options.adapter)
            return
        native = ("-m", "tests.lab.enb", "--socket", str(self.s1_socket), "--verbose")
        user_plane = ("--user-plane-peer", str(self.hosts.sgw))
        hook = ("--hook",) if self.options.adapter == "hook" else ()
        self.stack = Process(self, "stack", sys.executable, *native, *user_plane, *hook, *more)

    def _adapter(self) -> dict[str, Any]:
        """Return what [s1] says of the adapter."""
        if self.options.adapter == "hook":
            hook = (sys.executable, "-I", str(ROOT / "tests/lab/enb/hook.py"), str(self.s1_socket))
            return {"adapter": "hook", "command": hook}
        if isinstance(self.stack, ManagedStack):
            return {"adapter": self.options.adapter, "file": str(self.stack.file)}
        return {"socket": str(self.s1_socket)}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop and remove all that the lab has started and made."""
        self._undo.close()

    @property
    def s1_socket(self) -> Path:
        """Where henbd waits for the stack."""
        return self.folder / "s1.sock"

    @property
    def control_socket(self) -> Path:
        """Where henbd answers `henbd status`."""
        return self.folder / "control.sock"

    def tls_files(self, name: str) -> TlsFiles:
        """Return the key pair of that name as the HeMS takes it."""
        pair = getattr(self.pki, name)
        return TlsFiles(pair.certificate, pair.key)

    def set_boot_id(self) -> None:
        """Have henbd believe, from its next start on, that the box was booted again."""
        (self.folder / "boot_id").write_text(f"{uuid.uuid4()}\n")

    def configure(self, changes: Mapping[str, Mapping[str, Any] | None] | None = None) -> None:
        """Write henbd's configuration file: the lab's, its options laid over it, then `changes`."""
        sections = self._configuration()
        for overlay in (self.options.configuration, changes or {}):
            for section, keys in overlay.items():
                if keys is None:
                    del sections[section]
                else:
                    sections.setdefault(section, {}).update(keys)
        self.configuration_file.write_text(toml(sections))
        self.configuration_file.chmod(0o600)

    def _configuration(self) -> dict[str, dict[str, Any]]:
        pki, scheme = self.pki, "https" if self.options.tls else "http"
        hems = f"[{self.hosts.hems}]" if self.options.ipv6_core else f"{self.hosts.hems}"
        if self.options.psk:
            psk_file = self.folder / "psk"
            psk_file.write_text(PSK + "\n")
            psk_file.chmod(0o600)
            credentials: dict[str, Any] = {"psk_file": str(psk_file)}
        else:
            credentials = {
                "certificate_file": str(pki.henb.certificate),
                "key_file": str(pki.henb.key),
                "ca_file": str(pki.ike_ca.certificate),
            }
        return {
            "device": {
                "manufacturer": "henbd lab",
                "oui": "00256D",
                "product_class": "HeNB",
                "serial_number": "000001",
                "hardware_version": "lab",
                "boot_id_file": str(self.folder / "boot_id"),
            },
            "hems": {
                "url": f"{scheme}://{hems}:{HEMS_PORT}/",
                "username": DIGEST[0],
                "password": DIGEST[1],
                "ca_file": str(pki.tls_ca.certificate) if self.options.tls else None,
            },
            "connection_request": {"username": CALLER[0], "password": CALLER[1]},
            # Never that of the machine that the lab is on.
            "commands": {"reboot": ["/bin/sh", "-c", f"echo >> {self.reboots}"]},
            "ipsec": {
                "vici": str(self.charon.vici.path),
                "gateways": [str(topology.GATEWAY)],
                "local_id": HENB_ID,
                "remote_id": GATEWAY_ID,
                **credentials,
            },
            "s1": self._adapter(),
            "store": {"directory": str(self.folder / "store")},
            "control": {"socket": str(self.control_socket)},
        }

    def status(self) -> dict[str, Any]:
        """Return what `henbd status --json` says."""
        return ask(str(self.control_socket), {"command": "status"}, 5.0 * PATIENCE)

    def answers(self) -> bool:
        """Return whether henbd is there to be asked."""
        try:
            self.status()
        except ConsoleError:
            return False
        return True

    def screen(self) -> str:
        """Return what `henbd status` says."""
        return screen(self.status())

    def start(self) -> None:
        """Start henbd, and the stack as soon as henbd is there."""
        self.henbd.start()
        deadline = time.monotonic() + START_S * PATIENCE
        while not self.answers():
            if not self.henbd.running or time.monotonic() > deadline:
                raise AssertionError(f"henbd does not answer:\n{self.henbd.text()}")
            time.sleep(0.01)
        self.stack.start()

    def register(self) -> None:
        """Start stack and henbd, and see both procedures' ground laid: S1 is up and informed."""
        started = time.monotonic()
        home = self.options.adapter not in KINDS
        self.hems.play([provisioning(self.hosts.mme, home=home)])
        self.start()
        self.log.wait("S1SetupResponse", 20, since=started)
        informed = self.log.wait(
            "Inform", 20, since=started, where=lambda e: e.facts["parameters"][OP_STATE] == "true"
        )
        # Else what comes next may cut it short, and a last message of it be in the way of the next.
        self.log.wait("session-end", 20, since=informed.at)

    def informed(self, path: str) -> str:
        """Return the value of a parameter that the HeMS was told last."""
        told = [e.facts["parameters"] for e in self.log.events("Inform")]
        return str(next(values[path] for values in reversed(told) if path in values))

    def hems_knows(self) -> str:
        """Return the inner address that the HeMS was told last, empty if it was told none."""
        told = [e.facts["parameters"] for e in self.log.events("Inform")]
        return next((v[INNER_ADDRESS] for v in reversed(told) if INNER_ADDRESS in v), "")

    def informed_from(self) -> str:
        """Return the address from which the last Inform came."""
        return str(self.log.events("Inform")[-1].facts["source"][0])

    def call(self) -> int:
        """Make a connection request at the URL that the HeMS was told last; return the status."""
        url = self.informed(CONNECTION_REQUEST_URL)
        with self.net.core.inside():
            return self.hems.connection_request(url, *CALLER)

    def grant_another(self) -> str:
        """Have the gateway grant another inner address from now on; return which."""
        number = next(self._pools)
        self.gateway.use_pool(f"10.99.{number}.0/24", f"fd00:99:{number}::/64")
        return f"10.99.{number}.1"

    def reauthenticate(self) -> None:
        """Have the HeNB's charon authenticate again."""
        for sa in self.charon.vici.sas():
            self.charon.vici.reauthenticate(sa.name)

    def terminate(self) -> None:
        """End the tunnel on the HeNB, behind henbd's back."""
        for sa in self.charon.vici.sas():
            self.charon.vici.terminate(ike_id=sa.unique_id)

    def inner_device(self) -> str:
        """Return the name of the interface that bears the inner address."""
        inner = self.status()["tunnel"]["inner_addresses"][0]
        return self.net.henb.run("ip", "-o", "address", "show", "to", inner).split()[1]

    def calm(self, for_s: float = 0.3) -> None:
        """Wait until nobody has seen anything for a while."""
        count = -1
        while count != (count := len(self.log.events())):
            time.sleep(for_s * PATIENCE)

    def quiet(self, since: float, for_s: float = 1.0) -> bool:
        """Return whether the HeMS has got no Inform since then, nor gets one for a while yet."""
        time.sleep(for_s * PATIENCE)
        return not self.log.events("Inform", since)

    @contextmanager
    def in_the_clear(self, *networks: topology.Network) -> Iterator[None]:
        """Take clear packets of these networks for no leak: here they are as they should be."""
        start = time.time()
        try:
            yield
        finally:
            self._expected += [(network, start, time.time()) for network in networks]

    def allow_from(self, network: topology.Network) -> None:
        """Take what these networks send to the HeNB in the clear for no leak: it did not ask."""
        self._unasked.append(network)

    def leaks(self) -> list[str]:
        """Return each packet that belongs inside and crossed the HeNB's links in the clear."""
        return [
            str(packet)
            for capture in self.captures
            for packet in capture.clear()
            if not self._is_expected(packet)
        ]

    def _is_expected(self, packet: Packet) -> bool:
        return any(packet.source in network for network in self._unasked) or any(
            (packet.source in network or packet.destination in network)
            and start <= packet.at <= end
            for network, start, end in self._expected
        )

    def complaints(self) -> list[str]:
        """Return what anybody saw that must not be: leaks, and breaches of a standard."""
        return [
            *(f"leak: {leak}" for leak in self.leaks()),
            *(f"HeMS: {sentence}" for sentence in self.hems.violations),
            *(f"MME: {sentence}" for sentence in self.mme.violations),
            *(f"second MME: {sentence}" for sentence in self.second_mme.violations),
        ]


def toml(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """Return sections as TOML; JSON's texts, numbers and lists are TOML's too."""
    lines = []
    for name, keys in sections.items():
        lines.append(f"[{name}]")
        lines += [f"{key} = {json.dumps(v)}" for key, v in keys.items() if v is not None]
    return "\n".join([*lines, ""])
