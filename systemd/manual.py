"""Writes a manual page: manual.py PAGE, with PAGE as `henbd.8` or `henbd.toml.5`.

What is said elsewhere already is taken from there: the options from README.md, the version from
setup.py, and the status from man/status.tsv.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent


def manual(page: str) -> str:
    """Return the page as man(7) has it."""
    text = (HERE / "man" / f"{page}.in").read_text(encoding="utf-8")
    setup = (ROOT / "setup.py").read_text(encoding="utf-8")
    (version,) = re.findall(r'^VERSION = "(.+)"$', setup, re.MULTILINE)
    parts = {"@VERSION@": version, "@STATUS@": "\n".join(status())}
    parts["@OPTIONS@"] = "\n".join(options())
    for mark, part in parts.items():
        text = text.replace(mark, part)
    return text


def status() -> Iterator[str]:
    """Yield the lines about each key of the status."""
    for line in (HERE / "man" / "status.tsv").read_text(encoding="utf-8").splitlines():
        key, kind, meaning = line.split("\t")
        yield from (".TP", f".B {literal(key)}", literal(f"{kind}; {meaning}" if meaning else kind))


def options() -> Iterator[str]:
    """Yield the lines about each option."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.partition("## Every option")[2].partition("\n## ")[0]
    for line in table.splitlines():
        if not line.startswith("| ") or line.startswith("| key"):
            continue
        name, default, meaning = (cell.strip() for cell in line.split("|")[1:-1])
        if name.startswith("**"):
            yield from (f".SS {plain(name)}", plain(meaning) or "\\&")
            continue
        yield from (".TP", f".B {plain(name)}")
        about = (meaning, f"Default: {default}." if default else "It has to be there.")
        yield plain(". ".join(filter(None, about)))


def plain(text: str) -> str:
    """Return a text of Markdown as man(7) has it."""
    return literal(re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text.replace("**", "")).replace("`", ""))


def literal(text: str) -> str:
    """Return a text that means nothing to roff."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    sys.stdout.write(manual(sys.argv[1]))
