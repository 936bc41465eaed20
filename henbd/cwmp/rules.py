"""What the answers to the HeMS keep to, beyond the data model: the box decides it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from henbd.errors import Culprit, CwmpFault, FaultCode
from henbd.model.tree import Tree

# TR-069 A.3.2.1, A.3.2.9: ParameterKey and CommandKey, in characters.
LONGEST_KEY = 32


@dataclass(frozen=True, slots=True)
class Rules:
    """What a change must keep to, beyond the types of the table, and what a command needs to know.

    `refusals` names what of the changed paths cannot be done on this box; `status` is the Status of
    the answer, from the tree before and after. `boot_id` names the boot that goes on. `downloads`
    and `uploads` are the file types that this box has a use for.
    """

    refusals: Callable[[Tree, frozenset[str]], tuple[Culprit, ...]]
    status: Callable[[Tree, Tree], int]
    boot_id: str
    downloads: frozenset[str] = frozenset()
    uploads: frozenset[str] = frozenset()


def check_key(key: str, name: str) -> None:
    """See that a ParameterKey or CommandKey is no longer than may be; raises CwmpFault."""
    if len(key) > LONGEST_KEY:
        raise CwmpFault(
            FaultCode.INVALID_ARGUMENTS, f"{name} is longer than {LONGEST_KEY} characters"
        )
