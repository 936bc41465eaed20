"""What the stack says of its cell in S1AP."""

from __future__ import annotations

from tests.lab import s1ap
from tests.lab.enb.messages import Cell
from tests.lab.s1ap.elements import is_printable

_LONGEST_NAME = 150


def setup_request(cell: Cell) -> s1ap.S1SetupRequest:
    """Return the S1 SETUP REQUEST of a cell."""
    return s1ap.S1SetupRequest(
        global_enb_id=s1ap.GlobalEnbId(cell.plmns[0], cell.identity),
        supported_tas=(s1ap.SupportedTa(cell.tac, cell.plmns),),
        enb_name=enb_name(cell.name),
        csg_ids=_csg_ids(cell),
    )


def same_enb(told: Cell, wanted: Cell) -> bool:
    """Return whether both have one Global eNB ID."""
    return (told.identity, told.plmns[0]) == (wanted.identity, wanted.plmns[0])


def can_update(told: Cell, wanted: Cell) -> bool:
    """Return whether an ENB CONFIGURATION UPDATE can say the difference.

    TS 36.413 8.7.4.2: what is not in the message stays. So a name, or the CSG list, cannot be taken
    back, and the Global eNB ID is not in it at all.
    """
    lost_name = enb_name(told.name) is not None and enb_name(wanted.name) is None
    lost_csg = told.csg_id is not None and wanted.csg_id is None
    return same_enb(told, wanted) and not lost_name and not lost_csg


def configuration_update(told: Cell, wanted: Cell) -> s1ap.EnbConfigurationUpdate | None:
    """Return the update from what the MME was told to what is wanted; None: it knows all of it."""
    update = s1ap.EnbConfigurationUpdate(
        enb_name=enb_name(wanted.name) if enb_name(wanted.name) != enb_name(told.name) else None,
        supported_tas=(s1ap.SupportedTa(wanted.tac, wanted.plmns),)
        if (wanted.tac, wanted.plmns) != (told.tac, told.plmns)
        else (),
        csg_ids=_csg_ids(wanted) if wanted.csg_id != told.csg_id else (),
    )
    return None if update == s1ap.EnbConfigurationUpdate() else update


def enb_name(name: str | None) -> str | None:
    """Return the name as eNBname can carry it (PrintableString, 1 to 150 characters), or None."""
    if not name:
        return None
    return "".join(c if is_printable(c) else "-" for c in name)[:_LONGEST_NAME]


def _csg_ids(cell: Cell) -> tuple[int, ...]:
    return () if cell.csg_id is None else (cell.csg_id,)
