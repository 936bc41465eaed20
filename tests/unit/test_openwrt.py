"""The OpenWrt package says the same as henbd itself: its options, its dependencies, its version."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from henbd import __version__
from henbd.config import ALIASES
from henbd.config_draft import Draft
from henbd.config_keys import ESP_PROPOSALS, SECTIONS, Key, Need
from tests.unit.test_layers import MODULES, libraries

TREE = Path(__file__).parents[2]
FEED = TREE / "openwrt"
INIT = "openwrt/henbd/files/henbd.init"
CONFIG = "openwrt/henbd/files/henbd.config"

# What a package of OpenWrt's has of the standard library, where it is not python3-light.
STDLIB_PACKAGES = {
    "asyncio": "asyncio",
    "ctypes": "ctypes",
    "dbm": "dbm",
    "decimal": "decimal",
    "logging": "logging",
    "lzma": "lzma",
    "multiprocessing": "multiprocessing",
    "sqlite3": "sqlite3",
    "ssl": "openssl",
    "unittest": "unittest",
    "urllib": "urllib",
    "uuid": "uuid",
    "xml": "xml",
}


def options() -> dict[str, dict[str, str]]:
    """Return the types of the UCI options, by section and name, from the init script."""
    text = (TREE / INIT).read_text(encoding="utf-8")
    function = text[text.index("options() {") :].partition("\n}")[0]
    found = {}
    for section, body in re.findall(r"\n\t(\w+)\)\n(.*?)\n\t\t;;", function, re.DOTALL):
        words = " ".join(re.findall(r"echo '(.*)'", body)).split()
        found[section] = dict(word.split(":") for word in words)
    return found


def configured() -> dict[tuple[str, str], dict[str, Any]]:
    """Return what the package's configuration says of each option, by section and name."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    section, comment = "", ""
    for line in (TREE / CONFIG).read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"config (\w+) '\1'", line):
            section = match[1]
        elif match := re.fullmatch(r"\t(#?)(option|list) (\w+) '(.*)'", line):
            active, kind, name, value = match.groups()
            one = {"active": not active, "kind": kind, "comment": comment}
            found.setdefault((section, name), {**one, "values": []})["values"].append(value)
        comment = line if line.startswith("\t# ") else ""
    return found


def complaint(key: Key, value: object) -> str:
    try:
        key.read(value)
    except ValueError as error:
        return str(error)
    return ""


def uci_type(key: Key) -> str:
    """Return the type of validate_data that a key's value has; `string` for any kind of text."""
    if not complaint(key, True):
        kind = "bool"
    elif match := re.search(r"is not within (\d+) to (\d+)", complaint(key, -1)):
        # validate_data has bounds that are ints of C; what is beyond the daemon judges.
        fits = int(match[2]) < 2**31
        kind = f"range({match[1]},{match[2]})" if fits else "uinteger"
    elif match := re.search(r"is not ('.*')$", complaint(key, "?")):
        words = match[1].replace("'", '"').split(" or ")
        kind = f"or({','.join(words)})"
    else:
        kind = "string"
    return f"list({kind})" if key.several else kind


