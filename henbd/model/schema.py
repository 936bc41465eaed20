"""What a row of the data model is: a parameter, or an object (TR-106).

A path is generic here: `{i}` stands for an instance number. Objects end in a dot.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Access(Enum):
    """What the HeMS may do with a parameter, or with the rows of a table."""

    READ_ONLY = "R"
    READ_WRITE = "W"


class Role(Enum):
    """What the agent does with a parameter."""

    STORED = "stored"
    """Set by the HeMS, kept on flash, acted on or handed to the stack."""
    REPORTED = "reported"
    """Read from the world, kept in memory."""
    DERIVED = "derived"
    """Computed from the tree itself: the NumberOfEntries."""
    CONSTANT = "constant"
    """Fixed for the life of the process by the configuration or by the program."""


class Notify(Enum):
    """The row's rule about notification (TR-106 activeNotify)."""

    NORMAL = ""
    DENIABLE = "deny"
    """canDeny: Active may be refused (9009)."""
    DEFAULT_ACTIVE = "active"
    """forceDefaultEnabled, and our own choice: Active until the HeMS changes it."""
    ALWAYS_ACTIVE = "always"
    """forceEnabled: Active, whatever the HeMS says."""

    @property
    def default(self) -> int:
        """The attribute as it leaves the factory: 2 active, 0 off."""
        return 2 if self in (Notify.DEFAULT_ACTIVE, Notify.ALWAYS_ACTIVE) else 0


class Base(Enum):
    """The types of TR-106 that the table uses, by their name on the wire (xsi:type xsd:…)."""

    BOOLEAN = "boolean"
    INT = "int"
    UNSIGNED_INT = "unsignedInt"
    LONG = "long"
    UNSIGNED_LONG = "unsignedLong"
    STRING = "string"
    DATE_TIME = "dateTime"
    BASE64 = "base64Binary"
    HEX_BINARY = "hexBinary"


@dataclass(frozen=True, slots=True)
class Type:
    """The type of a parameter's value.

    `size` bounds characters (octets for hexBinary and base64) of a value or of one list item,
    `minimum`/`maximum` a number, `patterns` are regular expressions of which one must match all of
    the text. `is_list`: a comma-separated list (TR-106 3.2.3) of `least_items` at least, and
    `list_size` characters at most in all. A reference names a row of `targets`, which are generic
    paths; a `strong` one becomes empty when the row goes (TR-106 3.2.4).
    """

    base: Base
    size: tuple[int, int] | None = None
    minimum: int | None = None
    maximum: int | None = None
    enumeration: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    is_list: bool = False
    list_size: int | None = None
    least_items: int = 0
    targets: tuple[str, ...] = ()
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter. `default` is its factory value; `forced`: in every Inform (forcedInform)."""

    path: str
    type: Type
    access: Access
    role: Role
    default: str
    notify: Notify = Notify.NORMAL
    forced: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Object:
    """An object, or a table where the path ends in `{i}.`.

    `access` READ_WRITE: rows are added and deleted by the HeMS. `counter` names the parameter
    beside the table that counts its rows.
    """

    path: str
    access: Access
    minimum: int = 0
    maximum: int | None = None
    counter: str = ""
    unique: tuple[str, ...] = ()

    @property
    def is_table(self) -> bool:
        """Whether the object has rows."""
        return self.path.endswith("{i}.")
