"""charon with the plugins that the OpenWrt package depends on, and with no others, is enough."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.functional.henb.test_registration import walk_registration
from tests.lab.charon import kernel_has_esp
from tests.lab.lab import Lab

MAKEFILE = Path(__file__).parents[3] / "openwrt/henbd/Makefile"
PLUGINS = re.findall(r"\+strongswan-mod-([\w-]+)", MAKEFILE.read_text(encoding="utf-8"))
PLUGINS.append("nonce")  # is in the package strongswan itself

# Where the kernel knows no ESP, charon does it; it comes before the kernel's own interface.
LOADED = " ".join([*([] if kernel_has_esp() else ["kernel-libipsec"]), *PLUGINS])


@pytest.mark.lab(henb_charon={"load": LOADED})
def test_registration_by_certificate(lab: Lab) -> None:
    assert "load = " + LOADED in (lab.folder / "henb/strongswan.conf").read_text()
    walk_registration(lab)


@pytest.mark.lab(psk=True, henb_charon={"load": LOADED})
def test_registration_by_psk(lab: Lab) -> None:
    walk_registration(lab)
