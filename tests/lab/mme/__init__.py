"""The MME of the lab: it answers S1 Setup as it is told, and holds the HeNB to the rules.

`python -m tests.lab.mme` runs one alone.
"""

from tests.lab.mme.behaviour import Abort, Accept, Behaviour, Garbage, Refuse, Silence
from tests.lab.mme.server import Mme
from tests.lab.mme.session import Registration

__all__ = [
    "Abort",
    "Accept",
    "Behaviour",
    "Garbage",
    "Mme",
    "Refuse",
    "Registration",
    "Silence",
]
