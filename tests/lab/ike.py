"""What the lab asks of a charon over VICI, and what it reads back.

Every request goes out on a connection of its own, which costs a fifth of a millisecond: so it may
come from any thread, a charon that was restarted is no special case, and a late answer cannot be
taken for the answer to the next question.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import vici
from vici.exception import CommandException
from vici.protocol import Message as Codec
from vici.protocol import Packet, Transport

from tests.lab.events import PATIENCE
from tests.lab.namespaces import Address

Message = Mapping[str, Any]


class Refused(Exception):
    """Charon answered that it could not do what it was asked for."""


@dataclass(frozen=True, slots=True)
class ChildSa:
    """A CHILD_SA; the selectors are charon's text, for example `10.30.0.2/32`."""

    name: str
    unique_id: str
    state: str
    local_selectors: tuple[str, ...]
    remote_selectors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IkeSa:
    """An IKE_SA; `local_inner` are addresses it was granted, `remote_inner` those it granted."""

    name: str
    unique_id: str
    state: str
    remote_id: str
    remote_host: str
    local_inner: tuple[Address, ...]
    remote_inner: tuple[Address, ...]
    children: tuple[ChildSa, ...]


class Vici:
    """The requests to one charon, by the path of its socket."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def request(
        self, command: str, message: Message | None = None, *, timeout_s: float = 10
    ) -> dict[str, Any]:
        """Have one command carried out; raise Refused, or OSError where no charon answers."""
        with _connected(self.path, timeout_s) as stream:
            try:
                return dict(vici.Session(stream).request(command, message or {}))
            except CommandException as error:
                raise Refused(f"{command}: {error}") from error

    def version(self) -> str:
        """Return charon's version; it answers this as soon as it answers anything."""
        return _text(self.request("version")["version"])

    def sas(self) -> list[IkeSa]:
        """Return all IKE_SAs, with their children."""
        try:
            answers = self._listed(timeout_s=2)
        except TimeoutError:
            # Now and then charon (5.9.8) does not see what comes on a connection before there is
            # something else to see.
            answers = self._listed(timeout_s=10)
        return [sa for answer in answers for sa in ike_sas(answer)]

    def _listed(self, timeout_s: float) -> list[Message]:
        with _connected(self.path, timeout_s) as stream:
            return list(vici.Session(stream).streamed_request("list-sas", "list-sa", {}))

    def certificates(self) -> list[bytes]:
        """Return all certificates that it has loaded or has been shown, in DER."""
        with _connected(self.path, timeout_s=10) as stream:
            listed = vici.Session(stream).streamed_request("list-certs", "list-cert", {})
            return [bytes(answer["data"]) for answer in listed]

    def load_connection(self, name: str, connection: Message) -> None:
        """Load a connection, or another version of it."""
        self.request("load-conn", {name: connection})

    def load_pool(self, name: str, addresses: str) -> None:
        """Load a pool of inner addresses under a name that no other has."""
        self.request("load-pool", {name: {"addrs": addresses}})

    def load_authority(self, certificate: bytes) -> None:
        """Trust a CA."""
        self.request("load-cert", {"type": "X509", "flag": "CA", "data": certificate})

    def load_key(self, key: bytes) -> str:
        """Load a private key and return charon's identifier of it."""
        return _text(self.request("load-key", {"type": "any", "data": key})["id"])

    def load_secret(self, identifier: str, secret: str, owners: list[str]) -> None:
        """Load a pre-shared key for these identities."""
        secret_message = {"id": identifier, "type": "IKE", "data": secret, "owners": owners}
        self.request("load-shared", secret_message)

    def initiate(self, child: str, *, ike: str | None = None, timeout_s: float = 10) -> None:
        """Bring a child up, and its IKE_SA if need be; raise Refused when it did not come up."""
        which = {"child": child} | ({"ike": ike} if ike else {})
        self._patiently("initiate", which, timeout_s)

    def terminate(self, *, force: bool = False, timeout_s: float = 10, **which: str) -> None:
        """End the SAs given as ike=, child=, ike_id= or child_id=; raise Refused if there are none.

        `force` does not wait for the peer's answer.
        """
        selectors = {key.replace("_", "-"): value for key, value in which.items()}
        if force:
            # With a time limit, charon would wait so long before it uses force.
            self.request("terminate", selectors | {"force": "yes"})
        else:
            self._patiently("terminate", selectors, timeout_s)

    def rekey(self, **which: str) -> None:
        """Have the SAs given as ike=, child=, ike_id= or child_id= rekeyed, in the background."""
        self.request("rekey", {key.replace("_", "-"): value for key, value in which.items()})

    def reauthenticate(self, ike: str) -> None:
        """Have an IKE_SA made anew from the beginning, in the background."""
        self.request("rekey", {"ike": ike, "reauth": "yes"})

    def _patiently(self, command: str, message: dict[str, str], timeout_s: float) -> None:
        # Charon is to give up before we do, so that its answer is heard.
        own_limit = {"timeout": str(int(timeout_s * PATIENCE * 1000))}
        self.request(command, message | own_limit, timeout_s=timeout_s + 5)


