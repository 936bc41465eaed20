"""All that the daemon must not lose, and how it is written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from henbd.control import fault_record
from henbd.control.faults import NOTHING as NO_FAULTS
from henbd.control.faults import Faults
from henbd.control.report_faults import reported
from henbd.cwmp import ledger as ledgers
from henbd.cwmp import record
from henbd.cwmp.events import RULES, Kept, single
from henbd.cwmp.ledger import Account, Ledger, Owed
from henbd.cwmp.messages import AutonomousTransferComplete, Call, TransferComplete
from henbd.cwmp.orders import NOTHING, Orders
from henbd.cwmp.schedule import Scheduled
from henbd.cwmp.structs import Event
from henbd.cwmp.transfer_requests import Download, Upload
from henbd.cwmp.transfers import Stage, Transfer
from henbd.cwmp.versions import NAMESPACES
from henbd.errors import InvalidValueError
from henbd.model import types
from henbd.model.notification import ACTIVE
from henbd.model.provisioning import Provisioning
from henbd.model.schema import Parameter, Role
from henbd.model.tree import Tree

VERSION = 3

# The requests of ours that are kept, by the name of their method.
CALLS: Mapping[str, type[Call]] = {
    call.__name__: call for call in (TransferComplete, AutonomousTransferComplete)
}

REQUESTS: Mapping[str, type[Download | Upload]] = {"Download": Download, "Upload": Upload}


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The tree and the ledger of one moment; `secret` is what this device alone knows, in hex.

    Default credentials and the path of the connection request are derived from the secret.
    `gateways` is the list of security gateways that worked last. `local` are the parameters that
    an operator has set at the box, and the HeMS not since. `faults` are in the tree as well.
    """

    tree: Tree
    ledger: Ledger
    secret: str
    orders: Orders = NOTHING
    transfers: tuple[Transfer, ...] = ()
    gateways: tuple[str, ...] = ()
    local: frozenset[str] = frozenset()
    faults: Faults = NO_FAULTS


def document(state: State) -> dict[str, Any]:
    """Return what of a state goes to flash, as JSON values. Equal documents need no write."""
    ledger = state.ledger
    return {
        "version": VERSION,
        "secret": state.secret,
        "values": dict(state.tree.provisioning.values),
        "notifications": dict(state.tree.provisioning.notifications),
        "rows": {path: list(rows) for path, rows in state.tree.provisioning.rows.items()},
        "numbers": dict(state.tree.provisioning.numbers),
        "closed": sorted(state.tree.provisioning.closed),
        "gateways": list(state.gateways),
        "hems": ledger.hems,
        "account": record.written(ledger.account),
        "boot_id": ledger.boot_id,
        "cwmp": ledger.version,
        "acknowledged": dict(ledger.acknowledged),
        "events": [
            [event.code, event.command_key]
            for event in single((*ledger.sent, *ledger.events))
            if RULES[event.code].kept is Kept.FLASH
        ],
        "owed": [
            {
                "event": [owed.event.code, owed.event.command_key],
                "method": type(owed.call).__name__,
                "arguments": record.written(owed.call),
            }
            for owed in ledger.owed
        ],
        "scheduled": [
            {"command_key": entry.command_key, "delay_s": entry.delay_s, "due": entry.due}
            for entry in ledger.scheduled
        ],
        "orders": record.written(state.orders),
        "transfers": [_kept_transfer(transfer) for transfer in state.transfers],
        "local": sorted(state.local),
        "faults": record.written(state.faults),
    }


