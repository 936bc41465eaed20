"""Run the stand-in: `python -m tests.lab.amarisoft [--mute] [--no-s1] enb.cfg`, until SIGTERM."""

from __future__ import annotations

import argparse
import json
import re
import signal
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from tests.lab.amarisoft.api import Api
from tests.lab.enb.messages import Cell, FarEnd
from tests.lab.enb.peer import S1Peer
from tests.lab.enb.status import Pace, State

CELL = Cell(0x1A2D001, 1, ("00101",), "lteenb", None)
STATES = {
    State.DOWN: "inactive",
    State.FAILED: "inactive",
    State.CONNECTING: "connecting",
    State.SETUP: "setup",
    State.UP: "setup_done",
}


class Enb:
    """S1 with the MMEs of a file; without `s1` it only says that it has S1."""

    def __init__(self, text: str, *, s1: bool) -> None:
        pairs = re.findall(r'mme_addr: "([^"]*)", s1ap_bind_addr: "([^"]*)"', text)
        self._real = s1
        self._far_ends = [FarEnd(ip_address(mme), 36412) for mme, _ in pairs]
        pace = Pace(retry_s=2.0)
        self._peers = [
            S1Peer(far_end, ip_address(local), CELL, pace, lambda: None)
            for far_end, (_, local) in zip(self._far_ends, pairs, strict=True)
        ]
        self._ended = False
        if s1:
            for peer in self._peers:
                peer.start()

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """Answer a message of the remote API."""
        kind = message["message"]
        if kind == "s1disconnect":
            self.end()
        items = [
            {"address": f"{far_end.address}:36412", "state": self._state(peer)}
            for far_end, peer in zip(self._far_ends, self._peers, strict=True)
        ]
        return {"message": kind, **({"s1_list": items} if kind == "s1" else {})}

    def _state(self, peer: S1Peer) -> str:
        if self._ended:
            return "inactive"
        return STATES[peer.status.state] if self._real else "setup_done"

    def end(self) -> None:
        """Take leave of the MMEs."""
        if self._real and not self._ended:
            for peer in self._peers:
                peer.end()
        self._ended = True


def main() -> None:
    """Run until SIGTERM, and then end without a word to the MMEs."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.amarisoft", description=__doc__)
    parser.add_argument("--mute", action="store_true", help="never answer")
    parser.add_argument("--no-s1", action="store_true", help="only say that there is S1")
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    text = arguments.file.read_text()
    address = re.search(r'com_addr: "(.*):(\d+)"', text)
    assert address is not None
    enb = Enb(text, s1=not arguments.no_s1)
    print("lteenb starts", json.dumps(text), flush=True)
    api = Api(int(address[2]), enb.answer, mute=arguments.mute)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    api.close()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main()
