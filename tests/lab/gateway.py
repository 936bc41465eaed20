"""The security gateway of the lab: a real charon, what it grants and refuses, and what it saw.

Traffic selectors are narrowed to whatever the HeNB proposes, inner addresses come from a pool that
can be exchanged at any time, and every coming and going of an SA is written into the lab's log.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.lab.charon import Charon, Settings, kernel_has_esp
from tests.lab.events import Log
from tests.lab.gateway_routes import lead_to_the_tunnel, own, own_the_core
from tests.lab.ike import IkeSa, Message, Vici
from tests.lab.namespaces import Address, Namespace
from tests.lab.pki import GATEWAY_ID, HENB_ID, Pki
from tests.lab.sa_watch import Watcher
from tests.lab.topology import POOLS, POOLS_6, Network

POOL, POOL_6 = "10.99.0.0/24", "fd00:99::/64"

CONNECTION = "henb"
CHILD = "s1"

# TS 33.210 and TS 33.310, with the ones for old kernels at the end.
IKE_PROPOSALS = [
    "aes128gcm16-prfsha256-ecp256",
    "aes256gcm16-prfsha384-ecp384",
    "aes128-sha256-ecp256",
    "aes128-sha256-modp2048",
]
ESP_PROPOSALS = ["aes128gcm16-ecp256", "aes128gcm16", "aes128-sha256-ecp256", "aes128-sha256"]


class Refusal(Enum):
    """How the gateway turns a HeNB away; the value is the notification in charon's log."""

    IDENTITY = "AUTH_FAILED"
    PROPOSAL = "NO_PROP"
    SELECTORS = "TS_UNACCEPT"


