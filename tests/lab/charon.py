"""strongSwan's IKE daemon in a namespace, started and stopped, killed and paused.

It is the same for the HeNB as for the gateway: what it shall do is told over VICI (`ike.Vici`).
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Union

from tests.lab.events import PATIENCE
from tests.lab.ike import Vici
from tests.lab.namespaces import Namespace

# /usr/lib/ipsec/charon has one fixed pid file; this one may run as often as there are namespaces.
PROGRAM = "/usr/sbin/charon-systemd"

# A section of strongswan.conf: a name is a setting or another section.
Settings = Mapping[str, Union[str, "Settings"]]

_PLUGINS = (
    *("random", "nonce", "aes", "sha1", "sha2", "hmac", "kdf", "drbg", "gmp", "mgf1", "gcm"),
    *("pem", "pkcs1", "pkcs8", "x509", "pubkey", "constraints", "openssl"),
)
# Userspace ESP over a TUN device. It comes before the kernel's own interface, which stays needed
# for addresses and routes.
_USERSPACE_ESP = ("kernel-libipsec",)
_INTERFACES = ("kernel-netlink", "socket-default", "vici", "counters")

# A dead peer is noticed after 7 s; strongSwan would take almost three minutes by itself. Where the
# kernel is emulated, after 16: its first answers take longer than 7, and would come to somebody who
# has given up. The gateway would have two IKE_SAs then, and might send into the wrong one.
EMULATED = 5.0
_DEFAULTS: Settings = {
    "retransmit_timeout": "1.0",
    "retransmit_base": "1.4",
    "retransmit_tries": "3" if PATIENCE < EMULATED else "5",
    "delete_rekeyed_delay": "1",
}

_START_S = 10.0
_STOP_S = 5.0
_LOOK_AGAIN_S = 0.003


class CharonFailed(Exception):
    """Charon did not start, or ended by itself; the text has the end of its log."""


@functools.cache
def kernel_has_esp() -> bool:
    """Return whether this kernel can do ESP, by asking it for an SA in a fleeting namespace."""
    ask = (
        *("unshare", "--net", "ip", "xfrm", "state", "add", "src", "192.0.2.1", "dst", "192.0.2.2"),
        *("proto", "esp", "spi", "0x100", "mode", "tunnel"),
        *(
            "enc",
            "cbc(aes)",
            "0x" + "01" * 16,
            "auth-trunc",
            "hmac(sha256)",
            "0x" + "02" * 32,
            "128",
        ),
    )
    return subprocess.run(ask, capture_output=True, check=False).returncode == 0


class Charon:
    """One charon of a namespace: its configuration, its log and its process.

    `settings` are merged into the charon-systemd section of strongswan.conf, `plugins` are loaded
    beside the usual ones. The log is folder/role/charon.log and survives restarts.
    """

    def __init__(
        self,
        namespace: Namespace,
        folder: Path,
        role: str,
        *,
        settings: Settings | None = None,
        plugins: tuple[str, ...] = (),
    ) -> None:
        self.namespace = namespace
        self.folder = folder / role
        self.log = self.folder / "charon.log"
        self.folder.mkdir(parents=True, exist_ok=True)
        # The path of a Unix socket has 107 characters; the folders of tests are longer at times.
        self._socket_folder = Path(tempfile.mkdtemp(prefix="henbd-lab-"))
        self._socket_folder.chmod(0o755)
        self.vici = Vici(self._socket_folder / "vici")
        self._process: subprocess.Popen[Any] | None = None
        esp = () if kernel_has_esp() else _USERSPACE_ESP
        plugins = (*_PLUGINS, *esp, *_INTERFACES, *plugins)
        text = configuration(self.vici.path, self.log, plugins, settings or {})
        (self.folder / "strongswan.conf").write_text(text)

    def __enter__(self) -> Charon:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self._process is not None, "charon is not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process lives (paused or not)."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start charon and return when it answers over VICI."""
        assert not self.running, "charon runs already"
        environment = {key: value for key, value in os.environ.items() if key != "NOTIFY_SOCKET"}
        environment["STRONGSWAN_CONF"] = str(self.folder / "strongswan.conf")
        with (self.folder / "charon.err").open("ab") as errors:
            self._process = self.namespace.start(
                PROGRAM, env=environment, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors
            )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """End charon in good order: it deletes its SAs and tells the peers."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End charon at once; neither kernel nor peer is told."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop charon and start it again; it forgets all that was loaded."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Halt charon: it takes connections and packets, and answers none."""
        os.kill(self.pid, signal.SIGSTOP)
        # Each of its threads stops on its own, and may answer something yet.
        while not all(_stopped(task) for task in Path(f"/proc/{self.pid}/task").iterdir()):
            time.sleep(0.001)

    def resume(self) -> None:
        """Undo `pause`."""
        os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """End charon and remove its socket; the folder with the log stays the caller's."""
        if self.running:
            self.resume()
        self.stop()
        shutil.rmtree(self._socket_folder, ignore_errors=True)

    def log_tail(self, lines: int = 20) -> str:
        """Return the end of what charon wrote, for a person who looks for a failure's cause."""
        written = [
            line
            for path in (self.folder / "charon.err", self.log)
            if path.exists()
            for line in path.read_text(errors="replace").splitlines()
        ]
        return "\n".join(written[-lines:])

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _START_S * PATIENCE
        while True:
            try:
                self.vici.version()
            except OSError as error:
                # The socket is not there yet, or is a dead one's.
                if not self.running or time.monotonic() > deadline:
                    raise CharonFailed(f"charon: {error}; it said:\n{self.log_tail()}") from error
            else:
                return
            time.sleep(_LOOK_AGAIN_S * PATIENCE)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(_STOP_S * PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def configuration(vici_path: Path, log: Path, plugins: tuple[str, ...], settings: Settings) -> str:
    """Return the text of a strongswan.conf: the usual settings, changed and completed by these."""
    always: Settings = {
        "load_modular": "no",
        "load": " ".join(plugins),
        "plugins": {"vici": {"socket": f"unix://{vici_path}"}},
        "journal": {"default": "-1"},
        "filelog": {
            "lab": {
                "path": str(log),
                "append": "yes",
                "flush_line": "yes",
                "time_format": "%H:%M:%S",
                "time_add_ms": "yes",
                "default": "1",
                "knl": "2",
            }
        },
    }
    return render({"charon-systemd": merged(merged(_DEFAULTS, always), settings)})


def merged(left: Settings, right: Settings) -> Settings:
    """Return both sections as one, section by section; where both have a setting, right wins."""
    whole = dict(left)
    for name, value in right.items():
        before = whole.get(name)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            value = merged(before, value)
        whole[name] = value
    return whole


def render(section: Settings, indent: str = "") -> str:
    """Return a section in strongSwan's syntax, one setting a line."""
    lines = []
    for name, value in section.items():
        if isinstance(value, str):
            lines.append(f"{indent}{name} = {value}\n")
        else:
            lines.append(f"{indent}{name} {{\n{render(value, indent + '  ')}{indent}}}\n")
    return "".join(lines)


def _stopped(task: Path) -> bool:
    """Return whether a thread is stopped; its state follows its name, which is in brackets."""
    return (task / "stat").read_text().rpartition(")")[2].split()[0] == "T"
