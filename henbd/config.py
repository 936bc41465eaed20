"""The configuration file: TOML in, `Settings` out, or every mistake in it at once."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from henbd import credentials
from henbd.config_draft import Draft
from henbd.control.refusal import literal, url_problem
from henbd.errors import ConfigurationError, Problem
from henbd.model import aliases
from henbd.model.table import device_table
from henbd.settings import (
    CommandSettings,
    ConnectionRequestSettings,
    DeviceSettings,
    FailurePath,
    HemsPath,
    HemsSettings,
    IpsecSettings,
    LocationSettings,
    LogSettings,
    S1Settings,
    Settings,
    StackAdapter,
    StackManager,
    TransferSettings,
)
from henbd.toml_lines import line_table
from henbd.values import Certificate, Credentials, PresharedKey

# Device.Services.FAPService.{i}.FAPControl.LTE.Gateway.SecGWServer1 to 3 (TR-196).
MOST_GATEWAYS = 3

# `tomllib` has in its text alone where it stopped.
POSITION = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")

# Its keys are paths of the vendor's, so it is no section of `config_keys`.
ALIASES = "alias"

# Stands in for one that is wrong itself.
ANY_OUI = "000000"

SECRETS = ("hems.password", "connection_request.password")

CA, PSK = "ipsec.ca_file", "ipsec.psk_file"


class Files(Protocol):
    """What is asked of the files that a configuration names (see henbd.credentials)."""

    def certificates(self, path: str) -> tuple[bytes, ...]:
        """Return the certificates in a file."""

    def check_closed(self, path: str) -> None:
        """See that no stranger can open a file."""

    def private_key(self, path: str) -> bytes:
        """Return the private key in a file."""

    def check_pair(self, certificate_file: str, key_file: str) -> None:
        """See that these belong together."""

    def preshared_key(self, path: str) -> bytes:
        """Return the secret in a file."""

    def check_readable(self, path: str) -> None:
        """See that there is such a file."""

    def check_boot_id(self, path: str) -> None:
        """See that a file says which boot this is."""

    def check_program(self, path: str) -> None:
        """See that there is such a program."""

    def check_group(self, name: str) -> None:
        """See that there is such a group of users."""


def load(path: str) -> Settings:
    """Return the settings in a configuration file; raises ConfigurationError with all mistakes."""
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            content = file.read()
    except OSError as error:
        raise ConfigurationError(path, (Problem(0, "", str(error.strerror)),)) from error
    return parse(path, content, mode, credentials)


def parse(path: str, content: bytes, mode: int, files: Files) -> Settings:
    """Return the settings in the content of a file; raises ConfigurationError with all mistakes."""
    try:
        text = content.decode("utf-8")
        document = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(path, (Problem(line, "TOML", "it is no UTF-8"),)) from error
    except (ValueError, RecursionError) as error:
        # Of `tomllib` itself, of a number that is too long for `int`, and of too many brackets.
        raise ConfigurationError(path, (_syntax_problem(str(error), text),)) from error
    found = settings(document, line_table(text), mode, files)
    if isinstance(found, Settings):
        return found
    raise ConfigurationError(path, found)


def _syntax_problem(message: str, text: str) -> Problem:
    position = POSITION.search(message)
    line = position["line"] if position else None
    last = max(1, len(text.splitlines()))
    return Problem(int(line) if line else last, "TOML", POSITION.sub("", message))


def settings(
    document: Mapping[str, Any], lines: Mapping[str, int], mode: int, files: Files
) -> Settings | tuple[Problem, ...]:
    """Return what a document says, or what is wrong with it in the order of its lines.

    `lines` tells where its keys are, `mode` is that of the file that it is from.
    """
    draft = Draft({name: part for name, part in document.items() if name != ALIASES}, lines)
    draft.use("device.boot_id_file", files.check_boot_id)
    for key in ("s1.group", "control.group"):
        draft.use(key, lambda name: files.check_group(name) if name else None)
    if draft.value("s1.socket") == draft.value("control.socket"):
        draft.wrong("control.socket", "is that of [s1], too")
    if draft.value("commands.reboot") == ():
        draft.wrong("commands.reboot", "is empty")
    _check_aliases(draft, document.get(ALIASES, {}))
    _check_secrets(draft, mode)
    _check_stack(draft, files)
    has_ipsec = "ipsec" in draft.values
    _check_way(draft, has_ipsec=has_ipsec)
    _check_hems_files(draft, files)
    ipsec = _ipsec(draft, files) if has_ipsec and draft.sound("ipsec") else None
    _check_url(draft, ipsec)
    if draft.problems:
        return tuple(sorted(draft.problems, key=lambda p: (p.line, p.key, p.text)))
    values = draft.values
    return Settings(
        device=DeviceSettings(**values["device"]),
        hems=HemsSettings(**values["hems"]),
        connection_request=ConnectionRequestSettings(**values["connection_request"]),
        ipsec=ipsec,
        s1=S1Settings(**values["s1"]),
        store_directory=values["store"]["directory"],
        control_socket=values["control"]["socket"],
        control_group=values["control"]["group"],
        log=LogSettings(**values["log"]),
        location=LocationSettings(**values["location"]),
        transfers=TransferSettings(**values["transfers"]),
        commands=CommandSettings(**values["commands"]),
        aliases=tuple(document.get(ALIASES, {}).items()),
    )


def _check_aliases(draft: Draft, section: object) -> None:
    """See that each other name is for a parameter, and is none itself."""
    if not isinstance(section, dict):
        draft.wrong(ALIASES, f"has to be one section: [{ALIASES}]")
        return
    table = device_table(draft.value("device.oui") or ANY_OUI)
    for name, target in section.items():
        if not isinstance(target, str):
            draft.wrong(f"{ALIASES}.{name}", "has to be a path, in quotes as its name")
        elif problem := aliases.problem(name, target, section.keys() - {name}, table):
            draft.wrong(f"{ALIASES}.{name}", problem)


def _check_secrets(draft: Draft, mode: int) -> None:
    """See that no stranger can read a password in this file."""
    for key in SECRETS:
        if draft.value(key) and mode & credentials.OTHERS:
            draft.wrong(key, f"the file is open to others (mode {mode:04o}): chmod 640")


def _check_stack(draft: Draft, files: Files) -> None:
    """See that there is what the adapter needs."""
    hooked = draft.value("s1.adapter") is StackAdapter.HOOK
    configured = draft.value("s1.adapter") in (StackAdapter.SRSENB, StackAdapter.AMARISOFT)
    child = configured and draft.value("s1.manager") is StackManager.CHILD
    if configured:
        draft.use("s1.file", files.check_readable)
    command = draft.value("s1.command") if hooked or child else None
    if command == ():
        why = 'adapter = "hook"' if hooked else 'manager = "child"'
        draft.wrong("s1.command", f"is missing: {why} runs it", at="s1.adapter")
    if command:
        draft.use("s1.command", lambda words: files.check_program(words[0]))


def _check_way(draft: Draft, *, has_ipsec: bool) -> None:
    """See that the tunnel is there if the HeMS is reached through it; it is, if there is one."""
    hems = draft.values["hems"]
    if not draft.given("hems.path"):
        hems["path"] = HemsPath.TUNNEL if has_ipsec else HemsPath.DIRECT
    if hems["path"] is HemsPath.TUNNEL and not has_ipsec:
        draft.wrong("hems.path", "there is no section [ipsec], hence no tunnel")


def _check_hems_files(draft: Draft, files: Files) -> None:
    draft.use("hems.ca_file", files.certificates)
    _pair(draft, files, "hems")


def _check_url(draft: Draft, ipsec: IpsecSettings | None) -> None:
    """See that the HeMS can be reached in the way that is configured."""
    if not draft.sound("hems.url"):
        return
    hems = HemsSettings(**draft.values["hems"])
    if not draft.sound("hems", "hems.path", "hems.address", "ipsec", "ipsec.networks"):
        # What is wrong there may be the very thing that would say how.
        hems = replace(hems, path=HemsPath.DIRECT)
    problem = url_problem(hems.url, hems, ipsec)
    if problem:
        draft.wrong("hems.url", problem)
    if hems.path_on_gateway_failure is FailurePath.DIRECT:
        _check_path_on_gateway_failure(draft, hems)


def _check_path_on_gateway_failure(draft: Draft, hems: HemsSettings) -> None:
    key = "hems.path_on_gateway_failure"
    if hems.path is HemsPath.DIRECT:
        draft.wrong(key, "is about a tunnel, which is not used: path is direct")
    elif not hems.url.startswith("https:"):
        draft.wrong(key, "needs a HeMS with https: the way outside is open to anybody")


def _ipsec(draft: Draft, files: Files) -> IpsecSettings:
    """Return the tunnel; as far as it was understood, if something is wrong with it."""
    _check_gateways(draft)
    for key in ("ipsec.proposals", "ipsec.esp_proposals", "ipsec.addresses"):
        if draft.value(key) == ():
            draft.wrong(key, "is empty")
    if draft.value("ipsec.if_id") and not draft.value("ipsec.interface"):
        draft.wrong("ipsec.if_id", "goes with interface, which is missing")
    values = dict(draft.values["ipsec"])
    proof: Any = _credentials(draft, files)
    if not draft.given("ipsec.local_id"):
        values["local_id"] = _local_id(draft, proof)
    names = ("certificate_file", "key_file", "ca_file", "psk_file")
    files_named = tuple(filter(None, [values.pop(name) for name in names]))
    families = values.pop("addresses")
    return IpsecSettings(
        **values, credentials=proof, credential_files=files_named, families=families
    )


def _check_gateways(draft: Draft) -> None:
    gateways = draft.value("ipsec.gateways")
    if gateways is None:
        return
    if not gateways and draft.value("hems.path") is HemsPath.TUNNEL:
        draft.wrong("ipsec.gateways", 'may be empty only with [hems] path = "direct"')
    if len(gateways) > MOST_GATEWAYS:
        draft.wrong("ipsec.gateways", f"there is room for {MOST_GATEWAYS} (SecGWServer1 to 3)")
    for number, gateway in enumerate(gateways):
        address = literal(gateway) if gateway else None
        for network in draft.value("ipsec.networks") or ():
            if address and network and network.prefixlen and address in network:
                text = f"{gateway} lies in networks, in {network}: behind itself"
                draft.wrong("ipsec.gateways", text, at=f"ipsec.gateways[{number}]")


def _credentials(draft: Draft, files: Files) -> Credentials | None:
    """Return how the box proves who it is: by certificate, or by a shared secret."""
    if not draft.given(CA) and not draft.given(PSK):
        draft.wrong(CA, "is missing, with certificate_file and key_file; or else psk_file")
        return None
    if draft.given(CA) and draft.given(PSK):
        draft.wrong(PSK, "goes without ca_file: either certificates or a shared secret")
        return None
    if draft.given(PSK):
        for name in ("ipsec.certificate_file", "ipsec.key_file"):
            if draft.given(name):
                draft.wrong(name, "goes with ca_file, not with psk_file")
        draft.use(PSK, files.check_closed)
        secret = draft.use(PSK, files.preshared_key)
        return None if secret is None else PresharedKey(secret)
    authorities = draft.use(CA, files.certificates)
    if not draft.given("ipsec.certificate_file") and not draft.given("ipsec.key_file"):
        draft.wrong(CA, "goes with certificate_file and key_file, which are missing")
    pair = _pair(draft, files, "ipsec")
    if authorities is None or pair is None:
        return None
    (certificate, *intermediates), key = pair
    return Certificate(
        certificate,
        key,
        credentials.key_id(certificate),
        authorities,
        tuple(intermediates),
    )


def _pair(draft: Draft, files: Files, section: str) -> tuple[tuple[bytes, ...], bytes] | None:
    """Return certificates and private key of a section, None where it has none of use."""
    certificate_file, key_file = f"{section}.certificate_file", f"{section}.key_file"
    for one, other in ((certificate_file, "key_file"), (key_file, "certificate_file")):
        if draft.given(one) and not draft.given(f"{section}.{other}"):
            draft.wrong(one, f"goes with {other}, which is missing")
    certificates = draft.use(certificate_file, files.certificates)
    draft.use(key_file, files.check_closed)
    key = draft.use(key_file, files.private_key)
    if certificates is None or key is None:
        return None
    path = draft.value(certificate_file)
    draft.use(key_file, lambda found: files.check_pair(path, found))
    return (certificates, key) if draft.sound(key_file) else None


def _local_id(draft: Draft, proof: Credentials | None) -> str | None:
    """Return the identity that the certificate bears."""
    if isinstance(proof, PresharedKey):
        draft.wrong("ipsec.local_id", "is missing: a shared secret does not name us")
    if not isinstance(proof, Certificate):
        return None
    name = credentials.subject_name(proof.certificate)
    if name is None:
        draft.wrong("ipsec.local_id", "is missing, and the certificate has no subjectAltName")
    return name
