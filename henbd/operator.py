"""What an operator may ask of the daemon over the control socket: a JSON object each, and one back.

A refusal is an object with `error`, a text; one of `set` has `culprits` too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from henbd import metrics
from henbd.cwmp import ledger as ledgers
from henbd.cwmp.events import PERIODIC
from henbd.cwmp.local import locally_set
from henbd.daemon import Daemon
from henbd.errors import CwmpFault, RequestError
from henbd.model.notification import ACTIVE, PASSIVE
from henbd.model.schema import Object
from henbd.model.tree import Tree
from henbd.onlookers import told
from henbd.status import status
from henbd.system.local_socket import Caller
from henbd.trace_document import happenings
from henbd.values import Unknown

logger = logging.getLogger(__name__)

Request = Mapping[str, Any]
Answer = dict[str, Any]

NOTIFICATIONS = {ACTIVE: "active", PASSIVE: "passive"}


def answer(daemon: Daemon, request: Request, caller: Caller) -> Answer:
    """Return the answer to a request of somebody who may use the control socket."""
    command = request.get("command")
    if not isinstance(command, str) or command not in COMMANDS:
        return {"error": f"unknown command {command!r}"}
    if command in CHANGING:
        logger.info("%s, by uid %d (pid %d)", command, caller.uid, caller.pid)
    try:
        return COMMANDS[command](daemon, request)
    except RequestError as error:
        return {"error": str(error)}
    except CwmpFault as fault:
        culprits = [{"path": c.path, "code": int(c.code), "text": c.text} for c in fault.culprits]
        return {"error": str(fault), "culprits": culprits}


def _status(daemon: Daemon, _request: Request) -> Answer:
    return status(daemon)


def _metrics(daemon: Daemon, _request: Request) -> Answer:
    return {"text": metrics.text(status(daemon), daemon.counts, daemon.clock.moment())}


def _get(daemon: Daemon, request: Request) -> Answer:
    tree = daemon.memory.tree
    names = _texts(request, "paths")
    for name in names:
        _see_that_it_is_no_object(tree, name)
    paths = [path for name in names for path in tree.below(name)]
    return {"values": {path: _shown(tree, path) for path in paths}}


def _tree(daemon: Daemon, request: Request) -> Answer:
    """Return objects and parameters in document order; the objects have no value."""
    tree, local = daemon.memory.tree, daemon.memory.state.local
    root = _text(request, "path")
    _see_that_it_is_no_object(tree, root)
    if root and root not in tree.nodes and root not in tree.rows:
        raise RequestError(f"{root!r} is no parameter or object here")
    found = []
    for path, node in tree.nodes.items():
        if not path.startswith(root):
            continue
        entry: Answer = {"path": path, "writable": tree.writable(path)}
        if not isinstance(node, Object):
            entry |= {
                "type": node.type.base.value,
                "value": _shown(tree, path),
                "notification": NOTIFICATIONS.get(tree.notified.get(tree.target(path), 0), "off"),
                "set_locally": tree.target(path) in local,
            }
        found.append(entry)
    return {"nodes": found}


def _trace(daemon: Daemon, _request: Request) -> Answer:
    """Return what is not kept yet: the session that goes on, and what happened since the last."""
    current = daemon.trace.current
    now = daemon.clock.monotonic()
    return {
        "at": daemon.clock.wall().isoformat(timespec="milliseconds"),
        "session": None if current is None else told(daemon, current),
        "happenings": happenings(daemon.trace.latest, now),
    }


def _set(daemon: Daemon, request: Request) -> Answer:
    values = request.get("values")
    if not isinstance(values, dict) or not values:
        raise RequestError("values has to be an object of texts, not empty")
    if not all(isinstance(value, str) for value in values.values()):
        raise RequestError("each value has to be a text")
    memory = daemon.memory
    state = locally_set(values, memory.state, daemon.caller.refusals)
    problem = memory.commit(state)
    if problem is not None:
        raise RequestError(f"not stored: {problem}")
    for path in values:
        logger.info("set locally: %s = %s", path, _shown(state.tree, path) or "(not shown)")
    daemon.settle()
    return {
        "values": {path: _shown(state.tree, path) for path in values},
        "takes_effect": "now" if daemon.conversation.current is None else "after the session",
    }


def _inform(daemon: Daemon, _request: Request) -> Answer:
    """Have the HeMS called, as if the periodic Inform were due; a wait for a retry ends."""
    if not daemon.caller.management.enabled:
        raise RequestError("the HeMS has disabled CWMP (EnableCWMP)")
    daemon.memory.account(ledgers.with_event(daemon.memory.ledger, PERIODIC))
    waits = daemon.caller.way.reason if isinstance(daemon.caller.way, Unknown) else None
    return {"waits_for": waits}


def _reconnect(daemon: Daemon, _request: Request) -> Answer:
    if daemon.settlement.settings.ipsec is None:
        raise RequestError("there is no tunnel: the configuration has no [ipsec]")
    return {"ended": daemon.reconnect()}


def _factory_reset(daemon: Daemon, _request: Request) -> Answer:
    """Order what FactoryReset orders (TR-069 A.4.1.6), carried out when no session goes on."""
    state = daemon.memory.state
    problem = daemon.memory.commit(replace(state, orders=replace(state.orders, factory_reset=True)))
    if problem is not None:
        raise RequestError(f"not stored: {problem}")
    return {}


COMMANDS: Mapping[str, Callable[[Daemon, Request], Answer]] = {
    "status": _status,
    "get": _get,
    "tree": _tree,
    "set": _set,
    "trace": _trace,
    "metrics": _metrics,
    "inform": _inform,
    "reconnect": _reconnect,
    "factory-reset": _factory_reset,
}

# Those that a log has to tell of, with who it was.
CHANGING = frozenset({"set", "inform", "reconnect", "factory-reset"})


def _shown(tree: Tree, path: str) -> str:
    """Return a value as anybody may see it: a secret reads as empty, as for the HeMS."""
    return "" if tree.rows[path].hidden else tree.values[path]


def _see_that_it_is_no_object(tree: Tree, path: str) -> None:
    """Tell somebody who has left out the dot at the end that it is wanted."""
    if f"{path}." in tree.nodes:
        raise RequestError(f"{path!r} is an object: its name ends in a dot, {path + '.'!r}")


def _text(request: Request, key: str) -> str:
    value = request.get(key)
    if not isinstance(value, str):
        raise RequestError(f"{key} has to be a text")
    return value


def _texts(request: Request, key: str) -> list[str]:
    values = request.get(key)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise RequestError(f"{key} has to be a list of texts")
    return values
