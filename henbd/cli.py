"""The command line, and the only place where shells are built and joined to the loop."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, assert_never

from henbd import __version__, client, config, guard_command, logs, operator
from henbd.clock import Clock
from henbd.config_keys import LOG_LEVELS
from henbd.control import factory
from henbd.control.report_box import state_origin
from henbd.cwmp.ledger import Ledger
from henbd.cwmp.state import State, restored
from henbd.daemon import Daemon
from henbd.errors import ConfigurationError, HenbdError
from henbd.memory import Memory
from henbd.model.table import device_table
from henbd.parties import Parties
from henbd.reload import reload, tls_files
from henbd.renewal import Renewal
from henbd.settings import S1Settings, Settings, StackAdapter, StackManager
from henbd.system.acs import Acs
from henbd.system.carriage import Carriage
from henbd.system.charon import CharonShell
from henbd.system.console import Console
from henbd.system.door import Door
from henbd.system.doorbell import Doorbell, Signals
from henbd.system.gpsd import Gpsd
from henbd.system.guard_file import GuardFile
from henbd.system.kernel import KernelShell
from henbd.system.listener import Listener
from henbd.system.notify import Notify
from henbd.system.resolver import Resolver
from henbd.system.s1ap import amarisoft_text, srsenb_text
from henbd.system.s1ap.adapter import S1Adapter
from henbd.system.s1ap.configured import ConfiguredAdapter
from henbd.system.s1ap.hook import HookAdapter
from henbd.system.s1ap.marked_file import MarkedFile
from henbd.system.s1ap.native import NativeAdapter
from henbd.system.s1ap.remote import RemoteRunner
from henbd.system.s1ap.runner import ChildRunner, Runner, Watch
from henbd.system.s1ap.service import ServiceRunner, procd, systemd
from henbd.system.status_file import StatusFile
from henbd.system.store import Store
from henbd.system.timekeeping import built_at, synchronised
from henbd.system.trace_files import TraceFiles
from henbd.system.vitals import VitalSigns

logger = logging.getLogger(__name__)

DEFAULT_CONFIG = "/etc/henbd/henbd.toml"

# Exit statuses: 1, it could not be done; 2, the call or the configuration is wrong.
FAILED, WRONG = 1, 2

# A HeMS exchange runs on a thread of its own; it gets the interpreter this soon while we compute.
SWITCH_INTERVAL_S = 0.0005


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; return its exit status."""
    options = parser().parse_args(arguments)
    try:
        status = int(options.command(options))
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Whoever reads has had enough: nothing is left to be said at the end either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except ConfigurationError as error:
        print(*error.lines(), sep="\n", file=sys.stderr)
        return WRONG
    except HenbdError as error:
        print(f"henbd: {error}", file=sys.stderr)
        return FAILED
    except OSError as error:
        culprit = "" if error.filename is None else f"{error.filename}: "
        print(f"henbd: {culprit}{error.strerror or error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="henbd", description="The management agent of an LTE Home eNodeB."
    )
    parser.add_argument("--version", action="version", version=f"henbd {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run the daemon in the foreground")
    run.add_argument("--config", default=DEFAULT_CONFIG, metavar="FILE")
    run.add_argument("--log-level", choices=LOG_LEVELS, help="instead of [log] level")
    run.set_defaults(command=_run)

    client.add_commands(commands)

    guard = commands.add_parser("guard", help="show or remove the leak guards in the kernel")
    guard.add_argument("--config", default=DEFAULT_CONFIG, metavar="FILE")
    guard.add_argument("--yes", action="store_true", help="remove without asking")
    what = guard.add_mutually_exclusive_group(required=True)
    what.add_argument("--show", action="store_true")
    what.add_argument("--remove", action="store_true", help="now, and for the next boot")
    guard.set_defaults(command=_guard)

    check = commands.add_parser("check-config", help="name every mistake in a configuration file")
    check.add_argument("file", metavar="FILE")
    check.set_defaults(command=_check_config)
    return parser


def _check_config(options: argparse.Namespace) -> int:
    config.load(options.file)
    print(f"{options.file}: no mistake found")
    return 0


def _guard(options: argparse.Namespace) -> int:
    if options.remove:
        return guard_command.remove(options.config, asked=options.yes)
    return guard_command.show(options.config)


def _run(options: argparse.Namespace) -> int:
    logs.begin()
    settings = config.load(options.config)
    logs.configure(options.log_level or settings.log.level, settings.log.target)
    daemon = build(settings, options.config)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    # What was built up to now stays: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    logger.info("henbd %s", __version__)
    daemon.run()
    return 0


