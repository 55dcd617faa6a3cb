"""What others build on: public names with their signatures, settings, the database, the draws."""

import ast
import importlib
import inspect
import itertools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, get_args

import msgspec

from nemolocal_contract.responses import encode_json
from nemolocal_server.data.migrations import migrate
from nemolocal_server.dialect import PRESETS, Dialect
from nemolocal_server.seeded_random import SeededRandom
from nemolocal_server.settings import Settings
from nemolocal_server.turns.silent_turns import AppliedWeights, SilentTurnPolicy, choose_outcome
from nemolocal_server.turns.turn_schedule import TurnSeed

from .signatures import (
    class_lines,
    default_text,
    field_default,
    field_text,
    signature_text,
    type_name,
)

Made = tuple[str, Callable[[], str]]

# These modules are what README and ARCHITECTURE.md offer to others: their signatures are frozen.
# Of all other modules only the names are. Every module of the contract is public.
_OFFERED: dict[str, tuple[str, ...]] = {
    "nemolocal_contract": ("*",),
    "nemolocal_render": ("job", "planning.planner", "synthetic.sample_media"),
    "nemolocal_agent": ("",),
    "nemolocal_server": (
        "data.tokens",
        "dialect",
        "exports.render_executor",
        "serving",
        "settings",
        "settings_loader",
        "turns.silent_turns",
    ),
    "nemolocal_client": ("",),
    "nemolocal_skill": ("",),
    "nemolocal": ("main",),
    "nemolocal_conformance": ("client_checks.client_check", "reports", "verdicts"),
    "nemolocal_recording": ("record_lines",),
    "nemolocal_pytest": ("clock", "faults", "journal", "plugin", "respx_router", "server"),
    "nemolocal_bench": (),
}


def public_names() -> Iterator[Made]:
    """A file for each package."""
    for package, offered in _OFFERED.items():
        yield package, partial(_names, package, offered)


def _names(package: str, offered: tuple[str, ...]) -> str:
    chosen = {f"{package}.{name}".rstrip(".") for name in offered}
    parts: list[str] = []
    for module, path in _modules(package):
        whole = module in chosen or offered == ("*",)
        lines = list(_offered(module) if whole else _defined(path))
        parts += ["\n".join([f"[{module}]", *lines, ""])] if lines else []
    return "\n".join(parts)


def _modules(package: str) -> list[tuple[str, Path]]:
    """The modules of a package by their names, with their files; none with an underscore."""
    (root,) = importlib.import_module(package).__path__
    found = []
    for path in Path(root).rglob("*.py"):
        parts = path.relative_to(root).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if not any(part.startswith("_") for part in parts):
            found.append((".".join((package, *parts)), path))
    return sorted(found)


def _defined(path: Path) -> list[str]:
    """The public names that a module defines, or those that it lists, without importing it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {name for node in tree.body for name in _bound(node)}
    if "__all__" not in names:
        return sorted(name for name in names if not name.startswith("_"))
    listed: list[str] = []
    for node in tree.body:
        if "__all__" in _bound(node):
            assert isinstance(node, ast.Assign | ast.AugAssign)
            listed += ast.literal_eval(node.value)
    return sorted(listed)


def _bound(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign | ast.AugAssign):
        targets = [node.target]
    leaves = itertools.chain.from_iterable(
        target.elts if isinstance(target, ast.Tuple) else [target] for target in targets
    )
    return [leaf.id for leaf in leaves if isinstance(leaf, ast.Name)]


def _offered(name: str) -> Iterator[str]:
    """The public names of a module with their signatures."""
    module = importlib.import_module(name)
    assert module.__file__ is not None
    for public in _defined(Path(module.__file__)):
        value = getattr(module, public)
        if inspect.isclass(value):
            yield from class_lines(public, value)
        elif inspect.isroutine(value):
            before = "async " if inspect.iscoroutinefunction(value) else ""
            yield f"{before}{public}{signature_text(value)}"
        elif get_args(value):
            yield f"{public} = {type_name(value)}"
        elif isinstance(value, str | int | float) or _is_plain(value):
            yield f"{public} = {default_text(value)}"
        else:
            yield f"{public}: {type_name(type(value))}"


def _is_plain(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(item, str | int | float) for item in value)


def settings() -> Made:
    """Every key of the settings with its type and default, and what each preset says instead."""
    return "settings.txt", lambda: "\n".join([*_keys(Settings), "", *_presets(), ""])


def _keys(kind: type[msgspec.Struct], before: str = "") -> Iterator[str]:
    for field in msgspec.structs.fields(kind):
        inner = _struct_in(field.type)
        default = field_default(field)
        key = f"{before}{field.encode_name}"
        if inner is None or not isinstance(default, msgspec.Struct):
            yield f"{before}{field_text(field)}"
        if inner is not None and not before.startswith("tokens[]."):
            yield from _keys(inner, f"{key}." if isinstance(default, inner) else f"{key}[].")


def _struct_in(hint: Any) -> type[msgspec.Struct] | None:
    """The struct that a field holds, or that a field has many of."""
    if inspect.isclass(hint) and issubclass(hint, msgspec.Struct):
        return hint
    return next((found for part in get_args(hint) if (found := _struct_in(part))), None)


def _presets() -> Iterator[str]:
    usual = msgspec.structs.asdict(Dialect())
    for name, dialect in PRESETS.items():
        yield f"preset {name}"
        for key, value in msgspec.structs.asdict(dialect).items():
            if value != usual[key]:
                yield f"    dialect.{key} = {value!r}"


def schema() -> Made:
    """The tables and indexes of a fresh database."""
    return "schema.sql", _schema


def _schema() -> str:
    with closing(sqlite3.connect(":memory:")) as database:
        migrate(database)
        (version,) = database.execute("PRAGMA user_version").fetchone()
        found = database.execute("SELECT sql FROM sqlite_master WHERE sql NOT NULL ORDER BY name")
        tables = [row[0] for row in found]
    return "\n\n".join([f"PRAGMA user_version = {version};", *(f"{sql};" for sql in tables), ""])


def draws() -> Made:
    """What is drawn for 200 turns of four clients: silent or told, and which truth."""
    return "draws.txt", _draws


_MESSAGES = ("trim to the first 10 seconds", "add lo-fi music", "make it vertical", "加标题“你好”")


def _draws() -> str:
    lines = ["seed client session turn silent-at-0.3 truth-of-equal-weights seconds message"]
    for number in range(200):
        seed, message = number // 100, _MESSAGES[number % 4]
        key = TurnSeed(f"client-{number // 50 % 2}", 1 + number // 25 % 2, 1 + number % 25, message)
        draw = SeededRandom(seed)
        usual = choose_outcome(SilentTurnPolicy(), draw, key, number + 1)
        equal = SilentTurnPolicy(
            rate=1.0, truths=AppliedWeights(applied=1.0, not_applied=1.0, late=1.0)
        )
        truth = choose_outcome(equal, draw, key, number + 1).applied_state
        seconds = draw.uniform(10.0, 30.0, "edit", *key.key())
        reported = "silent" if usual.silent else "told"
        parts = (seed, key.client_id, key.session_ordinal, key.turn, reported, truth)
        line = " ".join(map(str, parts))
        lines.append(f"{line} {seconds:.6f} {encode_json(message).decode()}")
    return "\n".join([*lines, ""])
