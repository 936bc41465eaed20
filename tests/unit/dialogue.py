"""A CWMP session that is driven by a HeMS which answers from a list.

Whatever is posted is read by the HeMS of the laboratory, which is strict, and checked against the
schemas of CWMP where HENBD_REFERENCE names them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from henbd.control import factory as factories
from henbd.control import refusal
from henbd.cwmp.ledger import Owed
from henbd.cwmp.opening import Opening
from henbd.cwmp.rules import Rules
from henbd.cwmp.session import Outcome, Post, Record, Reply, Session, Stored, session
from henbd.cwmp.state import State
from henbd.model import paths
from henbd.values import Moment
from tests.lab.hems import messages as seen
from tests.lab.hems import schema
from tests.lab.hems import soap as hems
from tests.unit.box import ADDRESS, WALL, Box, registered
from tests.unit.settings import SECRET, settings

SETTINGS = settings()
RULES = Rules(
    refusals=lambda tree, changed: refusal.refusals(tree, changed, SETTINGS),
    status=lambda before, after: 0,  # noqa: ARG005 the keywords are those of the daemon
    boot_id="boot",
)
NOW = Moment(1000.0, WALL)
NOTHING = (204, b"")


def envelope(
    body: str, *, header: str = '<c:ID e:mustUnderstand="1">x</c:ID>', v: str = "1-0"
) -> bytes:
    """Return an envelope of the HeMS; its prefixes are `e` and `c`."""
    return (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"'
        f' xmlns:c="urn:dslforum-org:cwmp-{v}"><e:Header>{header}</e:Header>'
        f"<e:Body>{body}</e:Body></e:Envelope>"
    ).encode()


def setting(*pairs: tuple[str, str]) -> str:
    """Return a SetParameterValues."""
    structs = "".join(
        f"<ParameterValueStruct><Name>{n}</Name><Value>{v}</Value></ParameterValueStruct>"
        for n, v in pairs
    )
    return (
        f"<c:SetParameterValues><ParameterList>{structs}</ParameterList>"
        "<ParameterKey>key</ParameterKey></c:SetParameterValues>"
    )


def fault(code: int, text: str = "no") -> bytes:
    """Return an envelope with a fault of the HeMS."""
    return envelope(
        "<e:Fault><faultcode>Server</faultcode><faultstring>CWMP fault</faultstring>"
        f"<detail><c:Fault><FaultCode>{code}</FaultCode><FaultString>{text}</FaultString>"
        "</c:Fault></detail></e:Fault>"
    )


WELCOME = (200, envelope("<c:InformResponse><MaxEnvelopes>1</MaxEnvelopes></c:InformResponse>"))
PROVISION = (200, envelope(setting((paths.S1_SERVERS, "mme.example"), (paths.ADMIN_STATE, "1"))))
REFUSED = (200, envelope(setting((paths.ADMIN_STATE, "1"), (paths.S1_PORT, "0"))))
METHODS = (200, envelope("<c:GetRPCMethods/>"))
UNKNOWN = (200, envelope("<c:X_Dance/>"))
VALUES = (
    200,
    envelope(
        "<c:GetParameterValues><ParameterNames><string/></ParameterNames></c:GetParameterValues>"
    ),
)


@dataclass
class Course:
    """How a session went: what was posted and committed, and what it came to."""

    state: State
    posts: list[bytes] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    outcome: Outcome | None = None

    @property
    def answers(self) -> list[seen.Message]:
        """The messages after the empty post, which is the second one but for repetitions."""
        after = self.posts[self.posts.index(b"") + 1 :] if b"" in self.posts else []
        return [hems.parse(post).message for post in after]


def opened(*owed: Owed, choice: str = "auto") -> tuple[Session, State, Opening]:
    """Return a session of a new box, ready to be driven; of one that is known, if it owes."""
    box = registered() if owed else Box()
    box.choice = choice
    box.ledger = replace(box.ledger, owed=owed)
    opening = box.open()
    state = State(box.tree, box.ledger, SECRET)
    device_id = factories.device_id(SETTINGS)
    return session(opening, device_id, "2026-02-03T04:05:06Z", choice, RULES), state, opening


def drive(
    replies: Iterable[tuple[int, bytes]],
    *,
    owed: Iterable[Owed] = (),
    choice: str = "auto",
    problem: str | None = None,
    meanwhile: str = "",
) -> Course:
    """Hold a session with a HeMS that answers so, and then nothing more.

    `problem`: why nothing can be stored; what the HeMS acknowledged counts all the same.
    `meanwhile`: the inner address that the box gets before the first answer comes.
    """
    dialogue, state, _ = opened(*owed, choice=choice)
    course, coming = Course(state), iter(replies)
    wish = next(dialogue)
    if meanwhile:
        course.state = replace(state, tree=state.tree.report({ADDRESS: meanwhile}))
    try:
        while True:
            if isinstance(wish, Post):
                assert violations(wish.body) == []
                course.posts.append(wish.body)
                course.waits.append(wish.wait_s)
                course.order.append("post")
                wish = dialogue.send(Reply(*next(coming, NOTHING), course.state, NOW))
            elif isinstance(wish, Record):
                course.order.append("record")
                course.state = wish.state
                wish = dialogue.send(Stored(problem))
            else:
                course.order.append("commit")
                course.state = course.state if problem else wish.state
                wish = dialogue.send(Stored(problem))
    except StopIteration as stop:
        course.outcome = stop.value
    return course


def violations(body: bytes) -> list[str]:
    """Return what is wrong with a body that we post."""
    # A SOAP fault without a word of CWMP in it is none of the laboratory's vocabulary.
    if not body or b"soap:MustUnderstand</faultcode>" in body:
        return []
    said = hems.parse(body)
    return [*said.violations, *schema.deviations(said.root, said.namespace)]


def ended_well(course: Course) -> bool:
    """Say whether a session came to its proper end."""
    return course.outcome == Outcome(None, informed=True)
