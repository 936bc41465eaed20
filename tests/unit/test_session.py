"""One CWMP session, driven by a HeMS that answers from a list."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from henbd.cwmp import events
from henbd.cwmp.ledger import Owed
from henbd.cwmp.messages import AutonomousTransferComplete, TransferComplete
from henbd.cwmp.session import (
    MOST_REPETITIONS,
    Outcome,
    Post,
    Reply,
    Stored,
    Unsent,
    spoken,
)
from henbd.cwmp.structs import Event
from henbd.cwmp.versions import CWMP
from henbd.model import paths
from tests.lab.hems import messages as seen
from tests.lab.hems import schema
from tests.lab.hems import soap as hems
from tests.unit.box import ADDRESS
from tests.unit.dialogue import (
    METHODS,
    NOTHING,
    NOW,
    PROVISION,
    REFUSED,
    SETTINGS,
    UNKNOWN,
    VALUES,
    WELCOME,
    Course,
    drive,
    ended_well,
    envelope,
    fault,
    opened,
    setting,
)
from tests.unit.settings import QUICK

# The Inform.


@pytest.mark.conformance("C048", "C049", "C050", "C051")
def test_registration_is_an_inform_and_an_empty_post() -> None:
    """TS 32.593 5.1.3 (1.1), (1.2)."""
    course = drive([WELCOME])
    assert ended_well(course)
    assert course.order == ["post", "record", "post"]
    assert course.posts[1:] == [b""]
    inform = hems.parse(course.posts[0])
    assert inform.violations == ()
    assert inform.namespace == "urn:dslforum-org:cwmp-1-2"
    assert inform.id
    assert isinstance(inform.message, seen.Inform)
    assert inform.message.device_id == seen.DeviceId("Example", "00256D", "HeNB", "0001")
    assert inform.message.events == (("0 BOOTSTRAP", ""), ("1 BOOT", ""))
    assert inform.message.current_time == "2026-02-03T04:05:06Z"
    assert inform.message.values[ADDRESS] == "10.99.0.1"


def test_inform_response_acknowledges_what_was_sent() -> None:
    course = drive([WELCOME], meanwhile="10.99.0.2")
    ledger = course.state.ledger
    assert (ledger.hems, ledger.boot_id) == (SETTINGS.hems.url, "boot")
    assert ledger.acknowledged[ADDRESS] == "10.99.0.1"
    assert course.state.tree.value(ADDRESS) == "10.99.0.2"


@pytest.mark.conformance("C053")
@pytest.mark.parametrize("code", [8000, 8001, 8002, 8003, 8004, 8006, 8800, 9000, 0])
@pytest.mark.parametrize("status", [200, 500])
def test_fault_to_the_inform_fails_the_session(code: int, status: int) -> None:
    course = drive([(status, fault(code)), WELCOME])
    assert course.outcome is not None
    assert not course.outcome.informed
    assert str(code) in str(course.outcome.failure)
    assert course.order == ["post"]


@pytest.mark.conformance("C052", "C037")
@pytest.mark.parametrize("status", [200, 500])
def test_inform_is_sent_again_when_the_hems_asks_for_it(status: int) -> None:
    """The same arguments, with an identity of its own."""
    course = drive([(status, fault(8005)), (status, fault(8005)), WELCOME])
    assert ended_well(course)
    informs = [hems.parse(post) for post in course.posts[:3]]
    assert informs[0].message == informs[1].message == informs[2].message
    assert len({inform.id for inform in informs}) == 3


def test_inform_is_not_repeated_for_ever() -> None:
    course = drive([(200, fault(8005))] * 100)
    assert course.outcome is not None
    assert not course.outcome.informed
    assert len(course.posts) == MOST_REPETITIONS


@pytest.mark.conformance("C031", "C048", "C051")
@pytest.mark.parametrize(
    "reply",
    [
        pytest.param((204, b""), id="nothing"),
        pytest.param((200, b""), id="empty"),
        pytest.param((200, b" \r\n"), id="blank"),
        pytest.param((200, b"garbage"), id="garbage"),
        pytest.param((200, b"<html/>"), id="HTML"),
        pytest.param((200, WELCOME[1][:-9]), id="truncated"),
        pytest.param((200, b"<!DOCTYPE x>" + WELCOME[1]), id="DTD"),
        pytest.param(METHODS, id="a request"),
        pytest.param(PROVISION, id="a set"),
        pytest.param((301, b""), id="301"),
        pytest.param((400, b"bad request"), id="400"),
        pytest.param((401, b""), id="401"),
        pytest.param((404, WELCOME[1]), id="404 with an envelope"),
        pytest.param((503, fault(8005)), id="503 with a wish for the Inform again"),
        pytest.param((500, WELCOME[1]), id="500 with an InformResponse"),
        pytest.param((500, b"<html>oops</html>"), id="500 with HTML"),
        pytest.param((500, b"oops"), id="500 with text"),
        pytest.param((500, b""), id="500 with nothing"),
        pytest.param((503, b""), id="503"),
    ],
)
def test_anything_but_an_inform_response_fails_the_session(reply: tuple[int, bytes]) -> None:
    """Nothing of it is carried out."""
    _, before, _ = opened()
    course = drive([reply, WELCOME, PROVISION])
    assert course.outcome is not None
    assert course.outcome.failure
    assert not course.outcome.informed
    assert course.order == ["post"]
    assert course.state.tree.provisioning == before.tree.provisioning
    assert course.state.ledger == before.ledger


@pytest.mark.conformance("C030")
@pytest.mark.parametrize("status", [201, 202])
def test_envelope_may_come_with_another_status_of_success(status: int) -> None:
    assert ended_well(drive([(status, WELCOME[1])]))


# Versions.


@pytest.mark.conformance("C034", "C057")
@pytest.mark.parametrize(
    ("choice", "namespace"),
    [
        ("auto", "1-2"),
        ("1.0", "1-0"),
        ("1.1", "1-1"),
        ("1.2", "1-2"),
        ("1.3", "1-2"),
        ("1.4", "1-2"),
    ],
)
def test_inform_is_in_the_version_that_is_configured(choice: str, namespace: str) -> None:
    course = drive([WELCOME], choice=choice)
    assert hems.parse(course.posts[0]).namespace == f"urn:dslforum-org:cwmp-{namespace}"
    assert course.state.ledger.version == namespace


@pytest.mark.parametrize(
    ("reply", "refused"),
    [
        ((400, b"bad"), True),
        ((500, b""), True),
        ((500, fault(8000)), True),
        ((200, fault(8006)), True),
        ((503, b"busy"), False),
        ((401, b""), False),
        ((200, b"garbage"), False),
        (NOTHING, False),
    ],
)
def test_refusal_of_the_inform_is_told_apart(reply: tuple[int, bytes], refused: bool) -> None:
    outcome = drive([reply]).outcome
    assert outcome is not None
    assert outcome.refused is refused


def test_refusal_of_what_follows_the_inform_is_none_of_it() -> None:
    outcome = drive([WELCOME, (500, b"")]).outcome
    assert outcome is not None
    assert not outcome.refused


def test_inform_that_has_not_left_is_a_failure_and_no_refusal() -> None:
    dialogue, state, _ = opened()
    next(dialogue)
    with pytest.raises(StopIteration) as stop:
        dialogue.send(Unsent("connection refused", state))
    assert stop.value.value == Outcome("connection refused", informed=False)


@pytest.mark.conformance("C036")
def test_versions_are_offered_by_1_4_alone_and_the_hems_chooses() -> None:
    chosen = '<c:UseCWMPVersion e:mustUnderstand="1">1.1</c:UseCWMPVersion></e:Header>'
    welcome = (200, WELCOME[1].replace(b"</e:Header>", chosen.encode()))
    course = drive([welcome, THANKS], owed=[FIRST], choice="1.4")
    assert b">1.0,1.1,1.2,1.3,1.4</cwmp:SupportedCWMPVersions>" in course.posts[0]
    assert schema.deviations(etree.fromstring(course.posts[0]), f"{CWMP}1-2") == []
    assert hems.parse(course.posts[1]).namespace == f"{CWMP}1-1"
    assert b"SupportedCWMPVersions" not in course.posts[1] + drive([WELCOME], choice="1.3").posts[0]


@pytest.mark.conformance("C034")
@pytest.mark.parametrize(
    ("choice", "answered", "spoken_in", "code"),
    [
        ("auto", "1-0", "1-0", 9011),
        ("auto", "1-1", "1-1", 9015),
        ("auto", "1-2", "1-2", 9015),
        # Nothing newer than what was offered.
        ("1.1", "1-2", "1-1", 9015),
    ],
)
def test_hems_chooses_by_the_namespace_of_its_answer(
    choice: str, answered: str, spoken_in: str, code: int
) -> None:
    welcome = (200, envelope("<c:InformResponse/>", v=answered))
    course = drive([welcome, THANKS], owed=[SECOND], choice=choice)
    assert hems.parse(course.posts[1]).namespace == CWMP + spoken_in
    assert f"<FaultCode>{code}</FaultCode>".encode() in course.posts[1]
    # The next Inform is in the version that was taken once more.
    assert CWMP + course.state.ledger.version == hems.parse(course.posts[0]).namespace


@pytest.mark.conformance("C032")
@pytest.mark.parametrize(
    ("asked", "granted"), [("120", 120), ("5", 30), ("99999", 300), ("soon", 30), ("", 30)]
)
def test_hems_may_ask_for_more_time_and_is_never_given_less(asked: str, granted: int) -> None:
    header = f"<c:SessionTimeout>{asked}</c:SessionTimeout></e:Header>"
    course = drive([(200, WELCOME[1].replace(b"</e:Header>", header.encode()))])
    assert course.waits == [30, granted]


# Our own requests.

TIMES = ("2026-02-03T04:05:06Z", "2026-02-03T04:05:07Z")
FIRST = Owed(Event(events.DOWNLOAD, "a"), TransferComplete("a", 0, "", *TIMES))
SECOND = Owed(Event(events.UPLOAD, "b"), TransferComplete("b", 9015, "no answer", *TIMES))
NO_PROTOCOL = Owed(SECOND.event, TransferComplete("c", 9013, "no such protocol", *TIMES))
PERFORMANCE = Owed(
    events.AUTONOMOUS_TRANSFER_COMPLETE,
    AutonomousTransferComplete("", "", False, "X", 0, "", 9013, "no such protocol", *TIMES),
)
THANKS = (200, envelope("<c:TransferCompleteResponse/>"))
HOLD = '<c:HoldRequests e:mustUnderstand="1">1</c:HoldRequests>'


def held(reply: tuple[int, bytes]) -> tuple[int, bytes]:
    """Return an answer that has us hold our requests."""
    return reply[0], reply[1].replace(b"</e:Header>", HOLD.encode() + b"</e:Header>")


def said(course: Course) -> list[str]:
    """Return what was posted, by name; a TransferComplete by its CommandKey."""
    messages = [hems.parse(post).message if post else None for post in course.posts]
    return [
        message.command_key
        if isinstance(message, seen.TransferComplete)
        else ""
        if message is None
        else type(message).__name__
        for message in messages
    ]


@pytest.mark.conformance("C049")
def test_requests_of_ours_follow_the_inform_one_at_a_time() -> None:
    course = drive([WELCOME, THANKS, THANKS], owed=[FIRST, SECOND])
    assert ended_well(course)
    assert said(course) == ["Inform", "a", "b", ""]
    assert course.state.ledger.owed == ()
    assert course.order == ["post", "record", "post", "record", "post", "record", "post"]
    assert len({hems.parse(post).id for post in course.posts if post}) == 3


@pytest.mark.conformance("C039", "C050")
def test_requests_of_ours_are_held_until_the_hems_has_none() -> None:
    course = drive([held(WELCOME), METHODS, NOTHING, THANKS], owed=[FIRST])
    assert ended_well(course)
    assert said(course) == ["Inform", "", "GetRPCMethodsResponse", "a", ""]
    assert course.state.ledger.owed == ()


@pytest.mark.conformance("C039")
def test_next_request_of_ours_is_held_by_the_answer_to_the_one_before() -> None:
    course = drive([WELCOME, held(THANKS), NOTHING, THANKS], owed=[FIRST, SECOND])
    assert said(course) == ["Inform", "a", "", "b", ""]


@pytest.mark.conformance("C052")
def test_request_of_ours_is_sent_again_when_the_hems_asks_for_it() -> None:
    course = drive([WELCOME, (200, fault(8005)), THANKS], owed=[FIRST])
    assert ended_well(course)
    assert said(course) == ["Inform", "a", "a", ""]


@pytest.mark.conformance("C053", "C073")
def test_request_of_ours_that_is_refused_stays_owed_and_the_session_goes_on() -> None:
    course = drive([WELCOME, (500, fault(8003)), THANKS, PROVISION], owed=[FIRST, SECOND])
    assert said(course) == ["Inform", "a", "b", "", "SetParameterValuesResponse"]
    assert course.state.ledger.owed == (FIRST,)
    assert course.outcome is not None
    assert (course.outcome.failure, course.outcome.informed) == (None, True)
    assert "refused TransferComplete: 8003" in course.outcome.left_owing


def test_words_of_a_refusal_are_one_line_and_move_no_terminal() -> None:
    words = "busy\nERROR henbd.departure: the box reboots\x9b2J"
    for replies in ([(500, fault(8003, words))], [WELCOME, (500, fault(8003, words)), THANKS]):
        course = drive(replies, owed=[FIRST, SECOND])
        assert course.outcome is not None
        told = course.outcome.failure or course.outcome.left_owing
        assert "8003 busy ERROR henbd.departure: the box reboots 2J" in told


@pytest.mark.parametrize("reply", [NOTHING, WELCOME, METHODS, (503, b""), (200, b"garbage")])
def test_request_of_ours_without_an_answer_stays_owed_and_the_session_fails(
    reply: tuple[int, bytes],
) -> None:
    """No endless loop: the table of retries says when it is tried again."""
    course = drive([WELCOME, reply, THANKS], owed=[FIRST])
    assert course.outcome is not None
    assert course.outcome.failure
    assert said(course) == ["Inform", "a"]
    assert course.state.ledger.owed == (FIRST,)


@pytest.mark.conformance("C034")
@pytest.mark.parametrize(
    ("version", "owed", "namespace", "code"),
    [
        ("1-0", FIRST, "1-0", 0),
        ("1-0", SECOND, "1-0", 9011),
        ("1-0", replace(SECOND, event=FIRST.event), "1-0", 9010),
        ("1-2", SECOND, "1-2", 9015),
        ("1-2", NO_PROTOCOL, "1-2", 9011),
        ("1-1", PERFORMANCE, "1-1", 9011),
        ("1-0", PERFORMANCE, "1-1", 9011),
    ],
)
def test_reason_of_a_failed_transfer_is_one_that_the_version_knows(
    version: str, owed: Owed, namespace: str, code: int
) -> None:
    """The schema of CWMP 1.0 ends at 9012."""
    call, spoken_in = spoken(owed, version)
    assert (spoken_in, call.fault_code) == (namespace, code)


# The requests of the HeMS.


def test_set_is_committed_before_it_is_answered() -> None:
    """TS 32.593 5.1.3 (2.1), (2.2)."""
    course = drive([WELCOME, PROVISION])
    assert ended_well(course)
    assert course.order == ["post", "record", "post", "commit", "post"]
    assert course.answers == [seen.SetParameterValuesResponse(0)]
    assert course.state.tree.value(paths.S1_SERVERS) == "mme.example"
    assert course.state.tree.value(paths.PARAMETER_KEY) == "key"


def test_every_request_is_answered_until_there_is_none() -> None:
    course = drive([WELCOME, METHODS, VALUES, UNKNOWN, REFUSED, PROVISION, (200, b"")])
    assert ended_well(course)
    kinds = [type(answer) for answer in course.answers]
    assert kinds == [
        seen.GetRPCMethodsResponse,
        seen.GetParameterValuesResponse,
        seen.Fault,
        seen.Fault,
        seen.SetParameterValuesResponse,
    ]
    assert [v for post in course.posts if post for v in hems.parse(post).violations] == []


def test_question_commits_nothing() -> None:
    assert drive([WELCOME, METHODS, VALUES, UNKNOWN, REFUSED]).order.count("commit") == 0


def test_rejected_set_changes_nothing() -> None:
    course = drive([WELCOME, REFUSED])
    assert ended_well(course)
    assert not course.state.tree.provisioning.values
    (answer,) = course.answers
    assert isinstance(answer, seen.Fault)
    assert (answer.faultcode, answer.code) == ("Client", 9003)
    assert [(p.name, p.code) for p in answer.parameters] == [(paths.S1_PORT, 9007)]


def test_rejected_set_leaves_an_earlier_one_as_it_was() -> None:
    course = drive([WELCOME, PROVISION, REFUSED])
    alone = drive([WELCOME, PROVISION])
    assert course.state.tree.values == alone.state.tree.values
    assert course.state.ledger == alone.state.ledger


def test_set_that_cannot_be_stored_is_9002_and_changes_nothing() -> None:
    course = drive([WELCOME, PROVISION], problem="No space left on device")
    assert ended_well(course)
    (answer,) = course.answers
    assert isinstance(answer, seen.Fault)
    assert (answer.faultcode, answer.code) == ("Server", 9002)
    assert "No space left on device" in answer.text
    assert not course.state.tree.provisioning.values
    assert course.state.ledger.hems == SETTINGS.hems.url


def test_set_keeps_what_was_read_of_the_world_meanwhile() -> None:
    course = drive([WELCOME, PROVISION], meanwhile="10.99.0.2")
    assert course.state.tree.value(ADDRESS) == "10.99.0.2"


@pytest.mark.conformance("C035", "C037")
@pytest.mark.parametrize("version", ["1-0", "1-1", "1-2"])
@pytest.mark.parametrize(
    "body", ["<c:GetRPCMethods/>", "<c:X_Dance/>", setting((paths.S1_PORT, "x"))]
)
def test_answer_is_in_the_version_and_with_the_identity_of_its_request(
    version: str, body: str
) -> None:
    """In a fault too."""
    course = drive([WELCOME, (200, envelope(body, header="<c:ID>&lt;7&gt;</c:ID>", v=version))])
    answer = hems.parse(course.posts[2])
    assert (answer.namespace, answer.id) == (f"urn:dslforum-org:cwmp-{version}", "<7>")


@pytest.mark.conformance("C038")
def test_request_without_identity_is_answered_without() -> None:
    course = drive([WELCOME, (200, envelope("<c:GetRPCMethods/>", header=""))])
    assert hems.parse(course.posts[2]).id is None


@pytest.mark.conformance("C051")
@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ((200, b"garbage"), "no XML"),
        ((200, PROVISION[1][:-9]), "no XML"),
        ((200, envelope(setting() * 2)), "exactly one"),
        ((500, fault(8002)), "Fault"),
        ((200, fault(8005)), "Fault"),
        (WELCOME, "InformResponse"),
        ((400, b"bad"), "HTTP 400 bad"),
        ((401, b""), "HTTP 401"),
        ((503, PROVISION[1]), "HTTP 503"),
        ((500, PROVISION[1]), "HTTP 500"),
    ],
)
def test_session_fails_where_a_request_was_due_and_what_was_told_stays_told(
    reply: tuple[int, bytes], reason: str
) -> None:
    """What was committed stays."""
    course = drive([WELCOME, PROVISION, reply, METHODS])
    assert course.outcome is not None
    assert reason in str(course.outcome.failure)
    assert course.outcome.informed
    assert len(course.posts) == 3
    assert course.state.tree.value(paths.S1_SERVERS) == "mme.example"


@pytest.mark.conformance("C041")
def test_request_with_a_header_that_must_be_understood_is_not_carried_out() -> None:
    """SOAP 1.1 4.2.3: what is not understood makes a MustUnderstand fault."""
    header = '<c:ID e:mustUnderstand="1">7</c:ID><x:T xmlns:x="urn:x" e:mustUnderstand="1"/>'
    body = setting((paths.S1_SERVERS, "mme.example"))
    course = drive([WELCOME, (200, envelope(body, header=header))])
    assert not course.state.tree.provisioning.values
    assert b"MustUnderstand</faultcode>" in course.posts[2]


@pytest.mark.conformance("C039", "C040", "C041")
@pytest.mark.parametrize(
    "header",
    [
        '<x:T xmlns:x="urn:x"/>',
        '<x:T xmlns:x="urn:x" e:mustUnderstand="0"/>',
        '<c:HoldRequests e:mustUnderstand="1">1</c:HoldRequests>',
        "<c:NoMoreRequests>1</c:NoMoreRequests>",
        '<c:SessionTimeout e:mustUnderstand="0">60</c:SessionTimeout>',
    ],
)
def test_header_that_need_not_be_understood_or_is_does_not_matter(header: str) -> None:
    body = setting((paths.S1_SERVERS, "mme.example"))
    course = drive([WELCOME, (200, envelope(body, header=header))])
    assert course.answers == [seen.SetParameterValuesResponse(0)]


@pytest.mark.parametrize(
    "reply",
    [
        (503, b"busy\r\n\x1b[2Jtry later\0"),
        (500, b"a\nb"),
        (200, fault(8002, "a\nb")),
        (200, b"<a>\n&b;</a>"),
        (500, b"\xff\xfe"),
    ],
)
def test_failure_is_told_in_one_line_that_is_safe_to_print(reply: tuple[int, bytes]) -> None:
    """It goes to the log, and the words are the peer's."""
    outcome = drive([reply]).outcome
    assert outcome is not None
    assert outcome.failure is not None
    assert outcome.failure.isprintable()
    assert len(outcome.failure) < 300