def build(settings: Settings, file: str) -> Daemon:
    """Return the daemon with all its shells, ready to run; raises HenbdError or OSError.

    `file` is the one that the settings are from, to be read again at SIGHUP.
    """
    built = built_at()
    store = Store(settings.store_directory, built)
    boot_id = Path(settings.device.boot_id_file).read_text(encoding="ascii").strip()
    kept = store.load()
    state = _state(settings, kept, boot_id)
    tree = state_origin(
        state.tree, settings.device.oui, damaged=store.damaged, previous=kept is not None
    )
    memory = Memory(replace(state, tree=tree), store)
    doorbell = Doorbell()
    clock = Clock(time.monotonic, lambda: datetime.now(UTC), built, store.kept_at(), synchronised)

    # The shells ring a daemon that is made of them: it has its name before it is there.
    def rung() -> None:
        daemon.rung()

    ipsec = settings.ipsec
    charon = None
    if ipsec is not None:
        charon = CharonShell(
            ipsec.vici,
            doorbell,
            time.monotonic,
            rung=rung,
            looked=lambda: daemon.looked(),
            initiated=lambda connection, error: daemon.initiated(connection, error),
        )
    exchanges = Acs(tls_files(settings), doorbell, lambda answer: daemon.answered(answer))
    console = Console(
        settings.control_socket,
        settings.control_group,
        doorbell,
        time.monotonic,
        lambda request, caller: operator.answer(daemon, request, caller),
    )
    gpsd = settings.location.gpsd
    parties = Parties(
        bells=doorbell,
        charon=charon,
        kernel=KernelShell(doorbell, rung),
        guard_file=GuardFile(settings.store_directory),
        stack=_stack(settings.s1, doorbell, rung),
        names=Resolver(doorbell, rung),
        callers=Listener(doorbell, lambda: daemon.called(), time.monotonic),
        exchanges=exchanges,
        supervisor=Notify(time.monotonic),
        board=StatusFile(settings.control_socket, clock.wall),
        diary=TraceFiles(settings.control_socket),
        doors=Door(settings.commands.reboot, doorbell),
        vitals=VitalSigns(),
        receiver=gpsd and Gpsd(gpsd, doorbell, time.monotonic),
        files=Carriage(doorbell),
        console=console,
        renewal=Renewal(file, lambda: daemon, exchanges.trust),
    )
    daemon = Daemon(settings, memory, boot_id, parties, clock)
    Signals(
        doorbell,
        {
            signal.SIGTERM: daemon.stop,
            signal.SIGINT: daemon.stop,
            signal.SIGHUP: lambda: reload(file, daemon, exchanges.trust),
        },
    )
    return daemon


def _stack(settings: S1Settings, doorbell: Doorbell, rung: Callable[[], None]) -> S1Adapter:
    """Return the adapter of the stack that is configured."""
    match settings.adapter:
        case StackAdapter.NATIVE:
            return NativeAdapter(settings.socket, settings.group, doorbell, time.monotonic, rung)
        case StackAdapter.HOOK:
            return HookAdapter(
                settings.command,
                settings.time_limit_s,
                settings.poll_s,
                doorbell,
                time.monotonic,
                rung,
            )
        case StackAdapter.SRSENB:
            return ConfiguredAdapter(
                srsenb_text.SRSENB,
                MarkedFile(settings.file, srsenb_text.rewrite, "#"),
                lambda watch: _runner(settings, doorbell, watch),
                time.monotonic,
                rung,
            )
        case StackAdapter.AMARISOFT:
            return ConfiguredAdapter(
                amarisoft_text.AMARISOFT,
                MarkedFile(settings.file, amarisoft_text.rewrite, "//"),
                lambda watch: RemoteRunner(
                    settings.remote_port,
                    lambda inner: _runner(settings, doorbell, inner),
                    doorbell,
                    time.monotonic,
                    watch,
                ),
                time.monotonic,
                rung,
            )
        case _:
            assert_never(settings.adapter)


def _runner(settings: S1Settings, doorbell: Doorbell, watch: Watch) -> Runner:
    """Return what starts and stops the program of a stack."""
    match settings.manager:
        case StackManager.CHILD:
            return ChildRunner(settings.command, doorbell, time.monotonic, watch)
        case StackManager.SYSTEMD:
            return ServiceRunner(systemd(settings.service), doorbell, time.monotonic, watch)
        case StackManager.PROCD:
            return ServiceRunner(procd(settings.service), doorbell, time.monotonic, watch)
        case _:
            assert_never(settings.manager)


def _state(settings: Settings, kept: Mapping[str, Any] | None, boot_id: str) -> State:
    """Return the state to start with: what was kept, or that of a box fresh from the factory."""
    table = device_table(settings.device.oui)
    if kept is not None:
        try:
            factory_tree = factory.factory_tree(table, settings, str(kept.get("secret")))
            state, lost = restored(factory_tree, kept, boot_id)
            for path in lost:
                logger.warning("%s: kept value does not fit this version, dropped", path)
            if state.ledger.boot_id != boot_id:
                state = replace(state, tree=factory.after_power_on(state.tree))
            return state
        except ValueError as error:
            logger.error("the store is not usable (%s): starting from the factory", error)
    secret = secrets.token_hex(32)
    return State(factory.factory_tree(table, settings, secret), Ledger(), secret)
