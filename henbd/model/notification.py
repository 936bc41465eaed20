"""The notification attribute of a parameter: 0 off, 1 passive, 2 active (TR-069 A.3.2.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from henbd.errors import CwmpFault, FaultCode
from henbd.model.schema import Notify, Parameter, Role

OFF, PASSIVE, ACTIVE = 0, 1, 2


def attributes(rows: Mapping[str, Parameter], chosen: Mapping[str, int]) -> dict[str, int]:
    """Return the parameters whose notification attribute is not 0."""
    found = {}
    for path, row in rows.items():
        number = row.notify.default
        if row.notify is not Notify.ALWAYS_ACTIVE:
            number = chosen.get(path, number)
        if number:
            found[path] = number
    return found


def chosen(
    rows: Mapping[str, Parameter], paths: Iterable[str], number: int
) -> Iterable[tuple[str, int]]:
    """Yield the attribute of each path as the HeMS chooses it.

    One that is always active stays so (TR-106 forceEnabled). Raises CwmpFault: 9003 for a number
    that is none of these three, 9009 where active notification is refused.
    """
    if number not in (OFF, PASSIVE, ACTIVE):
        raise CwmpFault(FaultCode.INVALID_ARGUMENTS, f"{number} is no notification attribute here")
    for path in paths:
        row = rows[path]
        if number == ACTIVE and row.notify is Notify.DENIABLE and row.role is Role.REPORTED:
            raise CwmpFault(
                FaultCode.NOTIFICATION_REJECTED, f"{path} changes too often to be told at once"
            )
        if row.notify is not Notify.ALWAYS_ACTIVE:
            yield path, number
