"""What the kernel says of its clock."""

from __future__ import annotations

import ctypes
import struct

from henbd.system.timekeeping import synchronised

# STA_UNSYNC of adjtimex(2), and where `status` is where a long has eight bytes.
UNSYNCHRONISED, STATUS_AT = 0x40, 40


def test_a_clock_is_synchronised_when_the_kernel_says_so() -> None:
    timex = ctypes.create_string_buffer(512)
    assert ctypes.CDLL(None).adjtimex(timex) >= 0
    (status,) = struct.unpack_from("i", timex, STATUS_AT)
    assert synchronised() is not bool(status & UNSYNCHRONISED)