def uci_text(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return str(getattr(value, "value", value))


def lines_for(name: str, key: Key) -> str:
    """Return what a key that is new needs in the package's configuration."""
    default = key.default if isinstance(key.default, tuple) else [key.default]
    kind = "list" if key.several else "option"
    values = [uci_text(v) for v in default if v not in (None, Need.REQUIRED)] or ["EXAMPLE"]
    return "".join(f"\n\t#{kind} {name} '{value}'" for value in values)


def keys() -> Iterator[tuple[str, str, Key]]:
    for section, found in SECTIONS.items():
        for name, key in found.items():
            yield section, name, key


def test_every_key_has_its_option() -> None:
    known, shown = options(), configured()
    missing = ""
    for section, name, key in keys():
        if name not in known.get(section, {}):
            missing += f"\n{INIT}: in options(), section {section}, add: {name}:{uci_type(key)}"
        if (section, name) not in shown:
            missing += f"\n{CONFIG}: in section {section}, add a line of comment and:"
            missing += lines_for(name, key)
    assert not missing, f"a key of henbd/config_keys.py has no UCI option:{missing}"


def test_every_option_is_a_key() -> None:
    switches = {("main", name) for name in options()["main"]} | {("ipsec", "enabled")}
    known = {(section, name) for section, name, _ in keys()} | switches
    assert configured().keys() == known
    # The keys of [alias] are names of parameters: there, a section of UCI is one of them.
    aliases = {(ALIASES, "name"), (ALIASES, "target")}
    assert {(s, name) for s, found in options().items() for name in found} == known | aliases


def test_an_upgrade_keeps_the_configuration_and_the_store() -> None:
    makefile = (FEED / "henbd" / "Makefile").read_text(encoding="utf-8")
    kept = makefile.partition("define Package/henbd/conffiles\n")[2].partition("endef")[0].split()
    (directory,) = configured()["store", "directory"]["values"]
    for needed in ("/etc/config/henbd", f"{directory}/state.json", "/etc/henbd/henb.key"):
        assert any(needed == path or (path[-1] == "/" and needed.startswith(path)) for path in kept)


def test_the_guide_sets_what_there_is() -> None:
    guide = (FEED / "README.md").read_text(encoding="utf-8")
    set_there = re.findall(r"uci (set|add_list) henbd\.(\w+)\.(\w+)=", guide)
    assert len(set_there) > 5
    for how, section, name in set_there:
        kind = configured()[section, name]["kind"]
        assert how == {"option": "set", "list": "add_list"}[kind], (section, name)


def test_every_section_is_rendered() -> None:
    text = (TREE / INIT).read_text(encoding="utf-8")
    (sections,) = re.findall(r"^SECTIONS='(.*)'$", text, re.MULTILINE)
    assert sections.split() == list(SECTIONS)


def test_option_has_the_type_of_its_key() -> None:
    for section, name, key in keys():
        wanted, found = uci_type(key), options()[section][name]
        # validate_data knows some kinds of text.
        plain = re.sub("host|cidr|ipaddr", "string", found)
        assert plain == wanted, f"{INIT}: {section}.{name} is {found}, the key is {wanted}"


def test_configuration_shows_defaults_and_says_what_is_not_set() -> None:
    for (section, name), shown in configured().items():
        assert shown["comment"], f"{CONFIG}: {section}.{name} has no line of comment"
        assert all(shown["values"]), f"{CONFIG}: {section}.{name} needs an example: '' is not set"
        key = SECTIONS.get(section, {}).get(name)
        if key is None:
            continue
        default = key.default if isinstance(key.default, tuple) else (key.default,)
        unset = default in ((None,), (Need.REQUIRED,), ("",), ())
        where = f"{CONFIG}: {section}.{name}"
        assert shown["kind"] == ("list" if key.several else "option"), where
        assert ("not set" in shown["comment"]) == (unset or name == "software_version"), where
        if not unset and not shown["active"] and name != "software_version":
            assert shown["values"] == [uci_text(value) for value in default], where


def test_example_of_each_option_is_a_value_of_its_key() -> None:
    document: dict[str, dict[str, Any]] = {}
    for (section, name), shown in configured().items():
        key = SECTIONS.get(section, {}).get(name)
        if key is None:
            continue
        values: list[Any] = shown["values"]
        if uci_type(key) == "bool":
            values = [value == "1" for value in values]
        elif uci_type(key).startswith(("range", "uinteger")):
            values = [int(value) for value in values]
        document.setdefault(section, {})[name] = values if key.several else values[0]
    assert Draft(document, {}).problems == []


def makefile(package: str) -> dict[str, str]:
    """Return the variables of a package's Makefile; those of several lines in one."""
    text = (FEED / package / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    return dict(re.findall(r"^ *(\w+):=[ \t]*(.*)$", text, re.MULTILINE))


def setup_arguments() -> dict[str, Any]:
    """Return the arguments of setup() that are literals."""
    tree = ast.parse((TREE / "setup.py").read_text(encoding="utf-8"))
    (call,) = (
        n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) == "setup"
    )
    found = {}
    for keyword in call.keywords:
        if isinstance(keyword.value, (ast.Constant, ast.List, ast.Dict)):
            found[str(keyword.arg)] = ast.literal_eval(keyword.value)
    return found


def requirements() -> list[Requirement]:
    return [Requirement(text) for text in setup_arguments()["install_requires"]]


@pytest.mark.parametrize("package", ["henbd", "luci-app-henbd"])
def test_package_has_the_version_of_henbd(package: str) -> None:
    found = makefile(package)
    assert found["PKG_NAME"] == package
    assert found["PKG_VERSION"] == __version__
    assert f'VERSION = "{__version__}"' in (TREE / "setup.py").read_text(encoding="utf-8")
    assert found["PKG_LICENSE"] == setup_arguments()["license"]


def test_package_depends_on_what_setup_requires() -> None:
    depends = makefile("henbd")["DEPENDS"].split()
    assert {f"+python3-{required.name}" for required in requirements()} <= set(depends)


def test_package_depends_on_what_is_imported() -> None:
    imported = {full.partition(".")[0] for tree in MODULES.values() for full in libraries(tree)}
    wanted = {
        f"+python3-{package}" for name, package in STDLIB_PACKAGES.items() if name in imported
    }
    depends = makefile("henbd")["DEPENDS"].split()
    assert wanted <= set(depends)
    named = {"+python3-light", *(f"+python3-{required.name}" for required in requirements())}
    assert {name for name in depends if name.startswith("+python3")} == wanted | named


def test_strongswan_itself_is_selected_beside_its_parts() -> None:
    depends = makefile("henbd")["DEPENDS"].split()
    assert "+strongswan" in depends
    assert {"+strongswan-charon", "+strongswan-mod-vici"} <= set(depends)
    assert not [name for name in depends if "updown" in name], "it drags iptables in"
    assert "+strongswan-mod-nonce" not in depends, "the nonces are in strongswan itself"


def test_kernel_has_the_ciphers_of_the_proposals() -> None:
    depends = makefile("henbd")["DEPENDS"].split()
    words = {word for proposal in ESP_PROPOSALS for word in proposal.split("-")}
    wanted = {"+kmod-crypto-gcm", "+kmod-crypto-seqiv"} if "aes128gcm16" in words else set()
    wanted |= {"+kmod-crypto-sha256"} if "sha256" in words else set()
    assert wanted <= set(depends)


def test_package_installs_the_program_that_setup_makes() -> None:
    (script,) = setup_arguments()["entry_points"]["console_scripts"]
    text = (FEED / "henbd/Makefile").read_text(encoding="utf-8")
    assert f"$(PKG_INSTALL_DIR)/usr/bin/{script.partition(' ')[0]} $(1)/usr/bin/" in text


def test_package_installs_every_file_that_it_has() -> None:
    text = (FEED / "henbd/Makefile").read_text(encoding="utf-8")
    for file in (FEED / "henbd/files").iterdir():
        assert f"./files/{file.name} $(1)/" in text, file.name
    for path in re.findall(r"\$\(PKG_BUILD_DIR\)/(\S+) \$\(1\)", text):
        assert (TREE / path).is_file(), path
    assert "tests" not in text


def test_user_is_one_that_no_other_package_has() -> None:
    # 633 is in no Makefile of OpenWrt's feeds; the init script and the ACL name the same user.
    assert makefile("henbd")["USERID"] == "henbd=633:henbd=633"


@pytest.mark.parametrize("name", ["vici", "sdnotify"])
def test_package_of_a_library_is_a_version_that_is_required(name: str) -> None:
    found = makefile(f"python-{name}")
    (required,) = (one for one in requirements() if one.name == name)
    assert found["PYPI_NAME"] == name
    assert required.specifier.contains(found["PKG_VERSION"])
    assert re.fullmatch(r"[0-9a-f]{64}", found["PKG_HASH"])
    assert (found["PKG_LICENSE"], found["DEPENDS"]) == ("MIT", "+python3-light")


@pytest.mark.parametrize("package", ["henbd", "python-vici", "python-sdnotify"])
def test_includes_are_in_the_order_that_the_build_wants(package: str) -> None:
    text = (FEED / package / "Makefile").read_text(encoding="utf-8")
    names = [Path(path).name for path in re.findall(r"^include (\S+)", text, re.MULTILINE)]
    pypi = ["pypi.mk"] if "PYPI_NAME" in text else []
    assert names == ["rules.mk", *pypi, "package.mk", "python3-package.mk"]
