"""`henbd status` for people: the JSON values of the daemon as one screen of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from henbd.printable import printable


def screen(values: dict[str, Any]) -> str:
    """Return the text of a status."""
    device = values["device"]
    name = f"{device['manufacturer']} {device['oui']}-{device['product_class']}"
    rows = [
        ("device", f"{name}-{device['serial_number']}, henbd {values['version']}"),
        *_hems(values["hems"]),
        *_tunnel(values["tunnel"]),
        *_guards(values["guards"]),
        *_s1(values["s1"]),
        *(("transfers", _transfer(transfer)) for transfer in values["transfers"]),
        *(("alarms", _alarm(alarm)) for alarm in values["alarms"]),
        *(("waiting for", _waiting(wait)) for wait in values["waiting_for"]),
    ]
    lines, before = [], ""
    for label, text in rows:
        lines.append(printable(f"{label if label != before else '':<12} {text}".rstrip()))
        before = label
    return "\n".join(lines)


def _hems(hems: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "HeMS", f"{hems['url']}, {'registered' if hems['registered'] else 'not registered'}"
    way = hems["way"]
    if way:
        yield "HeMS", f"from {way['source']} to {way['address']}"
    if hems["connection_request_url"]:
        yield "HeMS", f"calls us at {hems['connection_request_url']}"
    session = hems["session"]
    if session:
        told = "acknowledged" if session["acknowledged"] else "not acknowledged yet"
        yield "session", f"now: {', '.join(session['events'])}; Inform {told}"
    yield from (("sessions", _session(past)) for past in hems["sessions"])
    if hems["pending_events"]:
        yield "to tell", ", ".join(hems["pending_events"])
    for path, value in hems["to_tell"].items():
        yield "to tell", f"{path} = {value}"
    if hems["retry_in_s"] is not None:
        failed = f"after {hems['failures']} that failed"
        yield "next", f"attempt in {_ago(hems['retry_in_s'])}, {failed}"
    if hems["periodic_in_s"] is not None:
        yield "next", f"periodic Inform in {_ago(hems['periodic_in_s'])}"


def _session(past: dict[str, Any]) -> str:
    told = "" if past["acknowledged"] or not past["failure"] else ", nothing was told"
    result = past["failure"] or "ended properly"
    return f"{_ago(past['ago_s'])} ago: {', '.join(past['events'])}; {result}{told}"


def _transfer(transfer: dict[str, Any]) -> str:
    due = "" if transfer["in_s"] is None else f", in {_ago(transfer['in_s'])}"
    key = f" ({transfer['command_key']})" if transfer["command_key"] else ""
    return f"{transfer['file_type']}{key}: {transfer['stage']}{due}"


def _alarm(alarm: dict[str, Any]) -> str:
    since = "" if alarm["since_s"] is None else f", for {_ago(alarm['since_s'])}"
    return f"{alarm['severity']}: {alarm['text']}{since}"


def _tunnel(tunnel: dict[str, Any] | None) -> Iterator[tuple[str, str]]:
    if tunnel is None:
        yield "tunnel", "none configured"
        return
    since = _ago(tunnel["since_s"])
    gateway = f", gateway {tunnel['gateway']}" if tunnel["gateway"] else ""
    yield "tunnel", f"{tunnel['condition']} for {since}{gateway}"
    if tunnel["inner_addresses"]:
        yield "tunnel", f"inner address {', '.join(tunnel['inner_addresses'])}"
    if tunnel["networks"]:
        yield "tunnel", f"reaches {', '.join(tunnel['networks'])}"
    if tunnel["one_child"]:
        yield (
            "tunnel",
            "its gateway allows one child at a time: a new one replaces the old",
        )
    for failure in tunnel["failures"]:
        times = f"failed {failure['times']} times" if failure["times"] > 1 else "failed"
        yield "tunnel", f"{failure['gateway']} {times}: {failure['failure']}"
    for address in tunnel["foreign_addresses"]:
        yield "tunnel", f"{address} is on its interface, but no gateway granted it: ignored"
    for address in tunnel["stale_addresses"]:
        yield "tunnel", f"{address} is still there, but no gateway grants it: it is removed"


def _guards(guards: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "guarded", ", ".join(guards["standing"]) or "nothing"
    if guards["missing"]:
        yield "guarded", f"MISSING: {', '.join(guards['missing'])}"


def _s1(s1: dict[str, Any]) -> Iterator[tuple[str, str]]:
    where = "inside the tunnel" if s1["inside"] else "outside the tunnel"
    ends = f"to {', '.join(s1['far_ends'])}, port {s1['port']}"
    asked = f"{where} {ends}" if s1["far_ends"] else "no far end is provisioned"
    yield "S1", f"{'up' if s1['up'] else 'down'}; {asked}"
    if s1["stack"] is None:
        yield "S1", "no stack is connected"
        return
    told = s1["told"]
    if told is None:
        yield "S1", f"{s1['stack']} was told to stay down"
    else:
        taken = "acknowledged" if s1["acknowledged"] else "not acknowledged yet"
        peers = ", ".join(told["peers"])
        yield "S1", f"{s1['stack']} was told: from {told['local']} to {peers}; {taken}"
    for peer in s1["peers"]:
        cause = f" ({peer['cause']})" if peer["cause"] else ""
        mme = f", {peer['mme_name']}" if peer["mme_name"] else ""
        yield "S1", f"{peer['address']}: {peer['state']}{cause}{mme}"
    yield "S1", f"AdminState {_word(s1['admin_state'])}, transmitting {_word(s1['transmitting'])}"


def _waiting(wait: dict[str, Any]) -> str:
    until = "" if wait["in_s"] is None else f", in {_ago(wait['in_s'])} at the latest"
    return f"{wait['for']}{until}"


def _word(value: bool) -> str:
    return "true" if value else "false"


def _ago(seconds: float) -> str:
    """Return a duration in the two units that matter."""
    whole = int(seconds)
    for unit, size, smaller, part in (
        ("d", 86400, "h", 3600),
        ("h", 3600, "min", 60),
        ("min", 60, "s", 1),
    ):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // part} {smaller}"
    return f"{seconds:.1f} s"
