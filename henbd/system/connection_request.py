"""What a connection request is answered (TR-069 3.2.2): who may call, and how often. No I/O."""

from __future__ import annotations

import hmac
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count

from henbd.system import digest
from henbd.system.request_head import Malformed, Request, path_of

REALM = "henbd"

# How long a nonce may be used, for the answer to a challenge and for requests behind it.
NONCE_MS = 300_000

# Only who knows the password makes us remember a nonce; with more of them, all are stale.
MOST_NONCES = 256

# TR-069 lets us limit callers who are who they say; ours may come this often in this time.
MOST_CALLS = 30
CALLS_S = 60.0

_NONCE = re.compile(r"([0-9a-f]{1,16})-[0-9a-f]{1,16}-[0-9a-f]{32}")
_COUNT = re.compile(r"[0-9a-fA-F]{8}")


@dataclass(frozen=True, slots=True)
class Caller:
    """The only one who may call, and at which path; without name or password nobody may."""

    path: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply without a body. After it the connection ends, unless `keep_alive`."""

    status: HTTPStatus
    headers: tuple[tuple[str, str], ...] = ()
    keep_alive: bool = True


class Gate:
    """Answers requests. `called` is called for each good one, and says whether it is served."""

    def __init__(self, secret: bytes, called: Callable[[], bool]) -> None:
        """`secret` marks our nonces, so that those of strangers need not be remembered."""
        self.caller = Caller("/", "", "")
        self._called = called
        self._secret = secret
        self._numbers = count()
        self._last_counts: dict[str, int] = {}
        self._stale_before_ms = 0
        self._calls: deque[float] = deque()

    def answer(self, request: Request | Malformed, now: float) -> Reply:
        """Return the reply to a request; `now` is monotonic."""
        if isinstance(request, Malformed):
            return Reply(HTTPStatus.BAD_REQUEST, keep_alive=False)
        status, headers = self._judge(request, now)
        return Reply(status, tuple(headers), request.keep_alive)

    def _judge(self, request: Request, now: float) -> tuple[HTTPStatus, list[tuple[str, str]]]:
        if request.method != "GET":
            return HTTPStatus.METHOD_NOT_ALLOWED, [("Allow", "GET")]
        path = path_of(request.target)
        if self.caller.path not in (path, path.partition("?")[0]):
            return HTTPStatus.NOT_FOUND, []
        now_ms = int(now * 1000)
        answer = self._authenticated(request)
        if answer is None:
            return HTTPStatus.UNAUTHORIZED, self._challenges(now_ms, stale=False)
        if not self._use(answer.fields["nonce"], answer.fields["nc"], now_ms):
            return HTTPStatus.UNAUTHORIZED, self._challenges(now_ms, stale=True)
        if not self._within_limit(now) or not self._called():
            return HTTPStatus.SERVICE_UNAVAILABLE, []
        return HTTPStatus.OK, []

    def _authenticated(self, request: Request) -> digest.Authentication | None:
        """Return the right answer to a challenge for this request, whether ours and fresh or not.

        TR-069 3.2.2.2 has no other means than Digest for that.
        """
        said = [answer for text in request.all("authorization") for answer in digest.parse(text)]
        caller = self.caller
        if len(said) != 1 or not caller.username or not caller.password:
            return None
        (answer,) = said
        right = digest.expected(answer, request.method, caller.username, caller.password)
        if right is None:
            return None
        fields = answer.fields
        good = (
            _equal(fields["response"].lower(), right.encode()),
            _equal(fields["username"], caller.username.encode()),
            _equal(fields["realm"], REALM.encode()),
            # RFC 7616 3.4.6: an answer is good for one resource alone.
            path_of(fields["uri"]) == path_of(request.target),
            _COUNT.fullmatch(fields["nc"]) is not None,
        )
        return answer if all(good) else None

    def _challenges(self, now_ms: int, *, stale: bool) -> list[tuple[str, str]]:
        """Return a challenge for each algorithm.

        They have all but the algorithm in common, and MD5 is last: callers that make one challenge
        of several, as some HeMS do, arrive at that.
        """
        body = f"{now_ms:x}-{next(self._numbers):x}"
        fields = {"realm": REALM, "nonce": f"{body}-{self._mark(body)}", "qop": "auth"}
        staleness = {"stale": "true"} if stale else {}
        return [
            ("WWW-Authenticate", digest.challenge(fields, {"algorithm": name, **staleness}))
            for name in digest.ALGORITHMS
        ]

    def _use(self, nonce: str, nc: str, now_ms: int) -> bool:
        """Take note that a nonce is used, this often by now; return whether it may be."""
        issued_ms = self._issued_ms(nonce)
        oldest_ms = max(now_ms - NONCE_MS, self._stale_before_ms)
        if issued_ms < oldest_ms or int(nc, 16) <= self._last_counts.get(nonce, 0):
            return False
        self._last_counts[nonce] = int(nc, 16)
        if len(self._last_counts) > MOST_NONCES:
            self._last_counts = {
                n: c for n, c in self._last_counts.items() if self._issued_ms(n) >= oldest_ms
            }
        if len(self._last_counts) > MOST_NONCES:
            self._last_counts.clear()
            self._stale_before_ms = now_ms + 1
        return True

    def _issued_ms(self, nonce: str) -> int:
        """Return when a nonce was issued; -1: not by us."""
        body, _, mark = nonce.rpartition("-")
        matched = _NONCE.fullmatch(nonce)
        if matched is None or not hmac.compare_digest(mark, self._mark(body)):
            return -1
        return int(matched[1], 16)

    def _mark(self, body: str) -> str:
        return hmac.new(self._secret, body.encode(), "sha256").hexdigest()[:32]

    def _within_limit(self, now: float) -> bool:
        while self._calls and self._calls[0] <= now - CALLS_S:
            self._calls.popleft()
        if len(self._calls) >= MOST_CALLS:
            return False
        self._calls.append(now)
        return True


def encode(reply: Reply) -> bytes:
    """Return a reply as bytes."""
    lines = [
        f"HTTP/1.1 {reply.status.value} {reply.status.phrase}",
        *(f"{name}: {value}" for name, value in reply.headers),
        "Content-Length: 0",
        f"Connection: {'keep-alive' if reply.keep_alive else 'close'}",
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _equal(said: str, right: bytes) -> bool:
    """Compare in a time that does not tell how much of it is right."""
    return hmac.compare_digest(said.encode("latin-1"), right)
