"""What an independent dissector says of the S1 Setup on the wire."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.lab import s1ap
from tests.lab.events import PATIENCE
from tests.lab.mme import Accept, Refuse
from tests.lab.s1_bench import Bench
from tests.lab.scripted_henbd import link
from tests.lab.wire import HENB, HENB_6, MME, MME_6, Wire

TSHARK = shutil.which("tshark")
TCPDUMP = shutil.which("tcpdump")

pytestmark = [
    pytest.mark.skipif(not TSHARK or not TCPDUMP, reason="needs tshark and tcpdump"),
]


class Recorder:
    """tcpdump on the core's end of the cable."""

    def __init__(self, cable: Wire, path: Path) -> None:
        self._path = path
        command = ("tcpdump", "-i", cable.device, "--immediate-mode", "-U", "-Z", "root", "-w")
        self._child = cable.core.start(
            *command, str(path), "sctp", stderr=subprocess.PIPE, text=True
        )
        assert self._child.stderr is not None
        assert "listening on" in self._child.stderr.readline()

    def frames(self, at_least: int) -> list[dict[str, Any]]:
        """Stop, and return the layers of each frame once there are enough of them."""
        deadline = time.monotonic() + 20 * PATIENCE
        while len(self._dissect()) < at_least and time.monotonic() < deadline:
            time.sleep(0.1)
        self._child.terminate()
        self._child.communicate()
        return self._dissect()

    def _dissect(self) -> list[dict[str, Any]]:
        assert TSHARK is not None
        # Checksums are looked at, and every message of S1AP is taken apart to the end.
        done = subprocess.run(
            [TSHARK, "-r", self._path, "-T", "json", "-o", "sctp.checksum:CRC 32c"],
            capture_output=True,
            timeout=60 * PATIENCE,
            check=False,
        )
        try:
            packets = json.loads(done.stdout or "[]")
        except ValueError:
            # The last packet is still being written.
            return []
        return [packet["_source"]["layers"] for packet in packets]


def found(tree: object, key: str) -> list[Any]:
    """Return all values of a key, at any depth."""
    values = []
    if isinstance(tree, dict):
        for name, value in tree.items():
            if name == key:
                values.append(value)
            values += found(value, key)
    elif isinstance(tree, list):
        for value in tree:
            values += found(value, key)
    return values


def chunk_types(frames: list[dict[str, Any]]) -> list[int]:
    return [int(value, 0) for value in found(frames, "sctp.chunk_type")]


@pytest.mark.parametrize("version", [4, 6])
def test_a_life_of_s1_is_sound_to_a_dissector(lab: Bench, tmp_path: Path, version: int) -> None:
    henb, mme = (HENB, MME) if version == 4 else (HENB_6, MME_6)
    the_mme = lab.mme if version == 4 else lab.mme_6()
    the_mme.setup[:] = [Refuse(time_to_wait_s=1), Accept()]
    recorder = Recorder(lab.cable, tmp_path / "s1.pcap")
    child = lab.bring_up(link(henb, mme, identity=0x7654321, csg_id=0x7FFFFFF))
    lab.tell(2, link(henb, mme, identity=0x7654321, csg_id=0x0ABCDEF, tac=0xABCD))
    lab.log.wait("ENBConfigurationUpdateAcknowledge")
    the_mme.send(s1ap.Reset(s1ap.Cause("misc", "om-intervention"), (s1ap.UeConnection(7, 9),)))
    lab.log.wait("ResetAcknowledge")
    child.terminate()
    child.wait()
    lab.log.wait("SCTP-down", where=lambda e: e.facts["reason"] == "shut down by the peer")
    frames = recorder.frames(at_least=24)

    assert not found(frames, "_ws.malformed")
    assert set(found(frames, "sctp.checksum.status")) == {"1"}
    types = chunk_types(frames)
    setting_up, ending = [1, 2, 10, 11], [7, 8, 14]
    assert types[:4] == setting_up
    assert types[-3:] == ending
    assert set(found(frames, "sctp.data_payload_proto_id")) == {"18"}
    # S1 Setup: refused, then accepted; an update; a Reset.
    assert found(frames, "s1ap.procedureCode") == ["17", "17", "17", "17", "29", "29", "14", "14"]
    identities = set(found(frames, "s1ap.homeENB_ID"))
    assert len(identities) == 1
    (identity,) = identities
    assert int(identity.replace(":", ""), 16) >> 4 == 0x7654321
    csg_ids = [int(value.replace(":", ""), 16) >> 5 for value in found(frames, "s1ap.cSG_Id")]
    assert csg_ids == [0x7FFFFFF, 0x7FFFFFF, 0x0ABCDEF]
    assert [int(value) for value in found(frames, "s1ap.tAC")] == [1, 1, 0xABCD]
    assert set(found(frames, "s1ap.ENBname")) == {"henb-1"}
