"""What charon is told: an action → its VICI command and message. Pure."""

from __future__ import annotations

import hashlib
from typing import assert_never

from henbd.actions import (
    CharonAction,
    Initiate,
    LoadConnection,
    LoadCredentials,
    MarkKey,
    TerminateChild,
    TerminateIke,
    UnloadConnection,
    UnloadKey,
    UnloadSecret,
)
from henbd.system.vici_connection import Request
from henbd.values import AddressFamily, Certificate, Child, Connection

_ANY_ADDRESS = {AddressFamily.IPV4: "0.0.0.0", AddressFamily.IPV6: "::"}


def request_for(action: CharonAction) -> tuple[str, Request]:
    """Return the command that does it, and its message."""
    match action:
        case LoadCredentials(connection):
            return _credentials(connection)
        case MarkKey(connection):
            return _key_mark(connection)
        case UnloadKey(key_id):
            return "unload-key", {"id": key_id}
        case UnloadSecret(secret_id):
            return "unload-shared", {"id": secret_id}
        case LoadConnection(connection):
            return "load-conn", {connection.name: _connection(connection)}
        case UnloadConnection(name):
            return "unload-conn", {"name": name}
        case Initiate(connection, child):
            # Without a time limit of charon's the answer comes with the success, or in the very
            # moment when charon gives up.
            return "initiate", {"ike": connection, "child": child}
        case TerminateIke(unique_id):
            # `force`: the gateway is told, and not waited for.
            return "terminate", {"ike-id": str(unique_id), "force": "yes", "timeout": "-1"}
        case TerminateChild(unique_id):
            return "terminate", {"child-id": str(unique_id), "timeout": "-1"}
    assert_never(action)


def _credentials(connection: Connection) -> tuple[str, Request]:
    credentials = connection.credentials
    if isinstance(credentials, Certificate):
        return "load-key", {"type": "any", "data": credentials.key}
    return "load-shared", {
        "id": connection.secret_id,
        "type": "IKE",
        "data": credentials.secret,
        "owners": [connection.local_id, connection.remote_id],
    }


def _key_mark(connection: Connection) -> tuple[str, Request]:
    """Return a secret whose name is all that matters; but nobody must be able to guess it."""
    assert isinstance(connection.credentials, Certificate)
    unknown = hashlib.sha256(b"mark of " + connection.credentials.key).digest()
    mark = connection.secret_id
    return "load-shared", {"id": mark, "type": "IKE", "data": unknown, "owners": [mark]}


def _connection(connection: Connection) -> Request:
    """Return the message of a connection that does nothing by itself.

    No start_action, close_action or dpd_action: with them charon would take SAs down and up when
    the connection is changed, and renew what we let go.
    """
    credentials = connection.credentials
    local: dict[str, str | list[bytes]] = {"auth": "psk", "id": connection.local_id}
    remote: dict[str, str | list[bytes]] = {"auth": "psk", "id": connection.remote_id}
    if isinstance(credentials, Certificate):
        # The first is the one that we have the key of; the rest are shown to the gateway with it.
        certificates = [credentials.certificate, *credentials.intermediates]
        local |= {"auth": "pubkey", "certs": certificates}
        # These certificates are trusted by being here, and only they for this gateway.
        remote |= {"auth": "pubkey", "cacerts": list(credentials.authorities)}
        remote |= {"revocation": connection.revocation}
    else:
        # Read for EAP only. Without it two connections that differ in their secret would be equal
        # to charon, and a child of the new one would come under the IKE_SA of the old one.
        local |= {"eap_id": connection.secret_id}
    interface = {}
    if connection.if_id:
        interface = dict.fromkeys(("if_id_in", "if_id_out"), str(connection.if_id))
    return {
        **interface,
        "version": "2",
        "remote_addrs": [str(connection.gateway)],
        "vips": [_ANY_ADDRESS[family] for family in connection.families],
        "local": local,
        "remote": remote,
        "proposals": list(connection.proposals),
        "dpd_delay": str(connection.dpd_s),
        "rekey_time": str(connection.rekey_s),
        "reauth_time": str(connection.reauth_s),
        "mobike": "yes" if connection.mobike else "no",
        "keyingtries": "1",
        "children": {connection.child.name: _child(connection.child)},
    }


def _child(child: Child) -> Request:
    return {
        "remote_ts": [str(network) for network in child.networks],
        "esp_proposals": list(child.proposals),
        "rekey_time": str(child.rekey_s),
    }
