"""A thread that writes into the lab's log what a gateway's charon tells of its SAs."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from tests.lab.events import Log
from tests.lab.ike import Events, IkeSa, ike_sas


class Watcher:
    """The watch over one run of charon: it ends by itself when charon does.

    From its construction on, no event is missed.
    """

    def __init__(self, path: Path, log: Log) -> None:
        self._log = log
        self._events = Events(path, "ike-updown", "child-updown")
        self._thread = threading.Thread(target=self._watch, name="SeGW watcher", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the watch; what charon told before is in the log then."""
        self._events.stop()
        self._thread.join()
        self._events.close()

    def _watch(self) -> None:
        for kind, message in self._events:
            up = message.get("up") == b"yes"
            for sa in ike_sas(message):
                if kind == "ike-updown":
                    self._write_ike(sa, up=up)
                else:
                    self._write_children(sa, up=up)

    def _write_ike(self, sa: IkeSa, *, up: bool) -> None:
        # The end of an SA that never was one.
        way = "up" if up else "refused" if sa.state == "CONNECTING" else "down"
        inner = ", ".join(map(str, sa.remote_inner)) or "none"
        granted = f"  inner address {inner}" if up else ""
        text = f"IKE SA {way}  {sa.remote_id} {sa.remote_host}{granted}"
        self._log.add("HeNB", "SeGW", f"ike-{way}", text, **_facts(sa))

    def _write_children(self, sa: IkeSa, *, up: bool) -> None:
        way = "up" if up else "down"
        for child in sa.children:
            core, henb = ", ".join(child.local_selectors), ", ".join(child.remote_selectors)
            self._log.add(
                *("HeNB", "SeGW", f"child-{way}", f"CHILD SA {way}  {henb} to {core}"),
                **_facts(sa) | {"unique_id": child.unique_id},
                selectors=child.local_selectors,
            )


def _facts(sa: IkeSa) -> dict[str, Any]:
    return {
        "unique_id": sa.unique_id,
        "remote_id": sa.remote_id,
        "outer": sa.remote_host,
        "inner": sa.remote_inner,
    }
