"""On which line of a TOML text each key stands, which `tomllib` does not tell.

For texts that `tomllib` has taken: no mistake of syntax is looked for here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

TOKEN = re.compile(
    r"""
    (?P<skipped> [ \t\r]+ | \#[^\n]* )
  | (?P<newline> \n )
  | (?P<string> \"{3} (?: \\[\s\S] | [^\\] )*? \"{3,5}
              | '{3} [\s\S]*? '{3,5}
              | " (?: \\. | [^"\\\n] )* "
              | ' [^'\n]* ' )
  | (?P<mark> [\[\]{}=,.] )
  | (?P<bare> [^\s\#"'\[\]{}=,.]+ )
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int


def line_table(text: str) -> dict[str, int]:
    """Return the line of each section and key, as in `hems` or `hems.url`, counted from 1.

    Items of an array have their own: `ipsec.networks[0]`. Keys of an inline table have none.
    """
    lines: dict[str, int] = {}
    section = ""
    tokens = _tokens(text)
    for token in tokens:
        if token.text == "[":
            section = _key(tokens, "]") + "."
            lines.setdefault(section.removesuffix("."), token.line)
        elif token.kind in ("bare", "string"):
            first = _unquoted(token)
            rest = _key(tokens, "=")
            path = section + ".".join(filter(None, (first, rest)))
            lines[path] = token.line
            _value(tokens, path, lines)
    return lines


def line_of(key: str, lines: Mapping[str, int]) -> int:
    """Return the line of a key; of what it is in, where it has none itself; at last 0."""
    while key not in lines:
        key, separator, _ = key.rpartition("[" if key.endswith("]") else ".")
        if not separator:
            return 0
    return lines[key]


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    for match in TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind != "skipped":
            yield _Token(kind, match.group(), line)
        line += match.group().count("\n")


def _key(tokens: Iterator[_Token], end: str) -> str:
    """Return the rest of a dotted key, without quotes."""
    parts = []
    for token in tokens:
        if token.text == end:
            break
        if token.kind in ("bare", "string"):
            parts.append(_unquoted(token))
    return ".".join(parts)


def _value(tokens: Iterator[_Token], path: str, lines: dict[str, int]) -> None:
    """Pass over a value, up to the end of its last line."""
    opened: list[str] = []
    item, begun = 0, False
    for token in tokens:
        if token.kind == "newline":
            if not opened:
                return
            continue
        if token.text == "," and opened == ["["]:
            item, begun = item + 1, False
        elif opened == ["["] and token.text != "]" and not begun:
            lines[f"{path}[{item}]"] = token.line
            begun = True
        if token.kind == "mark" and token.text in "[{":
            opened.append(token.text)
        elif token.kind == "mark" and token.text in "]}":
            opened.pop()


def _unquoted(token: _Token) -> str:
    return token.text[1:-1] if token.kind == "string" else token.text
