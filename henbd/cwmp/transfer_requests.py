"""The requests of the HeMS that are kept until they are carried out."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Download:
    """A.3.2.8; `file_size` 0: not known. SuccessURL and FailureURL are for browsers."""

    command_key: str
    file_type: str
    url: str
    username: str
    password: str = field(repr=False)
    file_size: int
    target_file_name: str
    delay_s: int


@dataclass(frozen=True, slots=True)
class Upload:
    """A.4.1.5."""

    command_key: str
    file_type: str
    url: str
    username: str
    password: str = field(repr=False)
    delay_s: int
