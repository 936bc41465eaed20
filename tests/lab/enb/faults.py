"""What a stack may do wrong, to be switched on: henbd has to live with each."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_address

from tests.lab.enb.messages import Address, Json

_LATE_S = 2.0


class Fault(Enum):
    """The faults, by their names on the command line."""

    SILENT = "silent"
    GARBAGE = "garbage"
    NEVER_ACK = "never-ack"
    LATE_ACK = "late-ack"
    OLD_GENERATION = "old-generation"
    DROP = "drop"
    WRONG_LOCAL = "wrong-local"


EXPLANATIONS = {
    Fault.SILENT: "connects to henbd, and never says anything; S1 follows the config",
    Fault.GARBAGE: "says, before each message, a line that is no JSON and one with a wrong type",
    Fault.NEVER_ACK: "works by each config, but acknowledges none",
    Fault.LATE_ACK: f"acknowledges {_LATE_S:g} s too late",
    Fault.OLD_GENERATION: "names, in ack and status, the generation before the right one",
    Fault.DROP: "ends the connection at each config, before it works by it",
    Fault.WRONG_LOCAL: "(wrong-local=ADDRESS) binds S1 to this address, and says so",
}


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults that are on; `local` is the address of WRONG_LOCAL."""

    active: frozenset[Fault] = frozenset()
    local: Address | None = None

    @property
    def drops(self) -> bool:
        """Whether the connection ends at each config."""
        return Fault.DROP in self.active

    def before_ack(self) -> None:
        """Do what delays an acknowledgement."""
        if Fault.LATE_ACK in self.active:
            time.sleep(_LATE_S)

    def distort(self, message: Json) -> list[Json | bytes]:
        """Return what is said in place of a message: messages, and lines of raw bytes."""
        said: list[Json | bytes] = []
        if Fault.SILENT in self.active:
            return said
        if Fault.NEVER_ACK in self.active and message["type"] == "ack":
            return said
        if Fault.OLD_GENERATION in self.active and message["type"] in ("ack", "status"):
            message = message | {"generation": message["generation"] - 1}
        if Fault.GARBAGE in self.active:
            said += [b"{no JSON\xff\n", {"type": "status", "generation": "one", "peers": 7}]
        return [*said, message]


def parse(switches: Iterable[str]) -> Faults:
    """Return the faults that these words name; raise ValueError."""
    active, local = set(), None
    for switch in switches:
        name, _, value = switch.partition("=")
        fault = Fault(name)
        if (fault is Fault.WRONG_LOCAL) != bool(value):
            raise ValueError(f"{name}: a value is for {Fault.WRONG_LOCAL.value} alone, and needed")
        if value:
            local = ip_address(value)
        active.add(fault)
    return Faults(frozenset(active), local)
