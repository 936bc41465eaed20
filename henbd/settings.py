"""The configuration as frozen values: the factory settings of the box (see henbd.config).

Values only, as in henbd.values. A secret never shows in a `repr`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from henbd.values import Address, AddressFamily, Coordinates, Credentials, Network


class HemsPath(Enum):
    """How the HeMS is reached."""

    TUNNEL = "tunnel"
    DIRECT = "direct"


class FailurePath(Enum):
    """How the HeMS is reached while no security gateway can be had."""

    NONE = "none"
    DIRECT = "direct"


class Revocation(Enum):
    """What is asked about the gateway's certificate: charon's own words for it."""

    RELAXED = "relaxed"
    IF_URI = "ifuri"
    STRICT = "strict"


class S1Policy(Enum):
    """Whether the HeMS may lead S1 outside the tunnel."""

    PROVISIONED = "provisioned"
    REQUIRED = "required"


class SetStatus(Enum):
    """The Status of SetParameterValuesResponse for a set that waits for the session's end."""

    ZERO = "zero"
    STRICT = "strict"


class StackAdapter(Enum):
    """How the S1AP stack of the box is talked to."""

    NATIVE = "native"
    HOOK = "hook"
    SRSENB = "srsenb"
    AMARISOFT = "amarisoft"


class StackManager(Enum):
    """Who starts and stops the program of a stack that henbd does not reach otherwise."""

    SYSTEMD = "systemd"
    PROCD = "procd"
    CHILD = "child"


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """[device]: who we are (TR-069 DeviceIdStruct)."""

    manufacturer: str
    oui: str
    product_class: str
    serial_number: str
    hardware_version: str
    software_version: str
    boot_id_file: str


@dataclass(frozen=True, slots=True)
class HemsSettings:
    """[hems]: the Serving HeMS as it left the factory."""

    url: str
    username: str
    password: str = field(repr=False)
    ca_file: str | None
    certificate_file: str | None
    key_file: str | None
    path: HemsPath
    path_on_gateway_failure: FailurePath
    address: Address | None
    cwmp_version: str
    session_s: int
    trial_s: int
    spread_s: int
    set_status: SetStatus


@dataclass(frozen=True, slots=True)
class ConnectionRequestSettings:
    """[connection_request]: an empty text stands for a value derived from the device's secret."""

    port: int
    username: str
    password: str = field(repr=False)
    path: str


@dataclass(frozen=True, slots=True)
class IpsecSettings:
    """[ipsec]: the tunnel as it left the factory."""

    vici: str
    gateways: tuple[str, ...]
    local_id: str
    remote_id: str
    credentials: Credentials
    credential_files: tuple[str, ...]
    interface: str
    if_id: int
    revocation: Revocation
    mobike: bool
    proposals: tuple[str, ...]
    esp_proposals: tuple[str, ...]
    networks: tuple[Network, ...]
    families: tuple[AddressFamily, ...]
    s1: S1Policy
    dpd_s: int
    rekey_s: int
    reauth_s: int
    audit_s: int
    gateway_trial_s: int
    gateway_retry_s: int


@dataclass(frozen=True, slots=True)
class S1Settings:
    """[s1]: how the S1AP stack of the box is talked to.

    `socket` and `group` are for the native protocol; `command` and the times for a hook, which has
    `time_limit_s` for each thing that it does, and is asked how S1 is every `poll_s`. A stack with
    a configuration file of its own, at `file`, is the `service` of a manager, or runs by `command`
    as a child of henbd; one with a remote API is asked at `remote_port`.
    """

    adapter: StackAdapter
    socket: str
    group: str
    command: tuple[str, ...]
    time_limit_s: int
    poll_s: int
    file: str
    manager: StackManager
    service: str
    remote_port: int
    hold_s: int
    resolve_s: int
    wait_for_admin_state: bool


class LogTarget(Enum):
    """Where log lines go; AUTO: to the journal if it listens, else to standard error."""

    AUTO = "auto"
    STDERR = "stderr"
    SYSLOG = "syslog"


@dataclass(frozen=True, slots=True)
class LogSettings:
    """[log]: what is logged, and where."""

    level: str
    target: LogTarget


@dataclass(frozen=True, slots=True)
class TransferSettings:
    """[transfers]: what is done with files that the HeMS has us fetch and send.

    `firmware_*` are commands that are given the name of an image as their last word; without
    `firmware_install` the box takes none.
    """

    directory: str
    most_bytes: int
    firmware_verify: tuple[str, ...]
    firmware_check: tuple[str, ...]
    firmware_install: tuple[str, ...]
    log_command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LocationSettings:
    """[location]: where the box is, if somebody has measured that, or who knows; both may be None.

    `gpsd` is the address and port of its JSON socket.
    """

    coordinates: Coordinates | None
    gpsd: tuple[Address, int] | None


@dataclass(frozen=True, slots=True)
class CommandSettings:
    """[commands]: what only somebody else on the box may do."""

    reboot: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration file; `ipsec` is None where it has no such section.

    `aliases` are other names of parameters, each with the path of the standard.
    """

    device: DeviceSettings
    hems: HemsSettings
    connection_request: ConnectionRequestSettings
    ipsec: IpsecSettings | None
    s1: S1Settings
    store_directory: str
    control_socket: str
    control_group: str
    log: LogSettings
    transfers: TransferSettings
    location: LocationSettings
    commands: CommandSettings
    aliases: tuple[tuple[str, str], ...] = ()
