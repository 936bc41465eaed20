"""Every exception of henbd, one sentence each: whose fault it is, and who catches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class FaultCode(IntEnum):
    """CWMP fault codes, as far as they are used (TR-069 A.5.1, A.5.2)."""

    METHOD_NOT_SUPPORTED = 9000
    REQUEST_DENIED = 9001
    INTERNAL_ERROR = 9002
    INVALID_ARGUMENTS = 9003
    RESOURCES_EXCEEDED = 9004
    INVALID_NAME = 9005
    INVALID_TYPE = 9006
    INVALID_VALUE = 9007
    NOT_WRITABLE = 9008
    NOTIFICATION_REJECTED = 9009
    TRANSFER_FAILURE = 9010
    UPLOAD_FAILURE = 9011
    SERVER_AUTHENTICATION = 9012
    PROTOCOL_NOT_SUPPORTED = 9013
    SERVER_UNREACHABLE = 9015
    FILE_UNREACHABLE = 9016
    FILE_INCOMPLETE = 9017
    FILE_CORRUPTED = 9018
    FILE_AUTHENTICATION = 9019
    CANCELLATION_REFUSED = 9021
    RETRY_REQUEST = 8005
    """Of the HeMS: send the same request again."""


class HenbdError(Exception):
    """Something that henbd expects to go wrong now and then; anything else is a bug of ours."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a configuration file; `line` counts from 1, 0 where there is none to name."""

    line: int
    key: str
    text: str


class ConfigurationError(HenbdError):
    """The operator's configuration is wrong; `problems` names every mistake."""

    def __init__(self, file: str, problems: tuple[Problem, ...]) -> None:
        self.file = file
        self.problems = problems
        super().__init__("\n".join(self.lines()))

    def lines(self) -> list[str]:
        """Return one line for each mistake: file, line, key, what is wrong."""
        return [
            f"{self.file}:{p.line}: {p.key}: {p.text}" if p.line else f"{self.file}: {p.text}"
            for p in self.problems
        ]


class InvalidValueError(HenbdError):
    """A text may not become the value of a parameter; `code` says why."""

    def __init__(self, code: FaultCode, text: str) -> None:
        self.code = code
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Culprit:
    """One parameter that a SetParameterValues may not set, with the CWMP fault that says why."""

    path: str
    code: FaultCode
    text: str


class CwmpFault(HenbdError):
    """A request of the HeMS is refused with a fault of TR-069 table 64; nothing has changed."""

    def __init__(self, code: FaultCode, text: str, culprits: tuple[Culprit, ...] = ()) -> None:
        self.code = code
        self.text = text
        self.culprits = culprits
        super().__init__(f"{code} {text}")


class HemsError(HenbdError):
    """The HeMS sent what CWMP does not allow there; the session fails, try later.

    The words may be the peer's: they are kept to one line that is safe to print.
    """

    def __init__(self, text: str) -> None:
        line = "".join(c if c.isprintable() else " " for c in text)
        super().__init__(" ".join(line.split())[:250])


class RefusalError(HemsError):
    """The HeMS would not have a request of ours; another version of CWMP may please it."""


class StoreError(HenbdError):
    """The flash did not take what we wanted to keep; the operator must act, we try again."""


class ExchangeError(HenbdError):
    """An HTTP exchange with the HeMS failed; try later. `unsent`: before the request had left."""

    def __init__(self, text: str, *, unsent: bool = False) -> None:
        self.unsent = unsent
        super().__init__(text)


class TransferError(HenbdError):
    """A file could not be transferred, or is of no use; the HeMS is told `code` and the text."""

    def __init__(self, code: FaultCode, text: str) -> None:
        self.code = code
        super().__init__(text)


class CharonError(HenbdError):
    """charon did not answer, or refused a command; look again."""


class StackError(HenbdError):
    """A program or file of the S1AP stack could not be used; try later."""


class KernelError(HenbdError):
    """The kernel refused a request."""


class DoorError(HenbdError):
    """What only somebody else on the box may do cannot even be asked for; the operator must act."""


class RequestError(HenbdError):
    """An operator's request cannot be carried out; it is told why."""


class ConsoleError(HenbdError):
    """The running daemon could not be asked, or refused the question with this answer."""

    def __init__(self, text: str, answer: Mapping[str, Any] | None = None) -> None:
        self.answer = answer or {}
        super().__init__(text)


class NotRunningError(ConsoleError):
    """Nobody listens where the running daemon would: there is none."""
