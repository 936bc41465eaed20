"""Security gateways: what they grant, refuse, or let hang."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from henbd.values import Address, Network


class Manner(Enum):
    """How a gateway takes an IKE_SA_INIT."""

    GRANTS = "grants"
    SILENT = "does not answer"
    REFUSES = "refuses: AUTHENTICATION_FAILED"
    ADDRESSLESS = "grants no inner address"
    CHILDLESS = "refuses the child: TS_UNACCEPTABLE"
    ONE_CHILD = "refuses a child beside another: NO_ADDITIONAL_SAS"
    NARROWS = "grants a child what the one beside it does not lead to"
    STRICT = "refuses a child beside another, and one that leads elsewhere: TS_UNACCEPTABLE"
    FICKLE = "deletes what it has just granted"


@dataclass
class FakeGateway:
    """One gateway. `lease` is what it grants from now on; what it granted before stays.

    `reaches` is what it leads to: what is not in it is left out of a child. `accepts` are the
    proposals of IKE and ESP that it takes, None: any.
    """

    address: Address
    lease: tuple[Address, ...]
    manner: Manner = Manner.GRANTS
    takes_s: float = 0.02
    reaches: tuple[Network, ...] | None = None
    accepts: frozenset[str] | None = None
    asked_at: list[float] = field(default_factory=list)
