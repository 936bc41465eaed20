"""Run a HeMS by hand: `python -m tests.lab.hems --address A --port P`; it prints what it sees."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path
from typing import Any

from tests.lab.events import Event, Log
from tests.lab.hems import Hems, TlsFiles


class PrintedLog(Log):
    """A log that is printed as it grows."""

    def add(self, sender: str, receiver: str, kind: str, text: str, **facts: Any) -> Event:
        event = super().add(sender, receiver, kind, text, **facts)
        print(f"{event.at:.6f}  {sender:>4} > {receiver:<4}  {text}", flush=True)
        return event


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="tests.lab.hems", description=__doc__)
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, default=0, help="any free one by default")
    parser.add_argument("--path", default="/")
    parser.add_argument("--tls", nargs=2, type=Path, metavar=("CERT", "KEY"), help="PEM files")
    parser.add_argument("--digest", metavar="USER:PASSWORD", help="ask CPEs for these")
    options = parser.parse_args()
    username, _, password = (options.digest or "").partition(":")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        hems = Hems(
            PrintedLog(),
            options.address,
            options.port,
            path=options.path,
            tls=TlsFiles(*options.tls) if options.tls else None,
            digest=(username, password) if options.digest else None,
        )
    except OSError as error:
        parser.exit(1, f"{options.address} port {options.port}: {error}\n")
    with hems:
        print(f"HeMS at {hems.url}", flush=True)
        stop.wait()
    print(f"{len(hems.sessions)} sessions, {len(hems.violations)} violations")


if __name__ == "__main__":
    main()
