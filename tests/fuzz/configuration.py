"""The configuration file as a tired operator might leave it."""

from __future__ import annotations

from henbd import config
from henbd.errors import ConfigurationError
from tests.unit.configuration import FakeFiles

FILES = FakeFiles()


def fuzz(data: bytes) -> None:
    """Read a file; it is understood, or every mistake has a line to print."""
    try:
        config.parse("henbd.toml", data, 0o600, FILES)
    except ConfigurationError as error:
        lines = error.lines()
        assert lines
        assert all(line.startswith("henbd.toml") for line in lines)
