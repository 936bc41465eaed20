"""The ways to do ESP that this kernel has: what henbd and what its charon are told for each."""

from __future__ import annotations

from typing import Any

from tests.lab.charon import kernel_has_esp

# The [ipsec] section of henbd, and settings of charon.
PLANES: dict[str, tuple[dict[str, Any], dict[str, str]]] = (
    {
        "kernel ESP": ({}, {}),
        "xfrm interface": (
            {"interface": "henbd0", "if_id": 42},
            {"install_virtual_ip_on": "henbd0"},
        ),
    }
    if kernel_has_esp()
    else {"userspace ESP": ({}, {})}
)
