"""How the tunnel is: one judgement from what charon lists and what the kernel has.

It is up when all of these hold: an IKE_SA established, a CHILD_SA installed, an inner address
granted, and that address on an interface. An address alone is no sign of life, nor is an SA alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from henbd.values import Address, Charon, ChildSa, EspMode, IkeSa, Kernel, Network, Unknown

# Every connection that henbd loads bears this before its digest; others are an operator's own.
PREFIX = "henbd-"

# What goes before charon's name for a private key in the mark that says that we have loaded it.
KEY_MARK = PREFIX + "key-"


class Condition(Enum):
    """Where the tunnel is on its way up; the value is for people."""

    UNKNOWN = "not known"
    DOWN = "down"
    CONNECTING = "being negotiated"
    NO_ADDRESS = "established, but the gateway granted no inner address"
    NO_CHILD = "established, but no CHILD_SA is installed"
    ADDRESS_MISSING = "established, but its inner address is on no interface"
    UP = "up"


@dataclass(frozen=True, slots=True)
class Tunnel:
    """The judgement; `inner` are the usable inner addresses, `device` the index of what bears them.

    Empty and 0 unless it is up. `sa` is the IKE_SA that the judgement is about, if there is one.
    """

    condition: Condition
    sa: IkeSa | None = None
    inner: tuple[Address, ...] = ()
    device: int = 0

    @property
    def up(self) -> bool:
        """Whether packets can go through."""
        return self.condition is Condition.UP

    @property
    def networks(self) -> tuple[Network, ...]:
        """What is reached through it now."""
        installed = self.sa.children if self.sa and self.up else ()
        return tuple(n for child in installed if child.installed for n in child.networks)

    def source_for(self, address: Address) -> Address | None:
        """Return the inner address that reaches a far end, None where none does."""
        if not any(address in network for network in self.networks):
            return None
        return next((a for a in self.inner if a.version == address.version), None)


def ours(charon: Charon) -> list[IkeSa]:
    """Return the IKE_SAs of henbd's connections, the youngest first."""
    mine = [sa for sa in charon.sas if sa.connection.startswith(PREFIX)]
    return sorted(mine, key=lambda sa: sa.unique_id, reverse=True)


def installed(sa: IkeSa) -> list[ChildSa]:
    """Return the CHILD_SAs of an IKE_SA that carry traffic."""
    return [child for child in sa.children if child.installed]


def judge(charon: Charon | Unknown, kernel: Kernel | Unknown) -> Tunnel:
    """Return how the tunnel is. Of several IKE_SAs the youngest that is complete counts."""
    if isinstance(charon, Unknown) or isinstance(kernel, Unknown):
        return Tunnel(Condition.UNKNOWN)
    bearers = {a.address: a.device for a in kernel.addresses if a.usable}
    judgements = [_judge(sa, bearers) for sa in ours(charon)]
    rank = list(Condition)
    return max(judgements, key=lambda t: rank.index(t.condition), default=Tunnel(Condition.DOWN))


def _judge(sa: IkeSa, bearers: dict[Address, int]) -> Tunnel:
    if not sa.established:
        return Tunnel(Condition.CONNECTING if sa.connecting else Condition.DOWN, sa)
    if not sa.inner:
        return Tunnel(Condition.NO_ADDRESS, sa)
    inner = tuple(dict.fromkeys(a for a in sa.inner if a in bearers))
    if not inner:
        # Before the child, for none can be had without the address.
        return Tunnel(Condition.ADDRESS_MISSING, sa)
    if not installed(sa):
        return Tunnel(Condition.NO_CHILD, sa)
    return Tunnel(Condition.UP, sa, inner, bearers[inner[0]])


def esp_mode(charon: Charon | Unknown, kernel: Kernel, *, if_id: int) -> EspMode:
    """Return where this kernel meets ESP; while charon cannot say, as the guards now stand.

    With an `if_id` it is behind an interface of xfrm. With no guards yet and no word of charon,
    POLICY: its blocks hold in every world, though the tunnel of an interface does not pass them.
    """
    if if_id:
        return EspMode.INTERFACE
    if isinstance(charon, Charon):
        return charon.mode
    standing = any(getattr(guard, "device", 0) for guard in kernel.guards)
    return EspMode.INTERFACE if standing else EspMode.POLICY