class Events:
    """A VICI connection that only listens, from its construction on."""

    def __init__(self, path: Path, *kinds: str) -> None:
        self._stream = _connected(path, timeout_s=10)
        self._transport = Transport(self._stream)
        for kind in kinds:
            self._transport.send(Packet.register_event(kind))
            answer = Packet.parse(self._transport.receive())
            # An event of a kind already registered may come before the confirmation of the next.
            while answer.response_type == Packet.EVENT:
                answer = Packet.parse(self._transport.receive())
            assert answer.response_type == Packet.EVENT_CONFIRM, f"no VICI event {kind}"
        self._stream.settimeout(None)

    def __iter__(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each event's kind and content until charon ends the connection, or `stop` does."""
        while True:
            try:
                packet = Packet.parse(self._transport.receive())
            except OSError:
                return
            yield packet.event_type.decode(), dict(Codec.deserialize(packet.payload))

    def stop(self) -> None:
        """Let the iteration end, in whatever thread it is; it still yields what has arrived."""
        with contextlib.suppress(OSError):  # charon was faster
            self._stream.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Free the socket, when nobody iterates any more."""
        self._stream.close()


def ike_sas(message: Message) -> list[IkeSa]:
    """Return the IKE_SAs in an answer or event: its sections, each named by its connection."""
    return [
        IkeSa(
            name=name,
            unique_id=_text(section["uniqueid"]),
            state=_text(section.get("state", b"")),
            remote_id=_text(section.get("remote-id", b"")),
            remote_host=_text(section.get("remote-host", b"")),
            local_inner=_addresses(section.get("local-vips", ())),
            remote_inner=_addresses(section.get("remote-vips", ())),
            children=tuple(_child(child) for child in section.get("child-sas", {}).values()),
        )
        for name, section in message.items()
        if isinstance(section, dict)
    ]


def _connected(path: Path, timeout_s: float) -> socket.socket:
    """Return a socket connected to a charon; each call may take so long (times PATIENCE)."""
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        stream.settimeout(timeout_s * PATIENCE)
        stream.connect(str(path))
    except OSError:
        stream.close()
        raise
    return stream


def _child(section: Message) -> ChildSa:
    return ChildSa(
        name=_text(section["name"]),
        unique_id=_text(section["uniqueid"]),
        state=_text(section["state"]),
        local_selectors=tuple(map(_text, section.get("local-ts", ()))),
        remote_selectors=tuple(map(_text, section.get("remote-ts", ()))),
    )


def _addresses(values: list[bytes]) -> tuple[Address, ...]:
    # The same address may be listed twice.
    return tuple(dict.fromkeys(ip_address(_text(value)) for value in values))


def _text(value: bytes) -> str:
    return value.decode()
