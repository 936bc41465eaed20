"""The law of the layers: who may import whom, and who may touch the world.

A new module needs a layer in LAYERS. A pure module that needs another library needs a line in
LIBRARIES; it is a list of what is allowed, so that nothing that does I/O is overlooked.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import henbd

ROOT = Path(henbd.__file__).parent

# A module imports from layers above its own here, or from its own layer without a cycle.
LAYERS = (
    ("", "model", "control", "cwmp", "system"),
    ("errors", "levels", "values", "actions", "settings", "printable"),
    (
        "model.schema",
        "model.types",
        "cwmp.structs",
        "cwmp.requests",
        "cwmp.transfer_requests",
        "cwmp.responses",
        "cwmp.messages",
        "cwmp.events",
        "cwmp.record",
        "cwmp.bounds",
        "cwmp.orders",
        "cwmp.schedule",
        "cwmp.versions",
    ),
    (
        "model.table",
        "model.paths",
        "cwmp.reader",
        "cwmp.parser",
        "cwmp.writer",
        "cwmp.answers",
        "cwmp.soap",
    ),
    ("model.nodes", "model.notification", "model.provisioning", "model.references"),
    ("model.aliases", "model.consistency", "model.view", "model.tree"),
    (
        "control.*",
        "cwmp.ledger",
        "cwmp.opening",
        "cwmp.transfers",
        "cwmp.trial",
        "cwmp.state",
        "cwmp.rules",
    ),
    ("cwmp.local", "cwmp.provision", "cwmp.commands", "cwmp.files", "cwmp.rpc", "cwmp.session"),
    ("system.*",),
    (
        "clock",
        "trace",
        "memory",
        "conversation",
        "parties",
        "hands",
        "hosts",
        "settlement",
        "looks",
        "departure",
        "serving",
        "whereabouts",
        "errands",
        "carrier",
        "caller",
        "measuring",
    ),
    (
        "counts",
        "witness",
        "fault_watch",
        "metrics",
        "trace_document",
        "onlookers",
        "daemon",
        "status",
        "waits",
        "operator",
    ),
    ("config", "config_*", "toml_lines", "credentials", "logs", "reload", "renewal"),
    (
        "guard_command",
        "screen",
        "trace_ladder",
        "trace_page",
        "client",
        "stacks",
        "assembly",
        "cli",
        "__main__",
    ),
)

PURE = ("model", "control", "cwmp")
VOCABULARY = ("values", "actions", "settings")
LIBRARIES = frozenset(
    {
        "__future__",
        "base64",
        "binascii",
        "collections",
        "dataclasses",
        "datetime",
        "enum",
        "functools",
        "hashlib",
        "hmac",
        "ipaddress",
        "itertools",
        "logging",
        "re",
        "types",
        "typing",
        "urllib.parse",
    }
)
# The packaged table is read once; lxml parses what the peer sent, and opens nothing.
EXCEPTIONS = {"model.table": "importlib", "cwmp.reader": "lxml", "cwmp.parser": "lxml"}

# What reads a clock or a file without an import that would tell.
CLOCKS = frozenset({"now", "utcnow", "today"})
WORLD = frozenset({"open", "print", "input", "exec", "eval", "__import__"})


def modules() -> dict[str, ast.Module]:
    """Return the syntax tree of every module, by its name within the package."""
    found = {}
    for file in ROOT.rglob("*.py"):
        parts = file.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(file.read_text(encoding="utf-8"))
    return found


MODULES = modules()
PURE_MODULES = sorted(name for name in MODULES if name.partition(".")[0] in PURE)


def layer(name: str) -> int:
    """Return the number of a module's layer; raises LookupError where it has none."""
    for number, patterns in enumerate(LAYERS):
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            return number
    raise LookupError(f"henbd.{name} has no layer")


