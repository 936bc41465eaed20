"""Security gateways: what they grant, refuse, or let hang."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from henbd.values import Address


class Manner(Enum):
    """How a gateway takes an IKE_SA_INIT."""

    GRANTS = "grants"
    SILENT = "does not answer"
    REFUSES = "refuses: AUTHENTICATION_FAILED"
    ADDRESSLESS = "grants no inner address"
    CHILDLESS = "refuses the child: TS_UNACCEPTABLE"
    FICKLE = "deletes what it has just granted"


@dataclass
class FakeGateway:
    """One gateway. `lease` is what it grants from now on; what it granted before stays."""

    address: Address
    lease: tuple[Address, ...]
    manner: Manner = Manner.GRANTS
    takes_s: float = 0.02
    asked_at: list[float] = field(default_factory=list)