class Gateway:
    """The SeGW in a namespace of the topology.

    It authenticates by certificate, or by a pre-shared key where one is given. `start` it; all that
    is set lasts over `restart`. The events are "ike-up", "ike-down", "ike-refused", "child-up" and
    "child-down", with the facts unique_id, remote_id, outer, inner and (child) selectors.
    """

    def __init__(
        self,
        namespace: Namespace,
        folder: Path,
        log: Log,
        *,
        pki: Pki,
        psk: str | None = None,
        pools: tuple[str, ...] = (POOL, POOL_6),
        inner_networks: tuple[Network, ...] = (POOLS, POOLS_6),
        settings: Settings | None = None,
    ) -> None:
        self._log = log
        self._pki = pki
        self._psk = psk
        self._pools = pools
        self._inner_networks = inner_networks
        self._pool_number = 0
        self._refusal: Refusal | None = None
        self._identity = GATEWAY_ID
        self._selectors: tuple[str, ...] = ()
        self._watcher: Watcher | None = None
        if kernel_has_esp():
            lead_to_the_tunnel(namespace, inner_networks)
        else:
            own_the_core(namespace)
        self.charon = Charon(namespace, folder, namespace.role, settings=settings)

    def __enter__(self) -> Gateway:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def vici(self) -> Vici:
        """The way to charon itself, for what the methods here do not do."""
        return self.charon.vici

    def start(self) -> None:
        """Start charon with all that was set, ready for HeNBs."""
        self.charon.start()
        self._watcher = Watcher(self.vici.path, self._log)
        if self._psk is None:
            self.vici.load_authority(self._pki.ike_ca.certificate_der)
            self.vici.load_key(self._pki.gateway.key_der)
        else:
            self.vici.load_secret("psk", self._psk, [GATEWAY_ID, HENB_ID])
        self._load_pools()
        self._load_connection()

    def stop(self) -> None:
        """End the gateway in good order: the HeNBs are told."""
        self.charon.stop()
        self._end_watcher()

    def kill(self) -> None:
        """Let the gateway die without a word, the kernel's part of it too."""
        self.charon.kill()
        self._end_watcher()
        if kernel_has_esp():
            # Without this the SAs would go on working: only the daemon would have died.
            self.charon.namespace.ip("xfrm state flush", "xfrm policy flush")
            lead_to_the_tunnel(self.charon.namespace, self._inner_networks)

    def restart(self) -> None:
        """Stop the gateway and start it again."""
        self.stop()
        self.start()

    def close(self) -> None:
        """End the gateway for good."""
        self.charon.close()
        self._end_watcher()

    def use_pool(self, *networks: str) -> None:
        """Grant addresses from these networks (at most one a family) from now on; none: no address.

        Inner addresses that are in use stay as they are until the HeNB authenticates again.
        """
        self._pools = networks
        if self.charon.running:
            self._load_pools()
            self._load_connection()

    def refuse(self, how: Refusal) -> None:
        """Turn away every HeNB that comes; SAs that are up stay."""
        self._refusal = how
        self._load_connection()

    def accept(self) -> None:
        """Undo `refuse`."""
        self._refusal = None
        self._load_connection()

    def introduce(self, identity: str) -> None:
        """Have the gateway call itself something else."""
        self._identity = identity
        self._load_connection()

    def narrow(self, *selectors: str) -> None:
        """Lead children that are made from now on to these networks only; none: to everything."""
        self._selectors = selectors
        self._load_connection()

    def sas(self) -> list[IkeSa]:
        """Return the IKE_SAs with their children."""
        return self.vici.sas()

    def peers_certificates(self) -> list[bytes]:
        """Return the certificates that HeNBs have shown, in DER."""
        return self.vici.certificates()

    def terminate_ike(self, *, force: bool = False) -> None:
        """End all IKE_SAs from this side; `force` does not wait for the HeNB's answer."""
        self.vici.terminate(ike=CONNECTION, force=force)

    def terminate_child(self) -> None:
        """End all CHILD_SAs from this side, the IKE_SAs stay."""
        self.vici.terminate(child=CHILD)

    def rekey_ike(self) -> None:
        """Rekey the IKE_SAs from this side, in the background."""
        self.vici.rekey(ike=CONNECTION)

    def rekey_child(self) -> None:
        """Rekey the CHILD_SAs from this side, in the background."""
        self.vici.rekey(child=CHILD)

    def own(self, *addresses: Address) -> None:
        """Let selectors narrowed to these addresses be accepted; needed outside 10.30.0.0/24 only.

        See `own_the_core`; with ESP in the kernel there is nothing to do.
        """
        if not kernel_has_esp():
            own(self.charon.namespace, addresses)

    def _load_pools(self) -> None:
        # A pool with leases cannot be changed, so each gets a name that was never used.
        self._pool_number += 1
        for position, network in enumerate(self._pools):
            self.vici.load_pool(self._pool_name(position), network)

    def _pool_name(self, position: int) -> str:
        return f"pool{self._pool_number}-{position}"

    def _load_connection(self) -> None:
        if self.charon.running:
            self.vici.load_connection(CONNECTION, self._connection())

    def _connection(self) -> Message:
        method = "pubkey" if self._psk is None else "psk"
        local: dict[str, Any] = {"auth": method, "id": self._identity}
        if self._psk is None:
            local["certs"] = self._pki.gateway.chain_der
        known = "nobody.lab" if self._refusal is Refusal.IDENTITY else "%any"
        child = {
            "local_ts": list(self._selectors) or ["0.0.0.0/0", "::/0"],
            "esp_proposals": ESP_PROPOSALS,
            "rekey_time": "0",
        }
        other = ["aes256-sha512-modp8192"]
        return {
            "version": "2",
            "proposals": other if self._refusal is Refusal.PROPOSAL else IKE_PROPOSALS,
            "local": local,
            "remote": {"auth": method, "id": known},
            "pools": [self._pool_name(position) for position in range(len(self._pools))],
            "unique": "replace",
            "rekey_time": "0",
            # Any selectors at all would be taken by a HeNB that proposes everything.
            "children": {} if self._refusal is Refusal.SELECTORS else {CHILD: child},
        }

    def _end_watcher(self) -> None:
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = None