def libraries(tree: ast.Module) -> Iterator[str]:
    """Yield the full name of everything that a module imports, with what is named in `from`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "an import is absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(tree: ast.Module) -> set[str]:
    """Return the modules of henbd that a module imports, by their name within the package."""
    found = set()
    for full in libraries(tree):
        package, _, name = full.partition(".")
        if package == "henbd":
            found.add(name if name in MODULES else name.rpartition(".")[0])
    return found


def without_type_checking(tree: ast.Module) -> ast.Module:
    """Return a module without what only a type checker reads, which makes no cycle at run time."""
    body = [
        node
        for node in tree.body
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    ]
    return ast.Module(body, [])


def strings(tree: ast.Module) -> Iterator[str]:
    """Yield the text of every literal that is no docstring."""
    documentation = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or node in documentation:
            continue
        if isinstance(node.value, str):
            yield node.value


def touches(tree: ast.Module) -> set[str]:
    """Return what a module calls of the clocks and of the world."""
    called = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names = {f.id for f in called if isinstance(f, ast.Name)} & WORLD
    return names | ({f.attr for f in called if isinstance(f, ast.Attribute)} & CLOCKS)


def decorators(tree: ast.Module, name: str) -> list[str]:
    """Return the decorators of this name as they are written."""
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    texts = [ast.unparse(decorator) for node in classes for decorator in node.decorator_list]
    return [text for text in texts if text.startswith(name)]


def foreign(name: str, tree: ast.Module) -> set[str]:
    """Return what a pure module imports and may not."""
    allowed = LIBRARIES | {"henbd", EXCEPTIONS.get(name, "henbd")}
    return {
        full
        for full in libraries(tree)
        if not any(full == library or full.startswith(library + ".") for library in allowed)
    }


def test_every_module_has_one_layer() -> None:
    for name in MODULES:
        matching = [p for row in LAYERS for p in row if fnmatchcase(name, p)]
        assert len(matching) == 1, f"henbd.{name} is in {matching or 'no layer'}"


def test_modules_import_only_from_their_own_layer_and_those_above() -> None:
    assert not {
        (name, other)
        for name, tree in MODULES.items()
        for other in own_imports(tree)
        if layer(other) > layer(name)
    }


def test_imports_make_no_cycle() -> None:
    graph = {name: own_imports(without_type_checking(tree)) for name, tree in MODULES.items()}
    tuple(TopologicalSorter(graph).static_order())


def test_core_imports_nothing_that_does_io() -> None:
    assert not {name: found for name in PURE_MODULES if (found := foreign(name, MODULES[name]))}


def test_core_reads_no_clock_and_opens_nothing() -> None:
    assert not {name: found for name in PURE_MODULES if (found := touches(MODULES[name]))}


def test_one_module_uses_pyroute2_which_takes_more_memory_than_all_of_ours() -> None:
    users = [n for n, t in MODULES.items() if any("pyroute2" in full for full in libraries(t))]
    assert users == ["system.routes"]


def test_only_model_and_control_name_parameters() -> None:
    others = [name for name in MODULES if name.partition(".")[0] not in ("model", "control")]
    assert not [(n, text) for n in others for text in strings(MODULES[n]) if "Device." in text]


def test_values_are_frozen_and_slotted() -> None:
    for name in (*VOCABULARY, "errors", *PURE_MODULES):
        for text in decorators(MODULES[name], "dataclass"):
            assert "frozen=True, slots=True" in text, name


def test_vocabulary_has_no_behaviour() -> None:
    for name in VOCABULARY:
        assert not [n for n in ast.walk(MODULES[name]) if isinstance(n, ast.FunctionDef)]


def test_package_files_import_nothing() -> None:
    packages = [
        name for name in MODULES if (ROOT / Path(*name.split(".")) / "__init__.py").exists()
    ]
    assert {"", "model", "control", "cwmp", "system"} <= set(packages)
    assert not {name: found for name in packages if (found := own_imports(MODULES[name]))}


# The law itself: what it has to find, it finds.


def test_hidden_imports_are_seen() -> None:
    tree = ast.parse("def f():\n    import os.path\n    from time import sleep\n")
    assert foreign("control.plan", tree) == {"os.path", "time.sleep"}


def test_exception_is_for_one_module() -> None:
    tree = ast.parse("from lxml import etree")
    assert not foreign("cwmp.parser", tree)
    assert foreign("cwmp.session", tree) == {"lxml.etree"}


def test_only_the_harmless_part_of_urllib_is_allowed() -> None:
    tree = ast.parse("from urllib.parse import urlsplit\nimport urllib.request")
    assert foreign("control.reach", tree) == {"urllib.request"}


def test_clocks_and_files_are_seen() -> None:
    assert touches(ast.parse("x = [datetime.now(UTC), open('f')]")) == {"now", "open"}


def test_decorators_are_seen() -> None:
    tree = ast.parse("@dataclass\nclass A: ...\n@final\n@dataclass(frozen=True)\nclass B: ...")
    assert decorators(tree, "dataclass") == ["dataclass", "dataclass(frozen=True)"]


def test_docstring_may_name_a_parameter_and_code_may_not() -> None:
    tree = ast.parse('"""Device.A"""\ndef f():\n    """Device.B"""\n    return f"Device.C{1}"')
    assert list(strings(tree)) == ["Device.C"]


def test_own_imports_are_modules_whatever_the_spelling() -> None:
    tree = ast.parse("from henbd.cwmp import rpc\nfrom henbd.cwmp.state import State\nimport henbd")
    assert own_imports(tree) == {"cwmp.rpc", "cwmp.state", ""}


def test_cycle_is_an_error() -> None:
    with pytest.raises(CycleError):
        tuple(TopologicalSorter({"a": {"b"}, "b": {"a"}}).static_order())
