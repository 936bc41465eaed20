"""What the kernel says about the box as a whole: how long it runs, its memory, its counters.

Read from /proc when somebody asks; nothing is kept.
"""

from __future__ import annotations

import re
from pathlib import Path

from henbd.values import Vitals

# `MemTotal:  1024 kB` of meminfo, `SctpOutOfBlues  7` of sctp/snmp.
FIGURE = re.compile(r"^(\w+):?\s+(\d+)", re.MULTILINE)


class VitalSigns:
    """Reads /proc, or what stands for it."""

    def __init__(self, proc: str = "/proc") -> None:
        self._proc = Path(proc)

    def observe(self) -> Vitals:
        """Return what there is to read now; without SCTP in the kernel there are no counters."""
        memory = self._figures("meminfo")
        return Vitals(
            up_time_s=int(float(self._text("uptime").partition(" ")[0] or 0)),
            memory_total_kib=memory.get("MemTotal", 0),
            memory_free_kib=memory.get("MemFree", 0),
            sctp={
                name.removeprefix("Sctp"): number
                for name, number in self._figures("net/sctp/snmp").items()
            },
            xfrm={
                name.removeprefix("Xfrm"): number
                for name, number in self._figures("net/xfrm_stat").items()
            },
        )

    def _figures(self, file: str) -> dict[str, int]:
        return {name: int(digits) for name, digits in FIGURE.findall(self._text(file))}

    def _text(self, file: str) -> str:
        """Return a file of the kernel; empty where this kernel has no such file."""
        try:
            return (self._proc / file).read_text(encoding="ascii", errors="replace")
        except OSError:
            return ""
