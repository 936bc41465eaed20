"""The frozen vocabulary: what is wanted, and what is there.

Values only: no behaviour, no I/O. A secret never shows in a `repr`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Unknown:
    """A party could not be read. Not the same as absent: nothing is done to it or said of it."""

    reason: str


# Of a party before anybody has looked: nothing has changed then.
NOT_YET = Unknown("not looked at yet")


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment on the clock that never jumps, in seconds, and on that of the wall, in UTC."""

    monotonic: float
    wall: datetime


# Who we are to the gateway.


class AddressFamily(Enum):
    """The family of an inner address that is asked for."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"


@dataclass(frozen=True, slots=True)
class Certificate:
    """Authentication by certificate (RFC 7296 2.15), all in DER.

    `key_id` is charon's name for the key, the SHA-1 of its public key bits, in lower-case hex.
    `intermediates` stand between the certificate and an authority that the gateway knows.
    """

    certificate: bytes = field(repr=False)
    key: bytes = field(repr=False)
    key_id: str
    authorities: tuple[bytes, ...] = field(repr=False)
    intermediates: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class PresharedKey:
    """Authentication by a shared secret, for laboratories."""

    secret: bytes = field(repr=False)


Credentials = Certificate | PresharedKey


# What the parameters ask for.


class S1Mode(Enum):
    """FAPControl.LTE.Gateway.S1ConnectionMode (TR-196): how many far ends at a time."""

    ONE = "One"
    ALL = "All"


@dataclass(frozen=True, slots=True)
class Cell:
    """What the stack says of itself in S1 Setup (TS 36.413 9.1.8.4), and all else it works by.

    `parameters` are the rest of the cell's configuration, as path below the FAPService and
    canonical text, sorted: what was provisioned, or has a default of the standard's own.
    """

    identity: int
    tac: int
    plmns: tuple[str, ...]
    name: str | None
    csg_id: int | None
    parameters: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What the parameters ask of tunnel, kernel and S1, before names are looked up.

    `s1_inside` answers the IPsec usage indicator (TS 32.593 5.1.3). `far_ends` and `gateways` are
    host names or address literals, in order; no far end means that S1 stays down. The proposals are
    those of the configuration that are allowed.
    """

    s1_inside: bool
    far_ends: tuple[str, ...]
    port: int
    mode: S1Mode
    gateways: tuple[str, ...]
    admin_state: bool
    cell: Cell
    proposals: tuple[str, ...] = ()
    esp_proposals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Management:
    """What the parameters say about the HeMS itself (Device.ManagementServer).

    `interval_s` is None where there are no periodic Informs. `retry_multiplier` is in thousandths.
    """

    url: str
    username: str
    password: str = field(repr=False)
    connection_requests: bool
    connection_request_username: str
    connection_request_password: str = field(repr=False)
    enabled: bool
    interval_s: int | None
    reference_time: str
    retry_minimum_s: int
    retry_multiplier: int
    throttle_s: int


# Charon.


@dataclass(frozen=True, slots=True)
class Child:
    """A CHILD_SA to be negotiated; its name is a digest of everything in it."""

    name: str
    networks: tuple[Network, ...]
    proposals: tuple[str, ...]
    rekey_s: int


@dataclass(frozen=True, slots=True)
class Connection:
    """An IKE_SA to be negotiated with one gateway, and its one child; named by a digest too.

    `secret_id` is charon's name for the shared secret, or for the mark of a private key: a secret
    that is used for nothing, and says that the key beside it was loaded by us.
    """

    name: str
    gateway: Address
    local_id: str
    remote_id: str
    credentials: Credentials
    secret_id: str
    proposals: tuple[str, ...]
    families: tuple[AddressFamily, ...]
    dpd_s: int
    rekey_s: int
    reauth_s: int
    mobike: bool
    revocation: str
    if_id: int
    child: Child


@dataclass(frozen=True, slots=True)
class Traffic:
    """What has gone through a CHILD_SA since it was installed."""

    bytes_in: int = 0
    packets_in: int = 0
    bytes_out: int = 0
    packets_out: int = 0


