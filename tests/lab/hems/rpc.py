"""The requests that the HeMS can make of a CPE: a dataclass each, and its arguments as XML.

A new method is a new class here with `arguments`; its response goes into vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, Protocol
from xml.sax.saxutils import escape, quoteattr


class Rpc(Protocol):
    """A request of the CPE."""

    METHOD: ClassVar[str]

    def arguments(self) -> str:
        """Return the arguments as XML text."""
        ...


def _element(name: str, value: object) -> str:
    text = ("1" if value else "0") if isinstance(value, bool) else escape(str(value))
    return f"<{name}>{text}</{name}>"


def _array(name: str, kind: str, items: Iterable[str]) -> str:
    content = list(items)
    return f'<{name} soapenc:arrayType="{kind}[{len(content)}]">{"".join(content)}</{name}>'


def _strings(name: str, values: Sequence[str]) -> str:
    return _array(name, "xsd:string", (_element("string", value) for value in values))


@dataclass(frozen=True, slots=True)
class Methods:
    """GetRPCMethods."""

    METHOD: ClassVar[str] = "GetRPCMethods"

    def arguments(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Set:
    """SetParameterValues: path -> (value, type), the type as in `xsd:boolean`."""

    METHOD: ClassVar[str] = "SetParameterValues"
    values: Mapping[str, tuple[str, str]]
    parameter_key: str = ""

    def arguments(self) -> str:
        structs = (
            f"<ParameterValueStruct>{_element('Name', name)}"
            f"<Value xsi:type={quoteattr(kind)}>{escape(value)}</Value></ParameterValueStruct>"
            for name, (value, kind) in self.values.items()
        )
        values = _array("ParameterList", "cwmp:ParameterValueStruct", structs)
        return values + _element("ParameterKey", self.parameter_key)


@dataclass(frozen=True, slots=True)
class Get:
    """GetParameterValues of names and partial paths."""

    METHOD: ClassVar[str] = "GetParameterValues"
    names: Sequence[str]

    def arguments(self) -> str:
        return _strings("ParameterNames", self.names)


@dataclass(frozen=True, slots=True)
class Names:
    """GetParameterNames."""

    METHOD: ClassVar[str] = "GetParameterNames"
    path: str
    next_level: bool = False

    def arguments(self) -> str:
        return _element("ParameterPath", self.path) + _element("NextLevel", self.next_level)


@dataclass(frozen=True, slots=True)
class SetAttributes:
    """SetParameterAttributes: path -> Notification, path -> AccessList, or both."""

    METHOD: ClassVar[str] = "SetParameterAttributes"
    notification: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    access_list: Mapping[str, Sequence[str]] = field(default_factory=lambda: MappingProxyType({}))

    def arguments(self) -> str:
        names = dict.fromkeys([*self.notification, *self.access_list])
        return _array(
            "ParameterList", "cwmp:SetParameterAttributesStruct", (self._struct(n) for n in names)
        )

    def _struct(self, name: str) -> str:
        return (
            "<SetParameterAttributesStruct>"
            + _element("Name", name)
            + _element("NotificationChange", name in self.notification)
            + _element("Notification", self.notification.get(name, 0))
            + _element("AccessListChange", name in self.access_list)
            + _strings("AccessList", self.access_list.get(name, ()))
            + "</SetParameterAttributesStruct>"
        )


@dataclass(frozen=True, slots=True)
class GetAttributes:
    """GetParameterAttributes of names and partial paths."""

    METHOD: ClassVar[str] = "GetParameterAttributes"
    names: Sequence[str]

    def arguments(self) -> str:
        return _strings("ParameterNames", self.names)


@dataclass(frozen=True, slots=True)
class Add:
    """AddObject; the name ends with a dot."""

    METHOD: ClassVar[str] = "AddObject"
    object_name: str
    parameter_key: str = ""

    def arguments(self) -> str:
        key = _element("ParameterKey", self.parameter_key)
        return _element("ObjectName", self.object_name) + key


@dataclass(frozen=True, slots=True)
class Delete:
    """DeleteObject; the name ends with the instance number and a dot."""

    METHOD: ClassVar[str] = "DeleteObject"
    object_name: str
    parameter_key: str = ""

    def arguments(self) -> str:
        key = _element("ParameterKey", self.parameter_key)
        return _element("ObjectName", self.object_name) + key


@dataclass(frozen=True, slots=True)
class Reboot:
    """Reboot."""

    METHOD: ClassVar[str] = "Reboot"
    command_key: str = ""

    def arguments(self) -> str:
        return _element("CommandKey", self.command_key)


@dataclass(frozen=True, slots=True)
class FactoryReset:
    """FactoryReset."""

    METHOD: ClassVar[str] = "FactoryReset"

    def arguments(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class ScheduleInform:
    """ScheduleInform."""

    METHOD: ClassVar[str] = "ScheduleInform"
    delay_s: int
    command_key: str = ""

    def arguments(self) -> str:
        return _element("DelaySeconds", self.delay_s) + _element("CommandKey", self.command_key)


@dataclass(frozen=True, slots=True)
class Download:
    """Download."""

    METHOD: ClassVar[str] = "Download"
    file_type: str
    url: str
    command_key: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    file_size: int = 0
    target_file_name: str = ""
    delay_s: int = 0
    success_url: str = ""
    failure_url: str = ""

    def arguments(self) -> str:
        pairs = (
            ("CommandKey", self.command_key),
            ("FileType", self.file_type),
            ("URL", self.url),
            ("Username", self.username),
            ("Password", self.password),
            ("FileSize", self.file_size),
            ("TargetFileName", self.target_file_name),
            ("DelaySeconds", self.delay_s),
            ("SuccessURL", self.success_url),
            ("FailureURL", self.failure_url),
        )
        return "".join(_element(name, value) for name, value in pairs)


@dataclass(frozen=True, slots=True)
class Upload:
    """Upload."""

    METHOD: ClassVar[str] = "Upload"
    file_type: str
    url: str
    command_key: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    delay_s: int = 0

    def arguments(self) -> str:
        pairs = (
            ("CommandKey", self.command_key),
            ("FileType", self.file_type),
            ("URL", self.url),
            ("Username", self.username),
            ("Password", self.password),
            ("DelaySeconds", self.delay_s),
        )
        return "".join(_element(name, value) for name, value in pairs)
