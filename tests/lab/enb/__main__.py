"""Run the reference S1AP stack until SIGTERM."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from ipaddress import ip_address

from tests.lab import sctp
from tests.lab.enb import faults
from tests.lab.enb.desk import Desk
from tests.lab.enb.messages import is_plmn
from tests.lab.enb.native import NativeClient
from tests.lab.enb.stack import Options, Stack
from tests.lab.enb.status import Pace


def main() -> int:
    """Run the stack that the command line asks for."""
    arguments = _parser().parse_args()
    logging.basicConfig(
        level=logging.DEBUG if arguments.verbose else logging.WARNING,
        format="%(relativeCreated)d ms %(message)s",
    )
    try:
        switched = faults.parse(arguments.fault)
    except ValueError as error:
        print(f"--fault: {error}", file=sys.stderr)
        return 2
    options = Options(
        name=arguments.name,
        plmns=tuple(arguments.plmn or ["00101"]),
        user_plane_peer=arguments.user_plane_peer,
        pace=Pace(arguments.retry_s, arguments.answer_s),
        faults=switched,
        backend=arguments.sctp,
        parameters=tuple(arguments.parameter),
    )
    threading.excepthook = _die
    stack = Stack(options)
    client: NativeClient | Desk
    if arguments.hook:
        client = Desk(arguments.socket, stack, switched)
    else:
        drops = switched.drops
        client = NativeClient(arguments.socket, stack, drops=drops, ping_s=arguments.ping_s)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: client.stop())
    client.run()
    stack.close()
    return 0


def _die(what: threading.ExceptHookArgs) -> None:
    """End at once on a mistake of ours: a stack without one of its threads would tell lies."""
    threading.__excepthook__(what)
    os._exit(1)


def _parser() -> argparse.ArgumentParser:
    explanations = "\n".join(
        f"  {fault.value:15} {text}" for fault, text in faults.EXPLANATIONS.items()
    )
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab.enb",
        description="The reference S1AP stack: henbd's native protocol, and a real S1 Setup.",
        epilog=f"faults:\n{explanations}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--socket", required=True, metavar="PATH", help="where henbd listens")
    parser.add_argument(
        "--hook", action="store_true", help="be asked there, by tests/lab/enb/hook.py, instead"
    )
    parser.add_argument("--name", default="reference", help="what henbd is told (%(default)s)")
    parser.add_argument(
        "--plmn",
        type=_plmn,
        action="append",
        metavar="PLMN",
        help="ours, where a config has none; the first counts most (00101)",
    )
    parser.add_argument(
        "--user-plane-peer",
        type=ip_address,
        metavar="ADDRESS",
        help="an S-GW to be asked for an echo every second while S1 is up",
    )
    parser.add_argument(
        "--parameter",
        type=lambda text: tuple(text.split("=", 1)),
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="what henbd is told of a parameter that only the stack knows",
    )
    parser.add_argument(
        "--retry-s",
        type=float,
        default=Pace().retry_s,
        metavar="S",
        help="time between attempts where there is no TimeToWait (%(default)g)",
    )
    parser.add_argument(
        "--answer-s",
        type=float,
        default=Pace().answer_s,
        metavar="S",
        help="how long an attempt waits for SCTP, and for S1 Setup (%(default)g)",
    )
    parser.add_argument("--ping-s", type=float, metavar="S", help="ping henbd so often (never)")
    parser.add_argument(
        "--sctp", type=sctp.Backend, metavar="{kernel,raw}", help="whose SCTP (what there is)"
    )
    parser.add_argument(
        "--fault", action="append", default=[], metavar="FAULT", help="do this wrong; see below"
    )
    parser.add_argument("--verbose", action="store_true", help="log everything")
    return parser


def _plmn(text: str) -> str:
    if not is_plmn(text):
        raise argparse.ArgumentTypeError(f"no PLMN: {text}")
    return text


if __name__ == "__main__":
    sys.exit(main())
