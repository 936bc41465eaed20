"""How long questions about many parameters take; alone with an ACS."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator

from tests.bench import acs
from tests.bench.alone import ACS, BARE_PORT, Alone
from tests.bench.call import PAUSE_S
from tests.bench.figures import Against, Figure, Goal
from tests.lab.hems.rpc import Add, Get, Names, Rpc

BARE = 'b"".join of so many bytes, and one send'
MANY = 1000

CELL = "Device.Services.FAPService.1.CellConfig.LTE."
ROWS = {
    CELL + "RAN.NeighborList.LTECell.": 32,
    CELL + "RAN.Mobility.IdleMode.InterFreq.Carrier.": 8,
    CELL + "RAN.PHY.MBSFN.SFConfigList.": 8,
    CELL + "EPC.QoS.": 16,
    CELL + "EPC.PLMNList.": 5,
    "Device.ManagementServer.InformParameter.": 16,
}

NAME = re.compile(rb"<Name>([^<]*[^.<])</Name>")


def figures(trials: int) -> Iterator[Figure]:
    """Take the time from a request to the end of its response."""
    with Alone() as alone:
        alone.register()
        _grow(alone)
        names = _names(alone)
        chosen = names[:MANY]
        yield from _row(
            f"GetParameterValues of {len(chosen)} names",
            *(alone, Get(chosen), trials, Goal(Against.ABSOLUTE, 2.5)),
        )
        name = f"GetParameterValues of the whole tree, {len(names)} parameters"
        yield from _row(name, alone, Get(["Device."]), trials)
        yield from _row("GetParameterNames of the whole tree", alone, Names("Device."), trials)


def _grow(alone: Alone) -> None:
    """Have rows added until there are more than a thousand parameters."""
    requests = [_xml(Add(table)) for table, count in ROWS.items() for _ in range(count)]
    alone.acs.ask(*requests)
    alone.session()
    alone.acs.exchanges.clear()


def _names(alone: Alone) -> list[str]:
    answer = _ask(alone, _xml(Names("Device.")))
    return [name.decode() for name in NAME.findall(answer.answer.body)]


def _row(
    name: str, alone: Alone, rpc: Rpc, trials: int, goal: Goal | None = None
) -> Iterator[Figure]:
    request = _xml(rpc)
    sent = acs.answer(request)
    response_bytes = len(_ask(alone, request).answer.body)
    ours, bare = [], []
    with alone.core.inside(), socket.create_server((ACS, BARE_PORT)) as listening:
        sizes = (str(len(sent)), str(response_bytes))
        peer = ("-m", "tests.bench.bare_peer", "answer", ACS, str(BARE_PORT), *sizes)
        alone.run(*peer)
        connection, _ = listening.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection:
            for _ in range(trials):
                exchange = _ask(alone, request)
                ours.append((exchange.answer.last_at - exchange.sent_at) * 1000)
                time.sleep(PAUSE_S)
                bare.append(_ask_bare(connection, sent, response_bytes))
    yield Figure(name, "ms", ours, BARE, bare, goal)


def _ask(alone: Alone, request: str) -> acs.Exchange:
    """Have a question asked in a session of its own."""
    time.sleep(PAUSE_S)
    alone.acs.ask(request)
    alone.session()
    return alone.acs.exchanges.pop()


def _ask_bare(connection: socket.socket, request: bytes, response_bytes: int) -> float:
    sent_at = time.monotonic()
    connection.sendall(request)
    missing = response_bytes
    while missing:
        missing -= len(connection.recv(acs.PIECE))
    return (time.monotonic() - sent_at) * 1000


def _xml(rpc: Rpc) -> str:
    return f"<cwmp:{rpc.METHOD}>{rpc.arguments()}</cwmp:{rpc.METHOD}>"
