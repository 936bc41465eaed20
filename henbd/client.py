"""The operator's commands: each asks the daemon that runs, over its control socket."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from henbd.errors import ConsoleError
from henbd.printable import printable
from henbd.system import trace_files
from henbd.system.console import ask

# The same place as /run/henbd, also where there is no /run.
DEFAULT_SOCKET = "/var/run/henbd/control.sock"

WATCH_S = 1.0
# ECMA-48: to the upper left, and erase from there.
CLEAR = "\x1b[H\x1b[J"

RESET_QUESTION = (
    "Everything that the HeMS has set is forgotten, and the box reboots. Reset it? [yes/no] "
)


def add_commands(commands: Any) -> None:
    """Add the commands to the parser of the command line (what add_subparsers returned)."""
    status = _command(commands, "status", _status, "tell what henbd believes and waits for")
    _add_json(status)
    status.add_argument("--watch", action="store_true", help="go on telling it, each second")

    get = _command(commands, "get", _get, "show parameters")
    get.add_argument("paths", nargs="+", metavar="PATH", help="a parameter, or what ends in a dot")
    _add_json(get)

    setting = _command(commands, "set", _set, "set parameters here, and have the HeMS told")
    setting.add_argument("pairs", nargs="+", metavar="PATH=VALUE", type=_pair)

    tree = _command(commands, "tree", _tree, "show objects and parameters with all about them")
    tree.add_argument("path", nargs="?", default="", metavar="PATH", help="where to begin")
    _add_json(tree)

    trace = _command(commands, "trace", _trace, "show the last sessions, and what happened around")
    trace.add_argument(
        "--last", type=_count, metavar="N", help="the last N sessions; all of the ring"
    )
    form = trace.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON, with all bodies")
    form.add_argument("--html", action="store_true", help="as a page with diagrams and bodies")

    metrics = _command(commands, "metrics", _metrics, "show gauges and counters for Prometheus")
    metrics.add_argument("--output", metavar="FILE", type=Path, help="into a file, whole at once")

    _command(commands, "inform", _inform, "have the HeMS called now")
    _command(commands, "reconnect", _reconnect, "end the tunnel and negotiate it anew")
    reset = _command(commands, "factory-reset", _factory_reset, "forget what the HeMS has set")
    reset.add_argument("--yes", action="store_true", help="do not ask")


Run = Callable[[argparse.Namespace], int]


def _command(commands: Any, name: str, run: Run, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text)
    parser.add_argument("--socket", default=DEFAULT_SOCKET, metavar="PATH", help="control socket")
    parser.set_defaults(command=run)
    return parser


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")


def _pair(text: str) -> tuple[str, str]:
    path, equals, value = text.partition("=")
    if not equals or not path:
        raise argparse.ArgumentTypeError(f"{text!r} is not PATH=VALUE")
    return path, value


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def _status(options: argparse.Namespace) -> int:
    from henbd.screen import screen

    show = _json if options.json else screen
    while True:
        text = show(ask(options.socket, {"command": "status"}))
        if not options.watch:
            print(text)
            return 0
        print(CLEAR + text if sys.stdout.isatty() else f"{text}\n", flush=True)
        time.sleep(WATCH_S)


def _get(options: argparse.Namespace) -> int:
    values = ask(options.socket, {"command": "get", "paths": options.paths})["values"]
    print(_json(values) if options.json else "\n".join(_lines(values)))
    return 0


def _set(options: argparse.Namespace) -> int:
    values = dict(options.pairs)
    request = {"command": "set", "values": values}
    try:
        for path in values:
            if [name for name, _ in options.pairs].count(path) > 1:
                raise ConsoleError(f"{path} is given twice")
        answer = ask(options.socket, request)
    except ConsoleError as error:
        print(f"henbd: {error}; nothing was set", file=sys.stderr)
        for culprit in error.answer.get("culprits", ()):
            print(f"  {culprit['path']}: {culprit['text']}", file=sys.stderr)
        return 1
    print("\n".join(_lines(answer["values"])))
    if answer["takes_effect"] != "now":
        print(f"takes effect {answer['takes_effect']}")
    return 0


def _tree(options: argparse.Namespace) -> int:
    nodes = ask(options.socket, {"command": "tree", "path": options.path})["nodes"]
    print(_json(nodes) if options.json else "\n".join(map(_node, nodes)))
    return 0


def _trace(options: argparse.Namespace) -> int:
    """Show what is kept, even of a daemon that is dead, and what one that lives has to add."""
    try:
        sessions = trace_files.kept(options.socket)
    except PermissionError as error:
        text = f"no permission to read {error.filename}: be root, or in the group of the socket"
        raise ConsoleError(text) from error
    try:
        live = ask(options.socket, {"command": "trace"})
    except ConsoleError as error:
        print(f"henbd: {error}: what is kept is shown", file=sys.stderr)
        live = {"at": "", "session": None, "happenings": []}
    if live["session"]:
        sessions.append({"number": None, **live["session"]})
    sessions = sessions[-options.last :] if options.last else sessions
    trace = {"sessions": sessions, "at": live["at"], "happenings": live["happenings"]}
    from henbd.trace_ladder import ladder
    from henbd.trace_page import page

    show = _json if options.json else page if options.html else ladder
    print(show(trace))
    return 0


def _metrics(options: argparse.Namespace) -> int:
    text = ask(options.socket, {"command": "metrics"})["text"]
    if options.output is None:
        print(text, end="")
        return 0
    # The node exporter may read at any moment, but takes names that end in .prom alone.
    new = options.output.with_name(f"{options.output.name}.new")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(options.output)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink()
        raise OSError(error.errno, error.strerror, str(options.output)) from error
    return 0


def _inform(options: argparse.Namespace) -> int:
    waits_for = ask(options.socket, {"command": "inform"})["waits_for"]
    if waits_for is None:
        print("the HeMS is called")
    else:
        print(f"the HeMS is called as soon as there is a way to it: {waits_for}")
    return 0


def _reconnect(options: argparse.Namespace) -> int:
    ended = ask(options.socket, {"command": "reconnect"})["ended"]
    print(f"ended: {ended} IKE SA; the tunnel is negotiated anew")
    return 0


def _factory_reset(options: argparse.Namespace) -> int:
    if not options.yes and not _confirmed(RESET_QUESTION):
        print("nothing was changed")
        return 1
    ask(options.socket, {"command": "factory-reset"})
    print("the box is reset as soon as no session goes on, and reboots")
    return 0


def _confirmed(question: str) -> bool:
    try:
        return input(question).strip() == "yes"
    except EOFError:
        return False


def _lines(values: Mapping[str, str]) -> Iterator[str]:
    for path, value in values.items():
        yield printable(f"{path} = {value}")


def _node(node: Mapping[str, Any]) -> str:
    """Return an object or a parameter in one line; rw: the HeMS may set it, or add and delete."""
    access = "rw" if node["writable"] else "r-"
    if "value" not in node:
        return f"{access}  {node['path']}"
    about = [node["type"]]
    if node["notification"] != "off":
        about.append(f"{node['notification']} notification")
    if node["set_locally"]:
        about.append("set locally")
    return printable(f"{access}  {node['path']} = {node['value']}  ({', '.join(about)})")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2)
