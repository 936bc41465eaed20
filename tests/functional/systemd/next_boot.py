"""The network of the box when it is switched on again, as a service that is started at boot.

Its first act is to write down what stands, its last is to send where nobody may. The far side is a
namespace that has every address there is to be reached: what gets out is answered.
"""

from __future__ import annotations

import time
from ipaddress import ip_address
from pathlib import Path

from tests.lab.namespaces import run
from tests.lab.topology import HEMS, MME, SGW

UNIT = Path("/etc/systemd/system/wan.service")
SCRIPT = Path("/usr/local/libexec/wan")

# It is there until the box is switched off: whatever wants sysinit.target would start the unit now.
THIS_BOOT = Path("/run/not-before-the-next-boot")

# What was found before there was a network, and whether anybody was answered at once.
BEFORE = Path("/run/wan-before")
ANSWERED = Path("/run/wan-answered")

GUARDED = (MME, SGW, HEMS)
# On the same way as those, but nothing that belongs inside.
NEIGHBOUR = ip_address("10.31.0.2")
WAN = ip_address("10.10.1.2")

_UNIT = f"""
[Unit]
ConditionPathExists=!{THIS_BOOT}
DefaultDependencies=no
Wants=network-pre.target
After=network-pre.target
Before=sysinit.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -eu {SCRIPT}
[Install]
WantedBy=sysinit.target
"""

_SCRIPT = f"""
{{ ip rule; ip -6 rule; ip xfrm policy; ip -o link; }} >{BEFORE}
ip netns add far
ip link add wan0 type veth peer name far0 netns far
ip address add {WAN}/24 dev wan0
ip link set wan0 up
ip route add default via 10.10.1.1 dev wan0
ip -n far link set lo up
ip -n far link set far0 up
for address in 10.10.1.1/24 {" ".join(f"{a}/32" for a in (*GUARDED, NEIGHBOUR))}; do
    ip -n far address add $address dev far0
done
: >{ANSWERED}
for address in {" ".join(map(str, (*GUARDED, NEIGHBOUR)))}; do
    if ping -n -c 1 -W 3 $address; then echo $address >>{ANSWERED}; fi
done
"""


def prepare() -> None:
    """Have the box get this network when it is switched on again."""
    THIS_BOOT.touch()
    SCRIPT.write_text(_SCRIPT)
    UNIT.write_text(_UNIT)
    run("systemctl", "enable", UNIT.name)


def became_active(unit: str) -> float:
    """Return when a unit became active, in seconds since the boot."""
    told = run("systemctl", "show", unit, "--property=ActiveEnterTimestampMonotonic")
    at = int(told.partition("=")[2]) / 1e6
    assert 0 < at < time.monotonic(), told
    return at
