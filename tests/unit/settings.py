"""The box of all unit tests: its configuration, and its tree as it leaves the factory.

Each builder takes what is to differ, by the field's name:

    settings(ipsec=None)
    settings(hems=hems(path=HemsPath.DIRECT), s1=s1(hold_s=0))
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from ipaddress import ip_network
from typing import Any

from hypothesis import settings as hypothesis_settings

from henbd.control.factory import factory_tree
from henbd.model.table import device_table
from henbd.model.tree import Tree
from henbd.settings import (
    CommandSettings,
    ConnectionRequestSettings,
    DeviceSettings,
    FailurePath,
    HemsPath,
    HemsSettings,
    IpsecSettings,
    LocationSettings,
    LogSettings,
    LogTarget,
    Revocation,
    S1Policy,
    S1Settings,
    SetStatus,
    Settings,
    StackAdapter,
    StackManager,
    TransferSettings,
)
from henbd.values import AddressFamily, PresharedKey

# What the device alone knows.
SECRET = "00112233445566778899aabbccddeeff"

# The properties of these tests are tried as all are (tests/conftest.py).
QUICK = hypothesis_settings()

_DEVICE = DeviceSettings(
    manufacturer="Example",
    oui="00256D",
    product_class="HeNB",
    serial_number="0001",
    hardware_version="1",
    software_version="0.1.0",
    boot_id_file="/proc/sys/kernel/random/boot_id",
)
_HEMS = HemsSettings(
    url="https://hems.example:7548/acs",
    username="henb",
    password="the password of the HeMS",
    ca_file=None,
    certificate_file=None,
    key_file=None,
    path=HemsPath.TUNNEL,
    path_on_gateway_failure=FailurePath.NONE,
    address=None,
    cwmp_version="auto",
    session_s=600,
    trial_s=600,
    spread_s=0,
    set_status=SetStatus.ZERO,
)
_CONNECTION_REQUEST = ConnectionRequestSettings(port=7547, username="", password="", path="")
_IPSEC = IpsecSettings(
    vici="/run/charon.vici",
    gateways=("segw.example",),
    local_id="henb.example",
    remote_id="segw.example",
    credentials=PresharedKey(b"a secret of the laboratory"),
    credential_files=("/etc/henbd/psk",),
    interface="",
    if_id=0,
    revocation=Revocation.RELAXED,
    mobike=True,
    proposals=("aes128gcm16-prfsha256-ecp256",),
    esp_proposals=("aes128gcm16-ecp256",),
    networks=(ip_network("10.0.0.0/16"),),
    families=(AddressFamily.IPV4,),
    s1=S1Policy.PROVISIONED,
    dpd_s=20,
    rekey_s=14400,
    reauth_s=0,
    audit_s=60,
    gateway_trial_s=180,
    gateway_retry_s=3600,
)
_S1 = S1Settings(
    adapter=StackAdapter.NATIVE,
    socket="/run/s1ap.sock",
    group="",
    command=(),
    time_limit_s=10,
    poll_s=5,
    file="/etc/srsran/enb.conf",
    manager=StackManager.SYSTEMD,
    service="srsenb",
    remote_port=9001,
    hold_s=10,
    resolve_s=300,
    wait_for_admin_state=False,
)
_SETTINGS = Settings(
    device=_DEVICE,
    hems=_HEMS,
    connection_request=_CONNECTION_REQUEST,
    ipsec=_IPSEC,
    s1=_S1,
    store_directory="/var/lib/henbd",
    control_socket="/run/henbd.sock",
    control_group="",
    log=LogSettings("info", LogTarget.AUTO),
    location=LocationSettings(coordinates=None, gpsd=None),
    commands=CommandSettings(("/sbin/reboot",)),
    transfers=TransferSettings("/tmp", 2**26, ("verify",), ("check",), ("install",), ("logs",)),
)


def settings(**changes: Any) -> Settings:
    """Return a whole configuration: an HeNB with a tunnel to one gateway, IPv4 inside."""
    return replace(_SETTINGS, **changes)


def device(**changes: Any) -> DeviceSettings:
    """Return [device]."""
    return replace(_DEVICE, **changes)


def hems(**changes: Any) -> HemsSettings:
    """Return [hems]."""
    return replace(_HEMS, **changes)


def connection_request(**changes: Any) -> ConnectionRequestSettings:
    """Return [connection_request]."""
    return replace(_CONNECTION_REQUEST, **changes)


def ipsec(**changes: Any) -> IpsecSettings:
    """Return [ipsec]."""
    return replace(_IPSEC, **changes)


def s1(**changes: Any) -> S1Settings:
    """Return [s1]."""
    return replace(_S1, **changes)


def factory(**changes: Any) -> Tree:
    """Return the tree of this box as it leaves the factory; `changes` are those of `settings`."""
    return _factory(settings(**changes))


@cache
def _factory(configuration: Settings) -> Tree:
    return factory_tree(device_table("00256D"), configuration, SECRET)
