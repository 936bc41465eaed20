"""One eNB at an MME, without sockets: messages in, what to do about them out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import assert_never

from tests.lab import s1ap
from tests.lab.events import Log
from tests.lab.mme.behaviour import (
    Abort,
    Accept,
    Behaviour,
    Garbage,
    Refuse,
    Silence,
    next_of,
)
from tests.lab.sctp import Address, Association, Message


@dataclass(frozen=True, slots=True)
class Registration:
    """An HeNB whose S1 is up."""

    address: Address
    port: int
    plmn: str
    enb_id: int
    request: s1ap.S1SetupRequest


@dataclass(frozen=True, slots=True)
class Send:
    """Send these bytes."""

    data: bytes


@dataclass(frozen=True, slots=True)
class HangUp:
    """Abort the association."""


Action = Send | HangUp


@dataclass(slots=True)
class Policy:
    """What all sessions of an MME share. The lists may be changed at any time."""

    setup: list[Behaviour]
    update: list[Behaviour]
    violations: list[str] = field(default_factory=list)
    # Until when an eNB has to wait (TimeToWait), by its identity.
    waiting: dict[s1ap.GlobalEnbId, float] = field(default_factory=dict)


_SYNTAX_ERROR = s1ap.Cause("protocol", "transfer-syntax-error")


class Session:
    """The conversation with one eNB over one association.

    `registered` is called when S1 is up, before anybody is told.
    """

    def __init__(
        self,
        log: Log,
        mme: str,
        policy: Policy,
        association: Association,
        registered: Callable[[Session], None],
    ) -> None:
        self.registration: Registration | None = None
        self._registered = registered
        self._log = log
        self._mme = mme
        self._policy = policy
        self._address = association.peer
        self._port = association.peer_port
        self._greeted = False

    def receive(self, message: Message, now: float) -> list[Action]:
        """Take in a message; return what is to be done about it, in order."""
        if message.ppid != s1ap.PPID:
            self._violation(f"payload protocol identifier {message.ppid}, not {s1ap.PPID}")
        if message.stream != 0:
            # TS 36.412 7 reserves one pair of streams to the procedures that concern no UE; 0 is
            # what everybody takes.
            self._violation(f"not stream 0 but {message.stream}")
        try:
            pdu = s1ap.decode(message.data)
        except s1ap.S1apError as error:
            self._violation(f"no S1AP ({error}): {message.data.hex()}")
            return [_send(s1ap.ErrorIndication(cause=_SYNTAX_ERROR))]
        if not self._greeted and not isinstance(pdu, s1ap.S1SetupRequest):
            # TS 36.413 8.7.3.1: the first procedure on a new association.
            self._violation(f"{type(pdu).__name__} before S1 SETUP REQUEST")
        self._greeted = True
        return self._answer(pdu, now)

    def _answer(self, pdu: s1ap.Message, now: float) -> list[Action]:
        match pdu:
            case s1ap.S1SetupRequest():
                return self._on_setup(pdu, now)
            case s1ap.EnbConfigurationUpdate():
                return self._on_update(pdu)
            case s1ap.Reset():
                self._heard("Reset", f"RESET {pdu.cause}", cause=str(pdu.cause))
                self._said("ResetAcknowledge", "RESET ACKNOWLEDGE")
                return [_send(s1ap.ResetAcknowledge(pdu.connections))]
            case s1ap.ResetAcknowledge():
                self._heard("ResetAcknowledge", "RESET ACKNOWLEDGE")
            case s1ap.ErrorIndication():
                self._heard("ErrorIndication", f"ERROR INDICATION {pdu.cause}", cause=pdu.cause)
            case s1ap.Other():
                self._heard("S1AP", f"S1AP procedure {pdu.procedure}", procedure=pdu.procedure)
            case _:
                self._violation(f"{type(pdu).__name__} is the MME's to send")
        return []

    def _on_setup(self, request: s1ap.S1SetupRequest, now: float) -> list[Action]:
        identity = request.global_enb_id
        tas = request.supported_tas
        self._heard(
            "S1SetupRequest",
            f"S1 SETUP REQUEST {_identity(identity)}, PLMN {identity.plmn}, {_areas(tas)}",
            enb_id=identity.identity,
            home=identity.kind is s1ap.EnbKind.HOME,
            plmn=identity.plmn,
            tac=tas[0].tac,
            plmns=tas[0].plmns,
            csg=request.csg_ids,
            name=request.enb_name,
            request=request,
        )
        wait_until = self._policy.waiting.pop(identity, now)
        if wait_until > now:
            self._violation(f"S1 SETUP REQUEST {wait_until - now:.3f} s before TimeToWait is over")
        behaviour = next_of(self._policy.setup)
        match behaviour:
            case Accept():
                return [self._accept(request, behaviour)]
            case Refuse(cause, wait_s):
                self.registration = None
                if wait_s is not None:
                    self._policy.waiting[identity] = now + wait_s
                self._said_failure("S1SetupFailure", "S1 SETUP FAILURE", behaviour)
                return [_send(s1ap.S1SetupFailure(cause, wait_s))]
            case _:
                return _misbehave(behaviour)

    def _accept(self, request: s1ap.S1SetupRequest, behaviour: Accept) -> Action:
        identity = request.global_enb_id
        self.registration = Registration(
            self._address, self._port, identity.plmn, identity.identity, request
        )
        self._registered(self)
        gummei = s1ap.ServedGummei(behaviour.plmns, (behaviour.group_id,), (behaviour.code,))
        name = behaviour.mme_name
        self._said(
            "S1SetupResponse",
            f"S1 SETUP RESPONSE {name or 'MME without name'}, PLMN {' '.join(behaviour.plmns)}",
            mme_name=name,
        )
        return _send(s1ap.S1SetupResponse((gummei,), behaviour.capacity, name))

    def _on_update(self, update: s1ap.EnbConfigurationUpdate) -> list[Action]:
        if self.registration is None:
            self._violation("ENB CONFIGURATION UPDATE without S1 Setup")
        areas = f" {_areas(update.supported_tas)}" if update.supported_tas else ""
        self._heard(
            "ENBConfigurationUpdate",
            f"ENB CONFIGURATION UPDATE{areas}",
            name=update.enb_name,
            tac=update.supported_tas[0].tac if update.supported_tas else None,
            plmns=update.supported_tas[0].plmns if update.supported_tas else None,
            csg=update.csg_ids,
            update=update,
        )
        behaviour = next_of(self._policy.update)
        match behaviour:
            case Accept():
                kind = "ENBConfigurationUpdateAcknowledge"
                self._said(kind, "ENB CONFIGURATION UPDATE ACKNOWLEDGE")
                return [_send(s1ap.EnbConfigurationUpdateAcknowledge())]
            case Refuse(cause, wait_s):
                kind = "ENBConfigurationUpdateFailure"
                self._said_failure(kind, "ENB CONFIGURATION UPDATE FAILURE", behaviour)
                return [_send(s1ap.EnbConfigurationUpdateFailure(cause, wait_s))]
            case _:
                return _misbehave(behaviour)

    def _heard(self, kind: str, text: str, **facts: object) -> None:
        text = f"{text} from {self._address}"
        self._log.add("HeNB", self._mme, kind, text, peer=self._address, port=self._port, **facts)

    def _said(self, kind: str, text: str, **facts: object) -> None:
        self._log.add(self._mme, "HeNB", kind, text, peer=self._address, port=self._port, **facts)

    def _said_failure(self, kind: str, text: str, refusal: Refuse) -> None:
        wait_s = refusal.time_to_wait_s
        wait = "" if wait_s is None else f", TimeToWait {wait_s} s"
        cause = str(refusal.cause)
        self._said(kind, f"{text} {cause}{wait}", cause=cause, time_to_wait=wait_s)

    def _violation(self, text: str) -> None:
        self._policy.violations.append(f"{self._address}: {text}")


def _send(message: s1ap.Message) -> Send:
    return Send(s1ap.encode(message))


def _misbehave(behaviour: Silence | Abort | Garbage) -> list[Action]:
    match behaviour:
        case Silence():
            return []
        case Abort():
            return [HangUp()]
        case Garbage(answer):
            return [Send(answer)]
        case _:
            assert_never(behaviour)


def _identity(identity: s1ap.GlobalEnbId) -> str:
    kind = "home" if identity.kind is s1ap.EnbKind.HOME else "macro"
    return f"{kind} eNB id 0x{identity.identity:0{identity.kind.value // 4}x}"


def _areas(tas: tuple[s1ap.SupportedTa, ...]) -> str:
    return ", ".join(f"TAC {ta.tac}" for ta in tas)
