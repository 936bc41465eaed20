"""The HeNB's end of the tunnel without henbd: its charon is told what to do by a test."""

from __future__ import annotations

from typing import Any

from tests.lab.charon import Charon
from tests.lab.gateway import ESP_PROPOSALS, IKE_PROPOSALS
from tests.lab.namespaces import Address
from tests.lab.pki import GATEWAY_ID, HENB_ID, KeyPair, Pki
from tests.lab.topology import GATEWAY

# The crypto of a fresh kernel is loaded with the first SA, which takes seconds under emulation.
_FIRST_S = 30


class ScriptedHenb:
    """A charon in the HeNB's namespace with one connection, `lab`."""

    def __init__(self, charon: Charon, pki: Pki) -> None:
        self.charon = charon
        self.vici = charon.vici
        self.namespace = charon.namespace
        self._pki = pki

    def load(
        self,
        children: dict[str, list[str]],
        *,
        pair: KeyPair | None = None,
        psk: str | None = None,
        child: dict[str, str] | None = None,
        **connection: Any,
    ) -> None:
        """Load one connection `lab` with these children, and what it takes to authenticate."""
        pair = pair or self._pki.henb
        local: dict[str, Any] = {"auth": "psk" if psk else "pubkey", "id": HENB_ID}
        remote: dict[str, Any] = {"auth": "psk" if psk else "pubkey", "id": GATEWAY_ID}
        if psk:
            self.vici.load_secret("psk", psk, [GATEWAY_ID, HENB_ID])
        else:
            self.vici.load_key(pair.key_der)
            local["certs"] = [pair.certificate_der]
            remote["cacerts"] = [self._pki.ike_ca.certificate_der]
        usual = {"esp_proposals": ESP_PROPOSALS, "rekey_time": "0"} | (child or {})
        lab = {
            "version": "2",
            "remote_addrs": [str(GATEWAY)],
            "proposals": IKE_PROPOSALS,
            "vips": ["0.0.0.0", "::"],
            "rekey_time": "0",
            "local": local,
            "remote": remote,
            "children": {name: usual | {"remote_ts": ts} for name, ts in children.items()},
        }
        self.vici.load_connection("lab", lab | connection)

    def up(self, child: str) -> None:
        """Bring a child up."""
        self.vici.initiate(child, timeout_s=_FIRST_S)

    def inner(self) -> tuple[Address, ...]:
        """Return the inner addresses of all IKE_SAs that have a child installed.

        While one SA takes the place of another that may be none, or those of both.
        """
        used = (sa for sa in self.vici.sas() if any(c.state == "INSTALLED" for c in sa.children))
        return tuple(address for sa in used for address in sa.local_inner)
