"""The one connection that charon shall keep up: with whom, as whom, and for which networks."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from henbd.control.tunnel import KEY_MARK, PREFIX
from henbd.settings import IpsecSettings
from henbd.values import Address, Certificate, Child, Connection, Network

# Asked for at each look, of a few gateways and one configuration.
_REMEMBERED = 32


def connection(gateway: Address, networks: tuple[Network, ...], ipsec: IpsecSettings) -> Connection:
    """Return the connection with a gateway; its name and its child's are digests of their content.

    So charon's own lists tell whether what is loaded, or up, is what is wanted.
    """
    child = Child(
        f"net-{_digest(networks, ipsec.esp_proposals, ipsec.rekey_s)}",
        networks,
        ipsec.esp_proposals,
        ipsec.rekey_s,
    )
    return Connection(
        name=name_with(gateway, ipsec),
        gateway=gateway,
        local_id=ipsec.local_id,
        remote_id=ipsec.remote_id,
        credentials=ipsec.credentials,
        secret_id=_secret_id(ipsec),
        proposals=ipsec.proposals,
        families=ipsec.families,
        dpd_s=ipsec.dpd_s,
        rekey_s=ipsec.rekey_s,
        reauth_s=ipsec.reauth_s,
        mobike=ipsec.mobike,
        revocation=ipsec.revocation.value,
        if_id=ipsec.if_id,
        child=child,
    )


@lru_cache(_REMEMBERED)
def name_with(gateway: Address, ipsec: IpsecSettings) -> str:
    """Return the name of the connection with a gateway: a digest of its IKE part.

    And of the proposals of its child: that it is up shows then that the gateway accepts them.
    """
    return PREFIX + _digest(
        gateway,
        ipsec.local_id,
        ipsec.remote_id,
        _fingerprint(ipsec),
        ipsec.proposals,
        ipsec.esp_proposals,
        ipsec.families,
        (ipsec.dpd_s, ipsec.rekey_s, ipsec.reauth_s, ipsec.mobike, ipsec.revocation),
        ipsec.if_id,
    )


def _secret_id(ipsec: IpsecSettings) -> str:
    if isinstance(ipsec.credentials, Certificate):
        return KEY_MARK + ipsec.credentials.key_id
    return PREFIX + _fingerprint(ipsec)


@lru_cache(_REMEMBERED)
def _fingerprint(ipsec: IpsecSettings) -> str:
    credentials = ipsec.credentials
    if isinstance(credentials, Certificate):
        return _digest(
            credentials.certificate,
            credentials.key,
            credentials.authorities,
            credentials.intermediates,
        )
    return _digest(credentials.secret, ipsec.local_id, ipsec.remote_id)


def _digest(*parts: object) -> str:
    """Return a name for a value: the same for equal values, in every process."""
    return hashlib.sha256(repr([str(part) for part in parts]).encode()).hexdigest()[:12]
