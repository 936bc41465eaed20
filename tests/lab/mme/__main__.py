"""Run one MME and print what it sees, until it is interrupted."""

from __future__ import annotations

import argparse
import signal
import sys
from ipaddress import ip_address
from typing import Any

from tests.lab import s1ap, sctp
from tests.lab.events import Event, Log
from tests.lab.mme import Accept, Behaviour, Mme, Refuse, Silence

_ENDING = {signal.SIGINT, signal.SIGTERM}


class _PrintingLog(Log):
    """A log that a person reads as it grows."""

    def add(self, sender: str, receiver: str, kind: str, text: str, **facts: Any) -> Event:
        event = super().add(sender, receiver, kind, text, **facts)
        print(f"{event.at:.3f} {sender} > {receiver} {text}", flush=True)
        return event


def _cause(text: str) -> s1ap.Cause:
    try:
        return s1ap.Cause.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def main() -> int:
    """Run the MME that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.mme", description=__doc__)
    parser.add_argument("--address", type=ip_address, required=True)
    parser.add_argument("--port", type=int, default=s1ap.PORT)
    parser.add_argument(
        "--refuse", type=_cause, metavar="CAUSE", help="for example misc/unknown-PLMN"
    )
    parser.add_argument("--time-to-wait", type=int, choices=(1, 2, 5, 10, 20, 60), metavar="S")
    parser.add_argument("--silent", action="store_true", help="never answer S1 Setup")
    parser.add_argument("--sctp", type=sctp.Backend, metavar="{kernel,raw}", help="whose SCTP")
    arguments = parser.parse_args()
    behaviour: Behaviour = Accept()
    if arguments.silent:
        behaviour = Silence()
    elif arguments.refuse:
        behaviour = Refuse(arguments.refuse, arguments.time_to_wait)
    # Blocked before the first thread is made, so that all threads leave them to sigwait.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        mme = Mme(
            _PrintingLog(),
            arguments.address,
            arguments.port,
            setup=[behaviour],
            backend=arguments.sctp,
        )
    except sctp.SctpError as error:
        print(error, file=sys.stderr)
        return 1
    signal.sigwait(_ENDING)
    mme.close()
    for violation in mme.violations:
        print(f"violation: {violation}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
