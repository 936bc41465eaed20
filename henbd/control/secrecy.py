"""What nobody is to see who looks at this box: not in a log, a trace, a status or a metric."""

from __future__ import annotations

from henbd.model.tree import Tree
from henbd.settings import Settings
from henbd.values import PresharedKey

# Of parameters that we do not have: a HeMS may try to set them all the same.
TELLING = ("password", "passphrase", "secret", "sharedkey", "psk")


def secrets(settings: Settings, secret: str, tree: Tree) -> frozenset[str]:
    """Return the secrets of the configuration, of the device and of the parameters, as texts."""
    known = {settings.hems.password, settings.connection_request.password, secret}
    known |= {tree.values[path] for path in tree.hidden}
    credentials = settings.ipsec.credentials if settings.ipsec else None
    if isinstance(credentials, PresharedKey):
        known |= {credentials.secret.decode("utf-8", "replace"), credentials.secret.hex()}
    return frozenset(filter(None, known))


def is_secret(tree: Tree, path: str) -> bool:
    """Return whether the value of a parameter is a secret; by its name, where we do not have it."""
    row = tree.rows.get(path)
    if row is not None:
        return row.hidden
    return path.rpartition(".")[2].lower().endswith(TELLING)
