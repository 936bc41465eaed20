"""The HeNB behind a firewall as OpenWrt ships it: nothing comes in, what goes out is masqueraded.

The rules that our package puts before that are about ESP in the kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.lab import gtpu
from tests.lab.charon import kernel_has_esp
from tests.lab.lab import CALLER, CONNECTION_REQUEST_URL, ROOT, Lab
from tests.lab.probe import eventually
from tests.lab.topology import SGW

FILES = ROOT / "openwrt" / "henbd" / "files"

# What firewall4 makes of its default configuration, as far as it is about one machine.
FIREWALL = """
table inet fw4 {{}}
delete table inet fw4
table inet fw4 {{
    chain input {{
        type filter hook input priority filter; policy drop;
        {input}
        iifname "lo" accept
        ct state established,related accept
        meta l4proto {{ icmp, ipv6-icmp, esp }} accept
    }}
    chain srcnat {{
        type nat hook postrouting priority srcnat; policy accept;
        {srcnat}
        oifname != "lo" meta nfproto ipv4 masquerade
    }}
}}
"""


INNER = ip_address("10.99.0.1")


def rules(name: str) -> str:
    """Return what our package puts into a chain."""
    return (FILES / f"henbd-{name}.nft").read_text()


def firewall(lab: Lab, *, chain_input: str, srcnat: str) -> None:
    """Put up a firewall with these rules before its own, in place of the one before."""
    script: Path = lab.folder / "firewall.nft"
    script.write_text(FIREWALL.format(input=chain_input, srcnat=srcnat))
    lab.net.henb.run("nft", "--file", str(script))


@contextmanager
def downlink(lab: Lab) -> Iterator[Callable[[], bool]]:
    """Have the HeNB wait for the user plane; yields whether it hears an S-GW that speaks first."""
    with lab.net.henb.inside():
        henb = gtpu.Sgw(lab.log, INNER)

    def reached() -> bool:
        # A port of its own each time: an answer would be let in.
        with lab.net.core.inside(), closing(gtpu.Client(SGW, INNER)) as sgw:
            sgw.ask()
            return eventually(sgw.answered, 0.5)

    with closing(henb):
        yield reached


@pytest.mark.kernel
@pytest.mark.timeout(300)
@pytest.mark.skipif(not kernel_has_esp(), reason="this kernel knows no ESP: make test-kernel")
def test_a_board_with_our_rules_is_reached_through_the_tunnel_and_not_without(lab: Lab) -> None:
    firewall(lab, chain_input=rules("input"), srcnat=rules("srcnat"))
    lab.register()
    assert lab.log.events("Inform")[0].facts["source"][0] == str(INNER)
    assert lab.call() == 200
    with downlink(lab) as reached:
        assert eventually(reached, 10)
        firewall(lab, chain_input="", srcnat=rules("srcnat"))
        assert not reached()
    url = lab.informed(CONNECTION_REQUEST_URL)
    with lab.net.core.inside(), pytest.raises(OSError, match="timed out"):
        lab.hems.connection_request(url, *CALLER, timeout_s=0.2)
