"""What is done to the world, as frozen values: the difference between wanted and there.

Values only, as in henbd.values.
"""

from __future__ import annotations

from dataclasses import dataclass

from henbd.values import Connection, Device, Guard, Interface, InterfaceAddress, Route, S1Link


@dataclass(frozen=True, slots=True)
class AddGuard:
    """Put a guard into the kernel."""

    guard: Guard


@dataclass(frozen=True, slots=True)
class RemoveGuard:
    """Take a guard out of the kernel."""

    guard: Guard


@dataclass(frozen=True, slots=True)
class AddRoute:
    """Put a route of ours into the kernel."""

    route: Route


@dataclass(frozen=True, slots=True)
class RemoveRoute:
    """Take a route of ours out of the kernel."""

    route: Route


@dataclass(frozen=True, slots=True)
class AddInterface:
    """Make an interface of ours."""

    interface: Interface


@dataclass(frozen=True, slots=True)
class RemoveInterface:
    """Remove an interface of ours, with what is on it."""

    device: Device


@dataclass(frozen=True, slots=True)
class RemoveAddress:
    """Take an address from an interface of ours."""

    address: InterfaceAddress


@dataclass(frozen=True, slots=True)
class LoadCredentials:
    """Give charon the key or the secret of a connection."""

    connection: Connection


@dataclass(frozen=True, slots=True)
class MarkKey:
    """Have charon remember that the private key of a connection is loaded by us."""

    connection: Connection


@dataclass(frozen=True, slots=True)
class UnloadKey:
    """Take a private key of ours out of charon."""

    key_id: str


@dataclass(frozen=True, slots=True)
class UnloadSecret:
    """Take a shared secret of ours, or the mark of a key, out of charon."""

    secret_id: str


@dataclass(frozen=True, slots=True)
class LoadConnection:
    """Give charon a connection; one of that name with other children is changed to it."""

    connection: Connection


@dataclass(frozen=True, slots=True)
class UnloadConnection:
    """Take a connection of ours out of charon; its SAs stay."""

    name: str


@dataclass(frozen=True, slots=True)
class Initiate:
    """Have charon negotiate a child, and its IKE_SA where there is none."""

    connection: str
    child: str


@dataclass(frozen=True, slots=True)
class TerminateIke:
    """Have charon end an IKE_SA, without waiting for the gateway."""

    unique_id: int


@dataclass(frozen=True, slots=True)
class TerminateChild:
    """Have charon end a CHILD_SA."""

    unique_id: int


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell the stack where to register; None: S1 goes down, gracefully while the path lasts."""

    link: S1Link | None


KernelAction = (
    AddGuard | RemoveGuard | AddRoute | RemoveRoute | AddInterface | RemoveInterface | RemoveAddress
)
CharonAction = (
    LoadCredentials
    | MarkKey
    | UnloadKey
    | UnloadSecret
    | LoadConnection
    | UnloadConnection
    | Initiate
    | TerminateIke
    | TerminateChild
)
Action = KernelAction | CharonAction | Tell