@dataclass(frozen=True, slots=True)
class ChildSa:
    """A CHILD_SA as charon lists it."""

    name: str
    unique_id: int
    installed: bool
    networks: tuple[Network, ...]
    spi_in: int = 0
    spi_out: int = 0
    age_s: int = field(default=0, compare=False)
    traffic: Traffic = field(default=Traffic(), compare=False)


class Nat(Enum):
    """On whose side of the tunnel there is a NAT, in the words of TR-181 NATDetected."""

    NONE = "None"
    LOCAL = "Local"
    REMOTE = "Remote"


@dataclass(frozen=True, slots=True)
class Suite:
    """The algorithms of an IKE_SA, in charon's words; empty, and 0 bits, where it names none."""

    encryption: str = ""
    key_bits: int = 0
    integrity: str = ""
    pseudo_random: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class IkeSa:
    """An IKE_SA as charon lists it; `inner` are the addresses that the gateway granted."""

    connection: str
    unique_id: int
    established: bool
    connecting: bool
    age_s: int
    gateway: str
    inner: tuple[Address, ...]
    children: tuple[ChildSa, ...]
    suite: Suite = Suite()
    nat: Nat = Nat.NONE


@dataclass(frozen=True, slots=True)
class Loaded:
    """What charon has loaded: connections of ours with their children, private keys, secrets."""

    connections: Mapping[str, frozenset[str]]
    keys: frozenset[str]
    secrets: frozenset[str]


class EspMode(Enum):
    """Where the kernel meets ESP: by policy, or behind an interface (libipsec's TUN, xfrm)."""

    POLICY = "policy"
    INTERFACE = "interface"


@dataclass(frozen=True, slots=True)
class Charon:
    """One look at charon. `loaded` is Unknown in a look that did not ask for it.

    `initiating` are the connections that are being negotiated because we asked for it, `refused`
    the commands that it has refused and not done since, each with its reason.
    """

    sas: tuple[IkeSa, ...]
    loaded: Loaded | Unknown
    mode: EspMode
    initiating: frozenset[str]
    refused: Mapping[str, str] = field(default_factory=dict)


# The kernel.


@dataclass(frozen=True, slots=True)
class Device:
    """A network device; `carries_tunnel`: libipsec's TUN, or an interface of xfrm.

    `if_id` is that of an xfrm interface. `ours`: it bears our mark.
    """

    index: int
    name: str
    up: bool
    loopback: bool
    carries_tunnel: bool
    if_id: int = 0
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface of our own for the inner address: of xfrm with an `if_id`, else a dummy."""

    name: str
    if_id: int


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """An address on a device; `usable`: it can be bound to (no longer tentative)."""

    address: Address
    device: int
    usable: bool


@dataclass(frozen=True, slots=True)
class Route:
    """A unicast route. `ours`: it bears our route protocol number. `device` 0: no device.

    `mtu` 0: that of the device.
    """

    destination: Network
    device: int
    gateway: Address | None
    source: Address | None
    table: int
    metric: int
    ours: bool
    mtu: int = 0


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A guard: a rule of ours behind charon's, which lets nothing by that no route of its takes."""

    source: Network
    destination: Network


class Direction(Enum):
    """Which packets an XFRM policy is about: those of the box, those for it, those through it."""

    OUT = "out"
    IN = "in"
    FORWARD = "fwd"


@dataclass(frozen=True, slots=True)
class Block:
    """A guard: an XFRM policy of ours that lets no clear packet by; `device` 0: of any device."""

    source: Network
    destination: Network
    device: int
    direction: Direction = Direction.OUT


Guard = Unreachable | Block


