"""Every key of the configuration file: what its value has to be, and its default."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from henbd import __version__
from henbd.config_readers import (
    Reader,
    address,
    boolean,
    choice,
    coordinates,
    endpoint,
    host,
    interface,
    network,
    number,
    one_of,
    oui,
    path,
    proposal,
    request_path,
    socket_path,
    text,
    url,
)
from henbd.cwmp.versions import CHOICES
from henbd.levels import LOG_LEVELS
from henbd.settings import (
    FailurePath,
    HemsPath,
    LogTarget,
    Revocation,
    S1Policy,
    SetStatus,
    StackAdapter,
    StackManager,
)
from henbd.values import AddressFamily


class Need(Enum):
    """What stands in the place of a default where there can be none."""

    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Key:
    """One key; `several`: its value is an array, and the rest is about each item."""

    read: Reader
    default: Any = Need.REQUIRED
    several: bool = False


# TS 33.210 and TS 33.310; the last two for gateways that know no AES-GCM.
IKE_PROPOSALS = (
    "aes128gcm16-prfsha256-ecp256",
    "aes256gcm16-prfsha384-ecp384",
    "aes128-sha256-ecp256",
    "aes128-sha256-modp2048",
)
ESP_PROPOSALS = (
    "aes128gcm16-ecp256",
    "aes256gcm16-ecp384",
    "aes128-sha256-ecp256",
    "aes128-sha256-modp2048",
)

# The lengths of TR-069 A.3.3.1 (DeviceIdStruct), and of Device.ManagementServer (TR-181).
NAME, CREDENTIAL = 64, 256

WEEK_S = 7 * 24 * 3600


LOG_COMMAND = ("journalctl", "--unit=henbd", "--no-pager", "--quiet", "--lines=10000")

SECTIONS: dict[str, dict[str, Key]] = {
    "device": {
        "boot_id_file": Key(path, "/proc/sys/kernel/random/boot_id"),
        "manufacturer": Key(text(NAME, least=1)),
        "oui": Key(oui),
        "product_class": Key(text(NAME), "HeNB"),
        "serial_number": Key(text(NAME, least=1)),
        "hardware_version": Key(text(NAME), ""),
        "software_version": Key(text(NAME), __version__),
    },
    "hems": {
        "url": Key(url),
        "username": Key(text(CREDENTIAL), ""),
        "password": Key(text(CREDENTIAL), ""),
        "ca_file": Key(path, None),
        "certificate_file": Key(path, None),
        "key_file": Key(path, None),
        # The tunnel, if there is one.
        "path": Key(choice(HemsPath), None),
        "path_on_gateway_failure": Key(choice(FailurePath), FailurePath.NONE),
        "address": Key(address, None),
        "cwmp_version": Key(one_of(CHOICES), "auto"),
        "session_s": Key(number(30, 86_400), 600),
        "trial_s": Key(number(30, 86_400), 600),
        "spread_s": Key(number(0, 3600), 0),
        "set_status": Key(choice(SetStatus), SetStatus.ZERO),
    },
    "connection_request": {
        "port": Key(number(1, 65_535), 7547),
        "username": Key(text(CREDENTIAL), ""),
        "password": Key(text(CREDENTIAL), ""),
        "path": Key(request_path, ""),
    },
    "ipsec": {
        "vici": Key(socket_path, "/run/charon.vici"),
        "gateways": Key(host, (), several=True),
        # The name in the certificate, if it has one.
        "local_id": Key(text(CREDENTIAL, least=1), None),
        "remote_id": Key(text(CREDENTIAL, least=1)),
        "certificate_file": Key(path, None),
        "key_file": Key(path, None),
        "ca_file": Key(path, None),
        "psk_file": Key(path, None),
        # Of our own, for the inner address: a dummy, or of xfrm with an if_id.
        "interface": Key(interface, ""),
        "if_id": Key(number(0, 0xFFFF_FFFF), 0),
        "revocation": Key(choice(Revocation), Revocation.RELAXED),
        "mobike": Key(boolean, True),
        "proposals": Key(proposal, IKE_PROPOSALS, several=True),
        "esp_proposals": Key(proposal, ESP_PROPOSALS, several=True),
        "networks": Key(network, (), several=True),
        "addresses": Key(choice(AddressFamily), (AddressFamily.IPV4,), several=True),
        "s1": Key(choice(S1Policy), S1Policy.PROVISIONED),
        "dpd_s": Key(number(1, 3600), 10),
        # 0: never.
        "rekey_s": Key(number(0, WEEK_S), 14_400),
        "reauth_s": Key(number(0, WEEK_S), 0),
        "audit_s": Key(number(1, 86_400), 60),
        "gateway_trial_s": Key(number(1, 86_400), 180),
        "gateway_retry_s": Key(number(1, WEEK_S), 3600),
    },
    "s1": {
        "adapter": Key(choice(StackAdapter), StackAdapter.NATIVE),
        "socket": Key(socket_path, "/run/henbd/s1.sock"),
        "group": Key(text(NAME), ""),
        # Of a hook: its words, the time for each run, and how often it is asked how S1 is. Of a
        # stack that henbd runs as its child: its words.
        "command": Key(text(4095, least=1), (), several=True),
        "time_limit_s": Key(number(1, 600), 10),
        "poll_s": Key(number(1, 600), 5),
        # Of a stack with a configuration file: that, and who starts and stops it.
        "file": Key(path, "/etc/srsran/enb.conf"),
        "manager": Key(choice(StackManager), StackManager.SYSTEMD),
        "service": Key(text(NAME, least=1), "srsenb"),
        "remote_port": Key(number(1, 65_535), 9001),
        "hold_s": Key(number(0, 3600), 10),
        "resolve_s": Key(number(10, WEEK_S), 300),
        "wait_for_admin_state": Key(boolean, False),
    },
    "store": {
        "directory": Key(path, "/var/lib/henbd"),
    },
    "control": {
        "socket": Key(socket_path, "/run/henbd/control.sock"),
        "group": Key(text(NAME), ""),
    },
    "transfers": {
        "directory": Key(path, "/tmp"),
        # Twice the largest image of a board with 32 MiB of flash.
        "most_bytes": Key(number(1, 2**30), 64 * 2**20),
        "firmware_verify": Key(text(4095, least=1), (), several=True),
        "firmware_check": Key(text(4095, least=1), (), several=True),
        "firmware_install": Key(text(4095, least=1), (), several=True),
        "log_command": Key(text(4095, least=1), LOG_COMMAND, several=True),
    },
    "location": {
        "coordinates": Key(coordinates, None),
        "gpsd": Key(endpoint, None),
    },
    "commands": {
        "reboot": Key(text(4095, least=1), ("/sbin/reboot",), several=True),
    },
    "log": {
        "level": Key(one_of(LOG_LEVELS), "info"),
        "target": Key(choice(LogTarget), LogTarget.AUTO),
    },
}
