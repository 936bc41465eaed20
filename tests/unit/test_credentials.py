"""The walk through the DER of a certificate, whole or damaged."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from henbd import credentials
from tests.unit.configuration import CERTIFICATE, KEY_ID


def test_the_key_of_a_certificate_has_the_name_that_charon_gives_it() -> None:
    assert credentials.key_id(CERTIFICATE) == KEY_ID


@given(
    st.integers(0, len(CERTIFICATE)),
    st.binary(max_size=8),
    st.integers(0, len(CERTIFICATE)),
)
def test_a_damaged_certificate_is_refused_or_read(begin: int, new: bytes, end: int) -> None:
    damaged = CERTIFICATE[:begin] + new + CERTIFICATE[end:]
    for read in (credentials.key_id, credentials.subject_name):
        with contextlib.suppress(ValueError):
            read(damaged)


@given(st.binary(max_size=64))
def test_what_is_no_certificate_is_refused(garbage: bytes) -> None:
    with pytest.raises(ValueError, match=r"it is no X\.509 certificate"):
        credentials.key_id(garbage)
