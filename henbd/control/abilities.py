"""What the S1AP stacks behind the adapters can do, as far as that is not everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from henbd.settings import StackAdapter


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a stack can do. `silent`: it has S1 without transmitting (AdminState false)."""

    several_far_ends: bool = True
    ipv6: bool = True
    home_identity: bool = True
    any_port: bool = True
    silent: bool = True


# Of what stands behind a hook its integrator has to know.
ABILITIES: Mapping[StackAdapter, Abilities] = {
    StackAdapter.NATIVE: Abilities(),
    StackAdapter.HOOK: Abilities(),
    StackAdapter.SRSENB: Abilities(
        several_far_ends=False, ipv6=False, home_identity=False, any_port=False, silent=False
    ),
    StackAdapter.AMARISOFT: Abilities(home_identity=False, silent=False),
}
