"""How all tests try properties: with the same examples each time, and nothing is written down.

`make test` tries more of them (EXAMPLES) than `make check` has the time for. A loaded machine is
no failure, so there is no deadline.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile(
    "henbd",
    max_examples=int(os.environ.get("EXAMPLES", "20")),
    deadline=None,
    database=None,
    derandomize=True,
)
settings.load_profile("henbd")
