"""Download, Upload and their queue, from the request to TransferComplete."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from henbd.cwmp import files, transfers
from henbd.cwmp.ledger import Ledger, Owed
from henbd.cwmp.messages import TransferComplete
from henbd.cwmp.requests import (
    CancelTransfer,
    GetAllQueuedTransfers,
    GetQueuedTransfers,
    Request,
)
from henbd.cwmp.responses import (
    CancelTransferResponse,
    DownloadResponse,
    GetAllQueuedTransfersResponse,
    GetQueuedTransfersResponse,
    UploadResponse,
)
from henbd.cwmp.rpc import answer
from henbd.cwmp.rules import Rules
from henbd.cwmp.state import State, document, restored
from henbd.cwmp.structs import Event, Fault, QueuedTransfer
from henbd.cwmp.transfer_requests import Download, Upload
from henbd.cwmp.transfers import INSTALL_S, MOST_ATTEMPTS, MOST_TRANSFERS, Result, Stage, Transfer
from henbd.errors import FaultCode
from henbd.model.types import UNKNOWN_TIME
from henbd.values import Moment
from tests.unit.box import WALL
from tests.unit.settings import SECRET, factory

IMAGE = Download("key", files.IMAGE, "https://files.lab/a", "u", "p", 5, "name", 0)
LOG = Upload("log", files.LOGS[0], "http://files.lab/b", "u", "p", 60)
RULES = Rules(
    refusals=lambda tree, changed: (),  # noqa: ARG005 the keywords are those of the daemon
    status=lambda before, after: 0,  # noqa: ARG005
    boot_id="boot",
    downloads=frozenset({files.IMAGE, files.CONFIGURATION_DOWNLOAD}),
    uploads=frozenset({*files.CONFIGURATIONS, *files.LOGS}),
)
NOW = Moment(1000.0, WALL)
STATE = State(factory(), Ledger(), SECRET)


def after(*requests: Request, state: State = STATE) -> State:
    """Return the state after requests, each of which is granted and is kept."""
    for request in requests:
        response, state = answer(request, state, RULES, NOW)
        assert not isinstance(response, Fault), response
    return state


def refused(request: Request, state: State = STATE) -> Fault:
    """Return the fault that a request is answered with; it has changed nothing."""
    response, unchanged = answer(request, state, RULES, NOW)
    assert isinstance(response, Fault)
    assert unchanged is state
    return response


def again(state: State) -> State:
    """Return the state as the next process finds it."""
    found, lost = restored(factory(), json.loads(json.dumps(document(state))), "boot")
    assert not lost
    return found


def later(seconds: float) -> Moment:
    """Return the moment that is so much later."""
    return Moment(NOW.monotonic + seconds, NOW.wall + timedelta(seconds=seconds))


@pytest.mark.conformance("C129", "C130", "C131", "C133")
def test_a_transfer_is_put_into_the_queue_and_said_to_come() -> None:
    assert answer(IMAGE, STATE, RULES, NOW)[0] == DownloadResponse()
    assert answer(LOG, STATE, RULES, NOW)[0] == UploadResponse()
    for file_type in RULES.downloads:
        assert len(after(replace(IMAGE, file_type=file_type)).transfers) == 1
    for file_type in RULES.uploads:
        assert len(after(replace(LOG, file_type=file_type)).transfers) == 1


@pytest.mark.conformance("C134")
def test_a_transfer_is_due_after_its_delay() -> None:
    image, log = after(IMAGE, LOG).transfers
    assert (image.at, log.at) == (1000.0, 1060.0)
    assert log.stage is Stage.QUEUED


@pytest.mark.conformance("C135")
def test_the_queue_has_an_end_and_takes_the_same_twice() -> None:
    full = after(*[IMAGE] * MOST_TRANSFERS)
    assert MOST_TRANSFERS >= 3
    assert refused(LOG, full).code == FaultCode.RESOURCES_EXCEEDED


@pytest.mark.conformance("C129", "C132", "C149")
@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (replace(IMAGE, file_type="2 Web Content"), 9003),
        (replace(IMAGE, file_type=""), 9003),
        (replace(LOG, file_type=files.IMAGE), 9003),
        (replace(LOG, file_type="3 Vendor Configuration File 2"), 9003),
        (replace(IMAGE, file_type=files.PERFORMANCE), 9003),
        (replace(IMAGE, url="ftp://files.lab/a"), 9013),
        (replace(IMAGE, url="tftp://files.lab/a"), 9013),
        (replace(IMAGE, url=""), 9003),
        (replace(IMAGE, url="/a"), 9003),
        (replace(IMAGE, url="http:///a"), 9003),
        (replace(IMAGE, url="http://[a/"), 9003),
        (replace(IMAGE, url="http://u:p@files.lab/a"), 9003),
        (replace(IMAGE, url="http://files.lab/" + "a" * 250), 9003),
        (replace(IMAGE, username="x" * 257), 9003),
        (replace(LOG, password="x" * 257), 9003),
        (replace(IMAGE, target_file_name="x" * 257), 9003),
        (replace(IMAGE, command_key="x" * 33), 9003),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_cannot_be_done_is_refused_at_once(request_: Request, code: int) -> None:
    assert refused(request_).code == code


def test_a_box_without_an_installer_takes_no_image() -> None:
    rules = replace(RULES, downloads=frozenset({files.CONFIGURATION_DOWNLOAD}))
    response, _ = answer(IMAGE, STATE, rules, NOW)
    assert response == Fault(
        9003, "FileType '1 Firmware Upgrade Image' is not one of 3 Vendor Configuration File"
    )


@pytest.mark.conformance("C141")
def test_the_queue_is_told() -> None:
    state = after(IMAGE, LOG)
    state = files.changed(state, state.transfers[0], lambda t: transfers.begun(t, NOW))
    queue = (
        QueuedTransfer("key", 2, True, files.IMAGE, 5, "name"),
        QueuedTransfer("log", 1, False, files.LOGS[0], 0, ""),
    )
    response, same = answer(GetAllQueuedTransfers(), state, RULES, NOW)
    assert (response, same) == (GetAllQueuedTransfersResponse(queue), state)
    assert answer(GetQueuedTransfers(), state, RULES, NOW)[0] == GetQueuedTransfersResponse(queue)


@pytest.mark.conformance("C141", "C150")
def test_what_has_not_begun_can_be_cancelled() -> None:
    state = after(IMAGE, LOG, LOG)
    response, left = answer(CancelTransfer("log"), state, RULES, NOW)
    assert response == CancelTransferResponse()
    assert [t.request for t in left.transfers] == [IMAGE]
    assert left.ledger.owed == ()
    assert refused(CancelTransfer("other"), state).code == FaultCode.INVALID_ARGUMENTS
    begun = files.changed(state, state.transfers[1], lambda t: transfers.begun(t, NOW))
    assert refused(CancelTransfer("log"), begun).code == FaultCode.CANCELLATION_REFUSED


@pytest.mark.conformance("C081", "C134")
def test_a_transfer_survives_the_process() -> None:
    state = again(after(IMAGE, LOG))
    assert [t.request for t in state.transfers] == [IMAGE, LOG]
    assert [t.at for t in state.transfers] == [None, None]
    assert [t.at for t in files.placed(state, later(20)).transfers] == [1020.0, 1060.0]


@pytest.mark.parametrize(
    ("days", "left_s"), [(-20000, 60.0), (-1, 60.0), (0, 60.0), (1, 0.0), (9000, 0.0)]
)
def test_a_wall_clock_that_has_jumped_does_not_put_a_transfer_off_for_ever(
    days: int, left_s: float
) -> None:
    (entry,) = again(after(LOG)).transfers
    moment = Moment(5.0, NOW.wall + timedelta(days=days))
    assert transfers.placed(entry, moment).at == 5.0 + left_s


def test_a_transfer_that_was_cut_short_is_repeated_but_not_for_ever() -> None:
    state = after(IMAGE)
    for attempt in range(MOST_ATTEMPTS):
        (entry,) = state.transfers
        assert transfers.verdict(entry, "boot", "1", 0.0) is None
        state = files.changed(state, entry, lambda t: transfers.begun(t, NOW))
        assert state.transfers[0].attempts == attempt + 1
        state = files.placed(again(state), NOW)
        assert state.transfers[0].stage is Stage.QUEUED
    (entry,) = state.transfers
    assert transfers.verdict(entry, "boot", "1", 0.0) == Result(9010, "cut short 3 times")
    log = replace(entry, request=LOG)
    assert transfers.verdict(log, "boot", "1", 0.0) == Result(9011, "cut short 3 times")


@pytest.mark.conformance("C136", "C138")
@pytest.mark.parametrize(
    ("boot_id", "version", "seconds", "result"),
    [
        ("boot", "1", INSTALL_S - 1, None),
        ("boot", "2", INSTALL_S - 1, None),
        ("boot", "1", INSTALL_S, Result(9010, "the box was not restarted by its installer")),
        ("next", "2", 0, Result()),
        ("next", "1", 0, Result(9010, "the box has restarted, and runs version 1 as before")),
    ],
)
def test_an_image_is_in_place_when_the_box_comes_up_with_another_version(
    boot_id: str, version: str, seconds: float, result: Result | None
) -> None:
    state = after(IMAGE)
    state = files.changed(
        state, state.transfers[0], lambda t: transfers.installing(t, "boot", "1", NOW)
    )
    for found in (state, files.placed(again(state), NOW)):
        (entry,) = found.transfers
        assert entry.stage is Stage.INSTALLING
        assert transfers.verdict(entry, boot_id, version, NOW.monotonic + seconds) == result


@pytest.mark.conformance("C073", "C136")
@pytest.mark.parametrize(
    ("request_", "code", "event"),
    [(IMAGE, 9018, Event("M Download", "key")), (LOG, 0, Event("M Upload", "log"))],
)
def test_a_finished_transfer_is_owed_to_the_hems_and_survives_the_process(
    request_: Request, code: int, event: Event
) -> None:
    state = after(request_)
    (entry,) = state.transfers
    state = files.changed(state, entry, lambda t: transfers.begun(t, NOW))
    (entry,) = state.transfers
    done = files.finished(state, entry, Result(code, "x" * 300), later(7))
    complete = TransferComplete(
        event.command_key, code, "x" * 256, "2026-02-03T12:00:00Z", "2026-02-03T12:00:07Z"
    )
    for found in (done, again(done)):
        assert found.transfers == ()
        assert found.ledger.owed == (Owed(event, complete),)


def test_a_transfer_that_never_began_has_no_start() -> None:
    (entry,) = after(IMAGE).transfers
    assert isinstance(owed := transfers.owed(entry, Result(9010, ""), WALL).call, TransferComplete)
    assert owed.start_time == UNKNOWN_TIME


@pytest.mark.parametrize(
    "change",
    [
        {"stage": "done"},
        {"attempts": -1},
        {"due": "1"},
        {"method": "Reboot"},
        {"arguments": {}},
        {"started": None},
    ],
)
def test_a_damaged_queue_is_no_state_of_ours(change: dict[str, object]) -> None:
    kept = json.loads(json.dumps(document(after(IMAGE))))
    kept["transfers"][0].update(change)
    with pytest.raises(ValueError, match=r".+"):
        restored(factory(), kept, "boot")


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(Transfer(replace(IMAGE, password="secret"), 0))
