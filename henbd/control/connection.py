"""The one connection that charon shall keep up: with whom, as whom, and for which networks."""

from __future__ import annotations

import hashlib

from henbd.control import trials
from henbd.control.refusal import literal
from henbd.control.trials import Trials
from henbd.control.tunnel import PREFIX, Condition, Tunnel
from henbd.settings import IpsecSettings
from henbd.values import Address, Certificate, Child, Connection, Network, Observed, Provisioned


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
    fingerprint = _fingerprint(ipsec)
    ike = _digest(
        gateway,
        ipsec.local_id,
        ipsec.remote_id,
        fingerprint,
        ipsec.proposals,
        ipsec.families,
        (ipsec.dpd_s, ipsec.rekey_s, ipsec.reauth_s),
    )
    return Connection(
        name=PREFIX + ike,
        gateway=gateway,
        local_id=ipsec.local_id,
        remote_id=ipsec.remote_id,
        credentials=ipsec.credentials,
        secret_id=PREFIX + fingerprint,
        proposals=ipsec.proposals,
        families=ipsec.families,
        dpd_s=ipsec.dpd_s,
        rekey_s=ipsec.rekey_s,
        reauth_s=ipsec.reauth_s,
        child=child,
    )


def choose_gateway(
    asked: Provisioned, observed: Observed, tunnel: Tunnel, tried: Trials, now: float
) -> Address | None:
    """Return the gateway to be used: one that works or is being tried is kept.

    Else the first that may be tried.
    """
    candidates = [a for host in asked.gateways for a in observed.names.get(host, ())]
    current = literal(tunnel.sa.gateway) if tunnel.sa else None
    if tunnel.up and (current in candidates or not all(map(observed.names.get, asked.gateways))):
        # A name without an address may well be that of the gateway that works.
        return current
    if tunnel.condition is Condition.CONNECTING and current in candidates:
        return current
    return trials.choose(candidates, tried, now)


def _fingerprint(ipsec: IpsecSettings) -> str:
    credentials = ipsec.credentials
    if isinstance(credentials, Certificate):
        return _digest(credentials.certificate, credentials.key, credentials.authorities)
    return _digest(credentials.secret, ipsec.local_id, ipsec.remote_id)


def _digest(*parts: object) -> str:
    """Return a name for a value: the same for equal values, in every process."""
    return hashlib.sha256(repr([str(part) for part in parts]).encode()).hexdigest()[:12]
