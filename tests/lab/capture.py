"""What crosses a link: a capture that proves it saw everything, and what of it was in the clear.

A test that says "nothing leaked" is only worth something if the capture was looking. So a canary
crosses the link at the start and at the end, and both must have been caught.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Collection
from pathlib import Path
from types import TracebackType

from tests.lab.events import PATIENCE
from tests.lab.namespaces import Namespace
from tests.lab.pcap import ESP, ICMP, ICMPV6, UDP, Packet, frames, packet
from tests.lab.topology import PROTECTED, Network

# IEEE 802 "local experimental": no machine of the lab answers it, no filter of ours counts it.
_CANARY_TYPE = 0x88B5
_IKE_PORTS = {500, 4500}
_NEIGHBOUR_DISCOVERY = range(133, 138)

_CATCH_S = 5.0
_SING_AGAIN_S = 0.02


class BlindCapture(Exception):
    """The capture did not see what certainly crossed the link."""


class Capture:
    """A tcpdump on one interface of a namespace, from the moment when it provably sees.

    On the router's interfaces it sees the wire only, never what goes through a tunnel's inside.
    """

    def __init__(self, namespace: Namespace, interface: str, folder: Path) -> None:
        self._interface = interface
        self.path = folder / f"{namespace.role}-{interface}.pcap"
        self.path.unlink(missing_ok=True)
        with namespace.inside():
            self._throat = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self._process: subprocess.Popen[str] | None = None
        try:
            self._throat.bind((interface, _CANARY_TYPE))
            # Without immediate mode the kernel hands over what it has only when its buffer is full.
            self._process = namespace.start(
                *("tcpdump", "-i", interface, "-n", "-U", "--immediate-mode", "-Z", "root"),
                # A slot of the kernel's buffer has the size of the longest frame: not 256 KiB.
                *("-s", "2048", "-B", "8192", "-w", str(self.path)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            self._sing_until_caught()
        except BaseException:
            self._end()
            raise

    def __enter__(self) -> Capture:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.stop()
        else:
            self._end()

    def stop(self) -> None:
        """End the capture; raise BlindCapture if it missed anything. Again is no error."""
        if self._process is None:
            return
        try:
            self._sing_until_caught()
        finally:
            said = self._end()
        lost = re.search(r"^(\d+) packets dropped by kernel", said, re.MULTILINE)
        if lost is None or lost[1] != "0":
            raise BlindCapture(f"{self._interface}: tcpdump said: {said.strip()}")

    def packets(self) -> list[Packet]:
        """Return all IP packets so far."""
        found = (packet(frame) for frame in frames(self.path.read_bytes()))
        return [one for one in found if one is not None]

    def clear(
        self,
        networks: Collection[Network] = PROTECTED,
        *,
        protocols: Collection[int] | None = None,
    ) -> list[Packet]:
        """Return what went from or to these networks in the clear, of these IP protocols if given.

        While the capture runs, all that crossed the link before this call is in it.
        """
        if self._process is not None:
            self._sing_until_caught()
        return [
            one
            for one in self.packets()
            if in_the_clear(one, networks) and (protocols is None or one.protocol in protocols)
        ]

    def _sing_until_caught(self) -> None:
        """Send a canary over the link and wait until tcpdump has written it down."""
        token = os.urandom(16)
        # To the address of nobody, from nobody.
        frame = bytes(5) + b"\2" + bytes(5) + b"\4" + struct.pack("!H", _CANARY_TYPE) + token
        deadline = time.monotonic() + _CATCH_S * PATIENCE
        while True:
            # A link that was down meanwhile has left an error behind that is none any more.
            self._throat.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            try:
                self._throat.send(frame.ljust(60, b"\0"))
            except OSError as error:
                raise BlindCapture(f"{self._interface}: {error}") from error
            time.sleep(_SING_AGAIN_S / 4)
            if self._caught(token):
                return
            if self._process is None or self._process.poll() is not None:
                raise BlindCapture(f"{self._interface}: tcpdump ended: {self._end().strip()}")
            if time.monotonic() > deadline:
                raise BlindCapture(f"{self._interface}: the canary was not caught")
            time.sleep(_SING_AGAIN_S * PATIENCE)

    def _caught(self, token: bytes) -> bool:
        if not self.path.exists():
            return False
        return any(
            frame.ethertype == _CANARY_TYPE and frame.payload.startswith(token)
            for frame in frames(self.path.read_bytes())
        )

    def _end(self) -> str:
        """Stop tcpdump and return what it said; the file stays."""
        self._throat.close()
        process, self._process = self._process, None
        if process is None:
            return ""
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=_CATCH_S * PATIENCE)
        return said


def in_the_clear(one: Packet, networks: Collection[Network]) -> bool:
    """Return whether a packet belongs to these networks and nothing protects it.

    ESP and IKE protect themselves, and an error about IKE tells nothing: MOBIKE also tries those
    addresses of a gateway that are in the core. Neighbour discovery (as ARP, which is no IP packet)
    carries nothing of anybody's.
    """
    if one.protocol == ESP:
        return False
    if one.protocol == ICMPV6 and one.icmp_type in _NEIGHBOUR_DISCOVERY:
        return False
    about_udp = one.protocol in (UDP, ICMP, ICMPV6)
    if about_udp and one.ports is not None and not _IKE_PORTS.isdisjoint(one.ports):
        return False
    return any(
        address in network for network in networks for address in (one.source, one.destination)
    )
