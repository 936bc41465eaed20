"""What the HeMS has ordered and is done when the session is over (TR-069 A.3.2.9, A.4.1.6)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Orders:
    """Orders that are kept until they are carried out, each once.

    `reboot` names the boot in which a reboot was ordered, "" where none is: in another boot it has
    been done, and nothing needs to be written to say so.
    """

    reboot: str = ""
    factory_reset: bool = False


NOTHING = Orders()
