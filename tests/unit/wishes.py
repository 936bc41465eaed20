"""What is wanted of the box of these tests, by what it sees."""

from __future__ import annotations

from henbd.control.desire import desired
from henbd.control.gateways import Gateways
from henbd.control.guard import inner
from henbd.control.tunnel import Condition, Tunnel, judge
from henbd.settings import Settings
from henbd.values import (
    Address,
    Block,
    Connection,
    Desired,
    Network,
    Observed,
    Provisioned,
    Unreachable,
)
from tests.unit.settings import hems, ipsec, settings
from tests.unit.sights import (
    ANY,
    CORE,
    GATEWAY,
    GATEWAY_2,
    HEMS,
    NOW,
    charon,
    course,
    ike_sa,
    kernel,
    observed,
    provisioned,
)

BOX = settings(
    hems=hems(address=HEMS),
    ipsec=ipsec(gateways=(str(GATEWAY), str(GATEWAY_2)), networks=(CORE,)),
)
UP = judge(charon(ike_sa()), kernel())
DOWN = Tunnel(Condition.DOWN)
OUTSIDE = provisioned(s1_inside=False)


def wanted(
    asked: Provisioned | None = None,
    seen: Observed | None = None,
    *,
    tunnel: Tunnel | None = None,
    configuration: Settings = BOX,
    addresses: tuple[Address, ...] = (HEMS,),
    gateways: Gateways | None = None,
    hems_outside: bool = False,
) -> Desired:
    """Return what is wanted of a box that sees this."""
    seen = seen or observed()
    return desired(
        asked or provisioned(),
        configuration,
        seen,
        judge(seen.charon, seen.kernel) if tunnel is None else tunnel,
        addresses,
        course(gateways=gateways or Gateways(), hems_outside=hems_outside),
        NOW,
    )


def networks(found: Desired) -> set[Network]:
    """Return what the wanted child leads to."""
    assert isinstance(found.connection, Connection)
    return set(found.connection.child.networks)


def protected(found: Desired) -> set[Network]:
    """Return the destinations that are guarded by both a rule and a block."""
    rules = {g.destination for g in found.guards if isinstance(g, Unreachable)}
    rules -= inner(found.guards)
    blocks = {g.destination for g in found.guards if isinstance(g, Block) and g.source == ANY}
    assert rules - {ANY} == blocks
    return blocks