def restored(factory: Tree, kept: Mapping[str, Any], boot_id: str) -> tuple[State, tuple[str, ...]]:
    """Return the state that a document tells of, and the paths in it that no longer fit the model.

    Raises ValueError for a document that is none of ours. Reported parameters that the HeMS was
    told of start as it knows them, for absence is no value; not so after a new boot, when nothing
    is up.
    """
    try:
        kept = _migrated(kept)
        provisioning = Provisioning(
            _texts(kept["values"]),
            _attributes(kept["notifications"]),
            {path: tuple(map(_number, rows)) for path, rows in kept["rows"].items()},
            {path: _number(number) for path, number in kept["numbers"].items()},
            frozenset(map(_text, kept["closed"])),
        )
        ledger = Ledger(
            hems=_text(kept["hems"]),
            account=record.read(Account, kept["account"]),
            boot_id=_text(kept["boot_id"]),
            version=_version(kept["cwmp"]),
            acknowledged=_texts(kept["acknowledged"]),
            events=tuple(_event(entry) for entry in kept["events"]),
            owed=tuple(_owed(entry) for entry in kept["owed"]),
            scheduled=tuple(_scheduled(entry) for entry in kept["scheduled"]),
        )
        orders = record.read(Orders, kept["orders"])
        transfers = tuple(_transfer(entry) for entry in kept["transfers"])
        local = frozenset(map(_text, kept["local"]))
        secret = bytes.fromhex(kept["secret"]).hex()
        if not secret:
            raise ValueError("the secret is empty")
        gateways = tuple(map(_text, kept["gateways"]))
        faults = fault_record.read(kept["faults"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    tree, lost = factory.provision(provisioning)
    tree = reported(tree, faults)
    if ledger.boot_id == boot_id:
        # What is told of alarms is not of this boot alone, and the HeMS may know less of it.
        tree = reported(_with_reported(tree, ledger.acknowledged), faults)
    local &= tree.rows.keys()
    return State(tree, ledger, secret, orders, transfers, gateways, local, faults), lost


def _migrated(kept: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a document of an earlier version as this version would have written it."""
    version = kept.get("version")
    if version == 2:
        # There were no alarms, and every AccessList had the Subscriber.
        return {**kept, "faults": record.written(NO_FAULTS), "closed": []}
    if version == 1:
        # The HeMS could set values, and no more.
        lists: dict[str, Any] = {"owed": [], "scheduled": [], "transfers": [], "gateways": []}
        lists |= {"local": [], "closed": []}
        new: dict[str, Any] = {"rows": {}, "numbers": {}, "cwmp": ""}
        new["faults"] = record.written(NO_FAULTS)
        new |= {"orders": record.written(NOTHING), "account": record.written(Account())}
        return {**kept, **lists, **new}
    if version != VERSION:
        raise ValueError(f"version {version!r} is not {VERSION}")
    return kept


def reconfigured(factory: Tree, state: State) -> tuple[State, tuple[str, ...]]:
    """Return the state on another factory tree, and the paths of it that no longer fit.

    What the HeMS made of the tree stays, and what was read of the world until it is read again.
    """
    tree, lost = factory.provision(state.tree.provisioning)
    tree = _with_reported(reported(tree, state.faults), state.tree.values)
    ledger = ledgers.noticed(state.ledger, state.tree, tree)
    return replace(state, tree=tree, ledger=ledger), lost


def _with_reported(tree: Tree, values: Mapping[str, str]) -> Tree:
    """Return the tree with those of the values that are reported parameters of it."""
    fitting = {p: v for p, v in values.items() if p in tree.rows and _fits(tree.rows[p], v)}
    return tree.report(fitting)


def _fits(row: Parameter, value: str) -> bool:
    try:
        return row.role is Role.REPORTED and types.canonical(row.type, value) == value
    except InvalidValueError:
        return False


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _texts(entries: Mapping[str, Any]) -> dict[str, str]:
    return {key: _text(value) for key, value in entries.items()}


def _version(value: Any) -> str:
    if value not in ("", *NAMESPACES.values()):
        raise ValueError(f"{value!r} is no namespace of CWMP")
    return _text(value)


def _number(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise ValueError(f"{value!r} is no number from 1 on")
    return value


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value


def _attributes(entries: Mapping[str, Any]) -> dict[str, int]:
    for path, value in entries.items():
        if value not in (0, 1, ACTIVE):
            raise ValueError(f"{path}: {value!r} is no notification attribute")
    return dict(entries)


def _event(entry: Any) -> Event:
    if not isinstance(entry, list):
        raise TypeError(f"{entry!r} is no event")
    code, key = entry
    if code not in RULES:
        raise TypeError(f"{code!r} is no event of ours")
    return Event(_text(code), _text(key))


def _owed(entry: Any) -> Owed:
    return Owed(_event(entry["event"]), record.read(CALLS[entry["method"]], entry["arguments"]))


def _scheduled(entry: Any) -> Scheduled:
    return Scheduled(_text(entry["command_key"]), _number(entry["delay_s"]), _number(entry["due"]))


def _kept_transfer(transfer: Transfer) -> dict[str, Any]:
    return {
        "method": type(transfer.request).__name__,
        "arguments": record.written(transfer.request),
        "due": transfer.due,
        "stage": transfer.stage.value,
        "attempts": transfer.attempts,
        "started": transfer.started,
        "boot_id": transfer.boot_id,
        "version": transfer.version,
    }


def _transfer(entry: Any) -> Transfer:
    return Transfer(
        record.read(REQUESTS[entry["method"]], entry["arguments"]),
        _whole(entry["due"]),
        Stage(entry["stage"]),
        _whole(entry["attempts"]),
        _text(entry["started"]),
        _text(entry["boot_id"]),
        _text(entry["version"]),
    )
