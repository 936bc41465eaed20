"""The networks that are guarded, in a file for those who put the guards back at the next boot.

They do it before the network is there, and without Python: see systemd/henbd-guard.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from ipaddress import ip_network
from pathlib import Path

from henbd.system import flash
from henbd.values import Network

_WORD = "to "


class GuardFile:
    """The file `guards` in the directory of the store."""

    def __init__(self, directory: str) -> None:
        self._directory = Path(directory)
        self._path = self._directory / "guards"
        self._kept = _read(self._path)

    @property
    def kept(self) -> frozenset[Network] | None:
        """Return what is in the file; None: it has to be written, whatever shall be in it."""
        return self._kept

    def keep(self, networks: Iterable[Network]) -> None:
        """Write these networks in place of those that are there; raises StoreError."""
        self._kept = None
        wanted = frozenset(networks)
        lines = sorted(f"{_WORD}{network}\n" for network in wanted)
        new = self._path.with_suffix(".new")
        flash.make_directory(self._directory)
        flash.write(new, "".join(lines).encode())
        with flash.at(f"rename {new}"):
            os.rename(new, self._path)
        flash.sync(self._directory)
        self._kept = wanted


def _read(path: Path) -> frozenset[Network] | None:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
        return frozenset(ip_network(line.removeprefix(_WORD)) for line in lines)
    except FileNotFoundError:
        return frozenset()
    except (OSError, ValueError):
        # Whatever has become of it: it is written anew.
        return None
