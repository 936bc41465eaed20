"""The vendor configuration file as a file server might send it."""

from __future__ import annotations

import json

from henbd.control.backup import backup, restored
from tests.unit.settings import factory, settings

SETTINGS, FACTORY = settings(), factory()


def fuzz(data: bytes) -> None:
    """Restore a document; one that is taken is the configuration from then on."""
    try:
        document = json.loads(data)
        if not isinstance(document, dict):
            return
        kept = restored(document, FACTORY, FACTORY, SETTINGS)
    except (ValueError, RecursionError):
        return
    tree, lost = FACTORY.provision(kept)
    assert not lost
    assert backup(tree)["parameters"].keys() == document["parameters"].keys()
    assert restored(backup(tree), FACTORY, FACTORY, SETTINGS) == kept
