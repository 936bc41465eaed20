"""What charon is told: load, negotiate, end. Want − have, as far as it is about charon.

Pure. The guards that a negotiation rests on are the business of `plan`.
"""

from __future__ import annotations

from collections.abc import Iterator

from henbd.actions import (
    Action,
    Initiate,
    LoadConnection,
    LoadCredentials,
    MarkKey,
    TerminateChild,
    TerminateIke,
    UnloadConnection,
    UnloadKey,
    UnloadSecret,
)
from henbd.control.tunnel import KEY_MARK, PREFIX, Condition, Tunnel, installed, ours
from henbd.values import Certificate, Charon, Connection, IkeSa, Loaded, Network


def load(connection: Connection, charon: Charon) -> Iterator[Action]:
    """Give charon what it lacks; only a look that asked what is loaded can tell."""
    if not isinstance(charon.loaded, Loaded):
        return
    if not _has_credentials(connection, charon.loaded):
        if isinstance(connection.credentials, Certificate):
            # Before the key: one that is there without it was loaded by somebody else, and stays.
            yield MarkKey(connection)
        yield LoadCredentials(connection)
    if connection.child.name not in charon.loaded.connections.get(connection.name, ()):
        yield LoadConnection(connection)


def _has_credentials(connection: Connection, loaded: Loaded) -> bool:
    if isinstance(connection.credentials, Certificate):
        return connection.credentials.key_id in loaded.keys
    return connection.secret_id in loaded.secrets


def bring_up(
    wanted: Connection, charon: Charon, tunnel: Tunnel, *, one: bool, renew: bool
) -> Iterator[Action]:
    """Have the wanted child negotiated, once it is loaded and nothing is under way.

    `one`: the gateway allows one child at a time, so what is there makes room for it first;
    `renew`: what is there carries nothing, for its policies were taken out of the kernel.
    """
    if not isinstance(charon.loaded, Loaded):
        return
    if wanted.child.name not in charon.loaded.connections.get(wanted.name, ()):
        return
    mine = [sa for sa in ours(charon) if sa.connection == wanted.name]
    if tunnel.condition is Condition.ADDRESS_MISSING and tunnel.sa in mine:
        # Somebody took the address away; only a new IKE_SA brings it back. What is under way fails
        # for want of it, and is waited for: nobody shall take that for the gateway's doing.
        if wanted.name not in charon.initiating:
            yield TerminateIke(tunnel.sa.unique_id)
        return
    if renew and tunnel.up and tunnel.sa in mine:
        # There is nothing to be made before the break: nothing gets through.
        yield from (TerminateChild(child.unique_id) for child in installed(tunnel.sa))
        return
    if superseded := _superseded(mine, wanted):
        yield from (TerminateIke(sa.unique_id) for sa in superseded)
        return
    for sa in mine:
        carried = installed(sa)
        # What it did not grant beside another child, it may grant to one alone.
        room = one if not _carries(sa, wanted) else narrowed(sa, wanted) and len(carried) > 1
        if room and carried:
            yield from (TerminateChild(child.unique_id) for child in carried)
            return
    if any(_carries(sa, wanted) for sa in mine):
        return
    if any(sa.connecting for sa in mine) or wanted.name in charon.initiating:
        return
    # An IKE_SA that was granted no address never gets one (RFC 7296 3.15).
    yield from (TerminateIke(sa.unique_id) for sa in mine if sa.established and not sa.inner)
    yield Initiate(wanted.name, wanted.child.name)


def _superseded(mine: list[IkeSa], wanted: Connection) -> list[IkeSa]:
    """Return the IKE_SAs of what is wanted that a younger one has taken the place of.

    Where a reauthentication meets a negotiation of ours charon makes two, each with another child.
    The gateway holds to the younger one, and may have forgotten the other without a word. Not so
    where both carry what is wanted: that is make-before-break, and charon ends the older one.
    """
    complete = [sa for sa in mine if sa.connection == wanted.name and sa.established and sa.inner]
    return [
        sa for sa in complete[1:] if not (_carries(sa, wanted) and _carries(complete[0], wanted))
    ]


def _carries(sa: IkeSa, wanted: Connection) -> bool:
    return sa.established and any(c.name == wanted.child.name for c in installed(sa))


def narrowed(sa: IkeSa, wanted: Connection) -> list[Network]:
    """Return what the gateway has left out of the wanted child (RFC 7296 2.9)."""
    granted = [n for c in installed(sa) if c.name == wanted.child.name for n in c.networks]
    # mypy does not see that what has one version is of one class.
    return [
        network
        for network in wanted.child.networks
        if not any(n.version == network.version and network.subnet_of(n) for n in granted)  # type: ignore[arg-type]
    ]


def terminate(
    wanted: Connection | None, rivals: frozenset[str], charon: Charon
) -> Iterator[Action]:
    """End what is ours in charon and not wanted, once what is wanted carries traffic."""
    mine = ours(charon)
    if wanted is not None:
        superseded = _superseded(mine, wanted)
        mine = [sa for sa in mine if sa not in superseded]
    if wanted is not None and not any(
        sa.connection == wanted.name and _carries(sa, wanted) for sa in mine
    ):
        # A gateway that is given up for another is not waited for.
        yield from (
            TerminateIke(sa.unique_id)
            for sa in mine
            if sa.connection not in {wanted.name, *rivals} and sa.connecting
        )
        return
    for sa in mine:
        if wanted is None or sa.connection != wanted.name:
            yield TerminateIke(sa.unique_id)
        else:
            yield from (
                TerminateChild(c.unique_id) for c in installed(sa) if c.name != wanted.child.name
            )
    if not isinstance(charon.loaded, Loaded):
        return
    own = [name for name in sorted(charon.loaded.connections) if name.startswith(PREFIX)]
    spare = [name for name in own if wanted is None or name != wanted.name]
    yield from map(UnloadConnection, spare)
    if not spare and all(wanted is not None and sa.connection == wanted.name for sa in mine):
        # Not before: a reauthentication of the old IKE_SA takes what it can find.
        yield from _spare_credentials(wanted, charon.loaded)


def _spare_credentials(wanted: Connection | None, loaded: Loaded) -> Iterator[Action]:
    """Take back the keys and secrets that were ours and are not used any more."""
    for secret_id in sorted(loaded.secrets):
        if not secret_id.startswith(PREFIX) or (wanted and secret_id == wanted.secret_id):
            continue
        key_id = secret_id.removeprefix(KEY_MARK)
        if key_id != secret_id and key_id in loaded.keys:
            yield UnloadKey(key_id)
        yield UnloadSecret(secret_id)
