"""What people read of a CWMP session: one line a message, the values that matter, no secrets."""

from __future__ import annotations

from collections.abc import Mapping

from tests.lab.hems import messages, rpc
from tests.lab.hems.messages import Fault, Inform, Message
from tests.lab.hems.script import (
    Answer,
    Empty,
    Garbage,
    Raw,
    Redirect,
    SoapFault,
    Stale,
    Status,
)

# More values than that would hide the message.
_SHOWN = 6


def inform(message: Inform, address: str, news: Mapping[str, str]) -> str:
    """Tell of an Inform; `news` are the values worth showing."""
    events = ", ".join(f"{code} ({key})" if key else code for code, key in message.events)
    retry = f"  retry {message.retry_count}" if message.retry_count else ""
    line = f"Inform  {events}  DeviceId {message.device_id}  from {address}{retry}"
    return f"{line}  {values(news)}" if news else line


def values(pairs: Mapping[str, str]) -> str:
    """Tell some values by name; those of secrets are not told."""
    shown = [f"{name}={_shown(name, value)}" for name, value in list(pairs.items())[:_SHOWN]]
    more = [f"and {len(pairs) - _SHOWN} more"] if len(pairs) > _SHOWN else []
    return ", ".join(shown + more)


def _shown(name: str, value: str) -> str:
    secret = name.endswith(("Password", "Key", "Secret")) and not name.endswith("ParameterKey")
    return "***" if secret and value else value


def request(message: rpc.Rpc) -> str:
    """Tell of a request of the HeMS."""
    match message:
        case rpc.Set(pairs, key):
            told = values({name: value for name, (value, _) in pairs.items()})
            return f"SetParameterValues  {told}" + (f"  ParameterKey {key}" if key else "")
        case rpc.Get(names) | rpc.GetAttributes(names):
            return f"{message.METHOD}  {', '.join(names[:_SHOWN])}"
        case rpc.Names(path, next_level):
            return f"GetParameterNames  {path or '(all)'}{'  NextLevel' if next_level else ''}"
        case rpc.SetAttributes(notification):
            told = values({name: str(value) for name, value in notification.items()})
            return f"SetParameterAttributes  {told}"
        case rpc.Add(name) | rpc.Delete(name):
            return f"{message.METHOD}  {name}"
        case rpc.Download(file_type, url) | rpc.Upload(file_type, url):
            return f"{message.METHOD}  {file_type}  {url}"
        case _:
            key = getattr(message, "command_key", "")
            return f"{message.METHOD}  CommandKey {key}" if key else message.METHOD


def instead(answer: Answer) -> str:
    """Tell of an answer in place of the right one."""
    match answer:
        case Status(code):
            return f"HTTP {code}"
        case Redirect(location, code):
            return f"HTTP {code}  Location {location}"
        case Empty(code):
            return f"HTTP {code}  (empty)"
        case SoapFault(code, text):
            return f"FAULT {code} {text}"
        case Stale():
            return "HTTP 401  stale nonce"
        case Garbage(body) | Raw(body):
            return f"{len(body)} bytes as they are"


def answer(method: str, message: Message) -> str:
    """Tell of the CPE's answer to a request of that method."""
    name = f"{method}Response"
    match message:
        case Fault():
            culprits = ", ".join(f"{p.name} {p.code} {p.text}" for p in message.parameters)
            return f"{name}  FAULT {message.code} {message.text}" + (
                f"  ({culprits})" if culprits else ""
            )
        case messages.GetParameterValuesResponse():
            return f"{name}  {values(message.values)}"
        case messages.GetParameterNamesResponse(items):
            return f"{name}  {len(items)} names"
        case messages.GetParameterAttributesResponse(items):
            return f"{name}  {values({item.name: str(item.notification) for item in items})}"
        case messages.GetRPCMethodsResponse(methods):
            return f"{name}  {', '.join(methods)}"
        case messages.AddObjectResponse(instance, status):
            return f"{name}  InstanceNumber {instance}  Status {status}"
        case (
            messages.SetParameterValuesResponse(status)
            | messages.DeleteObjectResponse(status)
            | messages.DownloadResponse(status)
            | messages.UploadResponse(status)
        ):
            return f"{name}  Status {status}"
        case _:
            return name
