"""What a row of the data model is: a parameter, or an object (TR-106).

A path is generic here: `{i}` stands for an instance number. Objects end in a dot.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Access(Enum):
    """What the HeMS may do with a parameter, or with the rows of a table."""

    READ_ONLY = "R"
    READ_WRITE = "W"
    WRITE_ONCE = "O"
    """A parameter that the HeMS sets once, and then no more (TR-106 writeOnceReadOnly)."""


class Role(Enum):
    """What the agent does with a parameter.

    One that is writable by the standard and neither stored nor a command takes no other value.
    """

    STORED = "stored"
    """Set by the HeMS, kept on flash, acted on or handed to the stack."""
    REPORTED = "reported"
    """Read from the world, kept in memory."""
    DERIVED = "derived"
    """Computed from the tree itself: the NumberOfEntries."""
    COMMAND = "command"
    """Done once when it is set to true, never kept: it reads as false (TR-106 command)."""
    CONSTANT = "constant"
    """Fixed for the life of the process by the configuration or by the program."""


class Notify(Enum):
    """The row's rule about notification (TR-106 activeNotify)."""

    NORMAL = ""
    DENIABLE = "deny"
    """canDeny: Active may be refused (9009)."""
    DEFAULT_PASSIVE = "passive"
    """Our own choice: Passive until the HeMS changes it."""
    DEFAULT_ACTIVE = "active"
    """forceDefaultEnabled, and our own choice: Active until the HeMS changes it."""
    ALWAYS_ACTIVE = "always"
    """forceEnabled: Active, whatever the HeMS says."""

    @property
    def default(self) -> int:
        """The attribute as it leaves the factory: 0 off, 1 passive, 2 active."""
        if self in (Notify.DEFAULT_ACTIVE, Notify.ALWAYS_ACTIVE):
            return 2
        return 1 if self is Notify.DEFAULT_PASSIVE else 0


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


class Reference(Enum):
    """What becomes of a reference when the row that it names goes (TR-106 refType)."""

    STRONG = "strong"
    WEAK = "weak"


Range = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Type:
    """The type of a parameter's value.

    `size` bounds characters (octets for hexBinary and base64) of a value or of one list item, a
    number lies in one of the `ranges`, `patterns` are regular expressions of which one must match
    all of the text. `is_list`: a comma-separated list (TR-106 3.2.3) of `items` entries, and of
    `list_size` characters at most in all. `among`: each entry is one of the list that this other
    parameter has (TR-106 enumerationRef).

    A reference names a row of one of `targets`, which are generic paths (any row where there are
    none); a strong one becomes empty when the row goes (TR-106 3.2.4).
    """

    base: Base
    size: tuple[int, int] | None = None
    ranges: tuple[Range, ...] = ()
    enumeration: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    is_list: bool = False
    list_size: int | None = None
    items: tuple[int, int | None] = (0, None)
    among: str = ""
    reference: Reference | None = None
    targets: tuple[str, ...] = ()
    wire: str = field(init=False, repr=False, compare=False)
    """The type on the wire, as in xsi:type xsd:…; a list is a string (TR-106 3.2.3)."""

    def __post_init__(self) -> None:
        """Work out what is asked for a thousand times in one answer."""
        base = Base.STRING if self.is_list else self.base
        object.__setattr__(self, "wire", base.value)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter. `forced`: in every Inform (forcedInform); `unit` is the standard's word.

    `default` is its factory value; where nobody gave one (`specified`), a value that is legal.
    """

    path: str
    type: Type
    access: Access
    role: Role
    default: str
    specified: bool = False
    notify: Notify = Notify.NORMAL
    forced: bool = False
    hidden: bool = False
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Object:
    """An object, or a table where the path ends in `{i}.`.

    `access` READ_WRITE: rows are added and deleted by the HeMS; `ours`: they are what this box is
    made of, and it has room for no other. `counter` names the parameter
    beside the table that counts its rows, `enable` the one in a row that turns it on. No two rows
    have the same `identity`, and no two that are turned on the same `unique` key; a key is the
    names of parameters, joined by `+`.
    """

    path: str
    access: Access
    minimum: int = 0
    maximum: int | None = None
    counter: str = ""
    enable: str = ""
    identity: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()
    ours: bool = False

    @property
    def is_table(self) -> bool:
        """Whether the object has rows."""
        return self.path.endswith("{i}.")
