"""charon's settings as they are shipped: charon takes them, and they mean what they say."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.lab.charon import Charon
from tests.lab.lab import ROOT
from tests.lab.namespaces import namespaces

SHIPPED = ROOT / "systemd" / "strongswan.d" / "henbd.conf"


def settings() -> dict[str, str]:
    """Return what is set, whatever its section."""
    return dict(re.findall(r"^ *(\w+) = (\S+)$", SHIPPED.read_text(), re.MULTILINE))


def test_a_dead_gateway_is_given_up_after_eleven_seconds() -> None:
    """charon sends the first request and `tries` more; each wait is `base` times the last."""
    found = settings()
    timeout, base = float(found["retransmit_timeout"]), float(found["retransmit_base"])
    waits = [timeout * base**n for n in range(int(found["retransmit_tries"]) + 1)]
    assert 10.5 < sum(waits) < 11.5


@pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")
def test_charon_starts_with_the_settings_that_are_shipped(tmp_path: Path) -> None:
    with namespaces("henb") as (henb,):
        charon = Charon(henb, tmp_path, "henb", settings={"group": "root"})
        with (charon.folder / "strongswan.conf").open("a") as file:
            file.write(f"include {SHIPPED}\n")
        with charon:
            assert charon.vici.version()
        assert "unknown" not in (charon.folder / "charon.err").read_text()
