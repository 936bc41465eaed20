"""The only place where shells are built and joined to the loop."""

from __future__ import annotations

import logging
import secrets
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from henbd import __version__, config, logs, stacks
from henbd.clock import Clock
from henbd.control import factory
from henbd.control.report_box import state_origin
from henbd.cwmp.ledger import Ledger
from henbd.cwmp.state import State, restored
from henbd.daemon import Daemon
from henbd.memory import Memory
from henbd.model.table import device_table
from henbd.parties import Parties, Receiver
from henbd.reload import reload, tls_files
from henbd.renewal import Renewal
from henbd.settings import Settings
from henbd.system.acs import Acs
from henbd.system.carriage import Carriage
from henbd.system.charon import CharonShell
from henbd.system.console import Console
from henbd.system.door import Door
from henbd.system.doorbell import Doorbell, Signals
from henbd.system.guard_file import GuardFile
from henbd.system.kernel import KernelShell
from henbd.system.listener import Listener
from henbd.system.local_socket import Caller
from henbd.system.notify import Notify
from henbd.system.resolver import Resolver
from henbd.system.status_file import StatusFile
from henbd.system.store import Store
from henbd.system.timekeeping import built_at, synchronised
from henbd.system.trace_files import TraceFiles
from henbd.system.vitals import VitalSigns

logger = logging.getLogger(__name__)

# A HeMS exchange runs on a thread of its own; it gets the interpreter this soon while we compute.
SWITCH_INTERVAL_S = 0.0005


def start(file: str, log_level: str | None) -> Daemon:
    """Return the daemon of a configuration file, ready to run; raises HenbdError or OSError.

    `log_level` counts instead of the file's.
    """
    logs.begin()
    settings = config.load(file)
    logs.configure(log_level or settings.log.level, settings.log.target)
    daemon = build(settings, file)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    logger.info("henbd %s", __version__)
    return daemon


def build(settings: Settings, file: str) -> Daemon:
    """Return the daemon with all its shells, ready to run; raises HenbdError or OSError.

    `file` is the one that the settings are from, to be read again at SIGHUP.
    """
    built = built_at()
    store = Store(settings.store_directory, built)
    boot_id = Path(settings.device.boot_id_file).read_text(encoding="ascii").strip()
    kept = store.load(lambda document: _kept(settings, document, boot_id))
    state = kept or _fresh(settings)
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
        lambda request, caller: _answer(daemon, request, caller),
    )
    parties = Parties(
        bells=doorbell,
        charon=charon,
        kernel=KernelShell(doorbell, rung),
        guard_file=GuardFile(settings.store_directory),
        stack=stacks.stack(settings.s1, doorbell, rung),
        names=Resolver(doorbell, rung),
        callers=Listener(doorbell, lambda: daemon.called(), time.monotonic),
        exchanges=exchanges,
        supervisor=Notify(time.monotonic),
        board=StatusFile(settings.control_socket, clock.wall),
        diary=TraceFiles(settings.control_socket),
        doors=Door(settings.commands.reboot, doorbell),
        vitals=VitalSigns(),
        receiver=_receiver(settings, doorbell),
        files=Carriage(doorbell),
        flush_log=logs.flush,
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


# What most boxes or most days have no use for is imported when there is one.


def _receiver(settings: Settings, doorbell: Doorbell) -> Receiver | None:
    """Return the receiver of a box that has one."""
    if settings.location.gpsd is None:
        return None
    from henbd.system.gpsd import Gpsd

    return Gpsd(settings.location.gpsd, doorbell, time.monotonic)


def _answer(daemon: Daemon, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """Answer an operator."""
    from henbd import operator

    return operator.answer(daemon, request, caller)


def _kept(settings: Settings, document: Mapping[str, Any], boot_id: str) -> State:
    """Return the state that a document tells of; raises ValueError where it tells of none."""
    table = device_table(settings.device.oui)
    factory_tree = factory.factory_tree(table, settings, str(document.get("secret")))
    state, lost = restored(factory_tree, document, boot_id)
    for path in lost:
        logger.warning("%s: kept value does not fit this version, dropped", path)
    if state.ledger.boot_id != boot_id:
        state = replace(state, tree=factory.after_power_on(state.tree))
    return state


def _fresh(settings: Settings) -> State:
    """Return the state of a box from the factory."""
    secret, table = secrets.token_hex(32), device_table(settings.device.oui)
    return State(factory.factory_tree(table, settings, secret), Ledger(), secret)
