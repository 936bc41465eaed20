"""The file of the state after the flash has had its way with it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from henbd.cwmp.state import document, restored
from henbd.system.store import Store
from tests.unit.settings import factory

FOLDER = tempfile.TemporaryDirectory(prefix="henbd-fuzz-")
FACTORY = factory()


def fuzz(data: bytes) -> None:
    """Load a file of these bytes, and a state of them; what is restored can be kept again."""
    Path(FOLDER.name, "state.json").write_bytes(data)
    Store(FOLDER.name).load(dict)
    try:
        kept = json.loads(data)
        if not isinstance(kept, dict):
            return
        state, _ = restored(FACTORY, kept, "boot")
    except (ValueError, RecursionError):
        return
    again, lost = restored(FACTORY, json.loads(json.dumps(document(state))), "boot")
    assert not lost
    assert document(again) == document(state)