@dataclass(frozen=True, slots=True)
class Kernel:
    """One look at the kernel; `guards` are those that bear our marks.

    `versions` are those of IP that it has. `protected` are the sources of policies that are not
    ours and let packets out, by ESP as a rule; None: there is nobody to ask for policies.
    """

    devices: tuple[Device, ...]
    addresses: tuple[InterfaceAddress, ...]
    routes: tuple[Route, ...]
    guards: frozenset[Guard]
    versions: frozenset[int] = frozenset({4, 6})
    protected: frozenset[Address] | None = None


# The S1AP stack.


@dataclass(frozen=True, slots=True)
class FarEnd:
    """An S1 far end: an MME or a HeNB gateway."""

    address: Address
    port: int


@dataclass(frozen=True, slots=True)
class S1Link:
    """Where the stack is to register, and from where. `inside`: through the tunnel."""

    local: Address
    peers: tuple[FarEnd, ...]
    inside: bool
    may_transmit: bool
    cell: Cell


class PeerState(Enum):
    """How S1 with one far end is. Only an answered S1 Setup is UP."""

    DOWN = "down"
    CONNECTING = "connecting"
    SETUP = "setup"
    UP = "up"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Peer:
    """What the stack says about one far end."""

    far_end: FarEnd
    state: PeerState
    local: Address | None = None
    cause: str | None = None
    time_to_wait_s: int | None = None
    mme_name: str | None = None


@dataclass(frozen=True, slots=True)
class Stack:
    """What the stack said last on the connection that is there now.

    `told` is the link that it was given; None: to stay down, or it never was given any.
    `acknowledged`: it works by that, and uses nothing older. `parameters` are those that only it
    knows, as path below the FAPService and text.
    """

    name: str
    told: S1Link | None
    generation: int
    acknowledged: bool
    peers: tuple[Peer, ...]
    transmitting: bool
    user_plane_peers: tuple[Address, ...]
    parameters: tuple[tuple[str, str], ...] = field(default=(), repr=False)


# The box.


@dataclass(frozen=True, slots=True)
class Vitals:
    """How the box is; `sctp` has the kernel's counters by the names of RFC 3873's objects.

    `xfrm` has those of packets that IPsec discarded, by the kernel's names; empty where this kernel
    does not count.
    """

    up_time_s: int
    memory_total_kib: int
    memory_free_kib: int
    sctp: Mapping[str, int]
    xfrm: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Coordinates:
    """A position on the earth (WGS 84), in millionths of a degree, north and east."""

    latitude: int
    longitude: int


@dataclass(frozen=True, slots=True)
class Fix:
    """A position that a receiver has found, from so many satellites, and when by their time."""

    place: Coordinates
    satellites: int
    time: str


# Want and have.


class Hold(Enum):
    """S1 is left as it is: it may well come back the way it was."""

    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Desired:
    """The state of the world that the parameters ask for, as far as it can be had now.

    `connection` None: no tunnel is wanted; Unknown: it cannot be said yet. `link` None: S1 stays
    down. `may_initiate`: the gateway is not being left alone. `rivals`: connections with other
    gateways, by name, which may go on being negotiated. `one_child`: the gateway refused a child
    beside another. `renew`: the child that there is has lost its policies. `divisible`: without
    what S1 needs the child would be less, and of use. `stale` are addresses that are still there
    though no gateway grants them. `opened` may be reached outside, and S1 has no part in it: its
    guards go without a word of the stack.
    """

    connection: Connection | Unknown | None
    guards: frozenset[Guard]
    routes: frozenset[Route]
    link: S1Link | Hold | None
    may_initiate: bool
    rivals: frozenset[str] = frozenset()
    one_child: bool = False
    renew: bool = False
    divisible: bool = False
    interface: Interface | None = None
    stale: frozenset[InterfaceAddress] = frozenset()
    opened: frozenset[Network] = frozenset()


@dataclass(frozen=True, slots=True)
class Observed:
    """What was read of the world in one look; nothing in it outlives the pass.

    `names` has every host name that was looked up, empty where it has no address.
    """

    charon: Charon | Unknown
    kernel: Kernel | Unknown
    stack: Stack | Unknown
    names: Mapping[str, tuple[Address, ...]]
