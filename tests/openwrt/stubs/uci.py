#!/usr/bin/python3 -IS
"""uci and validate_data, as far as they are used: the files in /etc/config, and the types."""

import ipaddress
import os
import re
import shlex
import sys
from collections.abc import Callable

# What the options of a section have been set to, with its type under no name.
Section = dict[str, str | list[str]]

CONFIG = "/etc/config/"
WORD = re.compile(
    r"""[ \t]+ | (?P<end> \n | \#[^\n]* ) | (?P<word> (?: '[^']*' | "(?:\\.|[^"\\])*"
                      | \\. | [^\s'"\\] )+ )""",
    re.VERBOSE,
)


def read(package: str) -> dict[str, Section]:
    """Return type and options of each section; a list is a list."""
    sections: dict[str, Section] = {}
    line: list[str] = []
    current: Section = {}
    with open(CONFIG + package, encoding="utf-8", errors="surrogateescape") as file:
        text = file.read()
    for match in WORD.finditer(text + "\n"):
        if match["word"]:
            line.append("".join(shlex.split(match["word"])))
        elif match["end"] and line:
            kind, name, value = (*line, "", "")[:3]
            if kind == "config":
                current = {"": name}
                sections[value or f"cfg{len(sections)}"] = current
            elif kind == "list":
                current[name] = [*current.get(name, ()), value]
            else:
                current[name] = value
            line = []
    return sections


def write(package: str, sections: dict[str, Section]) -> None:
    with open(CONFIG + package, "w", encoding="utf-8") as file:
        for section, options in sections.items():
            file.write(f"config {options['']} '{section}'\n")
            for name, value in options.items():
                for item in value if isinstance(value, list) else [value] * bool(name):
                    kind = "list" if isinstance(value, list) else "option"
                    file.write(f"\t{kind} {name} {shlex.quote(item)}\n")


def export_shell(package: str) -> None:
    print(f"CONFIG_SECTIONS={shlex.quote(' '.join(read(package)))}")
    for section, options in read(package).items():
        for name, value in options.items():
            variable = f"CONFIG_{section}_{name or 'TYPE'}"
            if isinstance(value, list):
                print(f"{variable}_LENGTH={len(value)}")
                for index, item in enumerate(value, 1):
                    print(f"{variable}_ITEM{index}={shlex.quote(item)}")
                value = " ".join(value)
            print(f"{variable}={shlex.quote(value)}")


def show(package: str) -> None:
    for section, options in read(package).items():
        for option, found in options.items():
            items = found if isinstance(found, list) else [found]
            name = ".".join(filter(None, (package, section, option)))
            print(f"{name}={' '.join(map(shlex.quote, items))}")


def get(path: str) -> None:
    package, section, option = path.split(".")
    try:
        print(read(package)[section][option])
    except KeyError:
        sys.exit(1)


def set_option(assignment: str) -> None:
    path, _, value = assignment.partition("=")
    package, section, option = path.split(".")
    sections = read(package)
    sections[section][option] = value
    write(package, sections)


def commit(_package: str) -> None:
    """All is committed at once here."""


def is_address(text: str, what: Callable[[str], object] = ipaddress.ip_address) -> bool:
    try:
        what(text)
    except ValueError:
        return False
    return True


def number(text: str) -> int | None:
    """Return what strtol(3) makes of the whole of a text, with its bases; None: nothing."""
    match = re.fullmatch(r"([+-]?)(?:0x([0-9a-f]+)|(0[0-7]*)|([1-9]\d*))", text, re.IGNORECASE)
    if not match:
        return None
    sign, *digits = match.groups()
    bases = zip(digits, (16, 8, 10), strict=True)
    (found,) = (int(part, base) for part, base in bases if part)
    return -found if sign == "-" else found


def fits(kind: str, value: str) -> bool:
    """Return whether a value is of a type of validate_data."""
    name, _, rest = kind.partition("(")
    arguments = re.findall(r'"[^"]*"|[^,()]+(?:\([^)]*\))?', rest.removesuffix(")"))
    if name == "list":
        return all(fits(arguments[0], word) for word in value.split())
    if name == "or":
        return any(value == a.strip('"') if '"' in a else fits(a, value) for a in arguments)
    if name == "range":
        # The bounds are ints of C.
        assert all(abs(int(bound)) < 2**31 for bound in arguments)
        found = number(value)
        return found is not None and int(arguments[0]) <= found <= int(arguments[1])
    known: dict[str, Callable[[], bool]] = {
        "bool": lambda: value.lower() in ("0", "off", "false", "no", "1", "on", "true", "yes"),
        "cidr": lambda: is_address(value, lambda text: ipaddress.ip_network(text, strict=False)),
        "host": lambda: is_address(value) or re.fullmatch(r"[\w-]+(\.[\w-]+)*", value) is not None,
        "ipaddr": lambda: is_address(value),
        "string": lambda: True,
        "uinteger": lambda: (number(value) or 0) >= 0 and number(value) is not None,
        "uciname": lambda: re.fullmatch(r"\w*", value) is not None,
    }
    return known[name]()


def validate_data(package: str, kind: str, section: str, *options: str) -> None:
    found, wrong = read(package).get(section, {}), False
    if found.get("") != kind:
        sys.exit(f"validate_data: {package}.{section} is no section of type {kind}")
    for option in options:
        name, kind = option.split(":")
        value = found.get(name)
        value = " ".join(value) if isinstance(value, list) else value
        if value is not None and not fits(kind, value):
            wrong = True
            print(f"validate_data: {package}.{section}.{name} is not {kind}", file=sys.stderr)
    sys.exit(wrong)


VERBS = {
    "export-shell": export_shell,
    "show": show,
    "get": get,
    "set": set_option,
    "commit": commit,
}

arguments = [argument for argument in sys.argv[1:] if argument != "-q"]
if os.path.basename(sys.argv[0]) == "validate_data":
    validate_data(*arguments)
else:
    VERBS[arguments[0]](*arguments[1:])
