"""How the box is, as this kernel tells it."""

from __future__ import annotations

import time
from pathlib import Path

from henbd.system.vitals import VitalSigns
from henbd.values import Vitals

SNMP = "SctpCurrEstab                   \t1\nSctpOutOfBlues                  \t7\n"


def test_kernel_tells_how_the_box_is() -> None:
    seen = VitalSigns().observe()
    assert abs(seen.up_time_s - time.clock_gettime(time.CLOCK_BOOTTIME)) < 2
    assert 0 < seen.memory_free_kib < seen.memory_total_kib


def test_counters_are_those_of_the_kernel(tmp_path: Path) -> None:
    (tmp_path / "net/sctp").mkdir(parents=True)
    (tmp_path / "net/sctp/snmp").write_text(SNMP)
    (tmp_path / "net/xfrm_stat").write_text("XfrmInNoStates          \t3\n")
    (tmp_path / "uptime").write_text("12.34 5.6\n")
    seen = VitalSigns(str(tmp_path)).observe()
    assert seen == Vitals(12, 0, 0, {"CurrEstab": 1, "OutOfBlues": 7}, {"InNoStates": 3})


def test_kernel_without_these_files_tells_nothing(tmp_path: Path) -> None:
    assert VitalSigns(str(tmp_path)).observe() == Vitals(0, 0, 0, {})