@pytest.mark.parametrize("posts", [0, 1, 2, 3])
def test_session_can_be_dropped_at_any_moment(posts: int) -> None:
    dialogue, state, _ = opened()
    replies = [Reply(*each, state, NOW) for each in (WELCOME, PROVISION, METHODS)]
    next(dialogue)
    for reply in replies[:posts]:
        wish = dialogue.send(reply)
        while not isinstance(wish, Post):
            wish = dialogue.send(Stored(None))
    dialogue.close()
    with pytest.raises(StopIteration):
        next(dialogue)


# A HeMS that does as it likes.

ANYTHING = [
    *(WELCOME, PROVISION, REFUSED, METHODS, VALUES, UNKNOWN, NOTHING),
    *((200, fault(8005)), (200, fault(8002)), (500, fault(8005)), (500, b"oops"), (503, b"")),
    *((200, b"garbage"), (200, PROVISION[1][:100]), (200, b"<!DOCTYPE x>" + METHODS[1])),
]


@QUICK
@given(
    st.lists(st.sampled_from(ANYTHING), max_size=20),
    st.sampled_from([None, "read-only file system"]),
)
def test_whatever_the_hems_does_the_session_ends(
    replies: list[tuple[int, bytes]], problem: str | None
) -> None:
    """Each answer brings one post at most; what is posted is right; what is set was accepted."""
    course = drive(replies, problem=problem)
    assert course.outcome is not None
    assert len(course.posts) <= len(replies) + 1
    assert [v for post in course.posts if post for v in hems.parse(post).violations] == []
    accepted = seen.SetParameterValuesResponse(0) in course.answers
    assert bool(course.state.tree.provisioning.values) is accepted
    assert not (accepted and problem)
    assert course.outcome.informed is (course.state.ledger.hems != "")


@QUICK
@given(st.lists(st.tuples(st.sampled_from([200, 204, 500]), st.binary(max_size=50)), max_size=5))
def test_random_bytes_never_change_anything(replies: list[tuple[int, bytes]]) -> None:
    course = drive([WELCOME, *replies])
    assert course.outcome is not None
    assert not course.state.tree.provisioning.values
