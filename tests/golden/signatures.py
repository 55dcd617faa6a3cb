"""Types, defaults and signatures in words that are the same in every Python."""

import enum
import inspect
import os
import re
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, get_args, get_origin

import msgspec

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def type_name(hint: Any) -> str:
    """A type as one would write it, its classes without their modules (`pathlib` moves its own)."""
    if hint is None or hint is types.NoneType:
        return "None"
    if hint is ...:
        return "..."
    if isinstance(hint, str):
        return hint
    if isinstance(hint, list):
        return f"[{', '.join(map(type_name, hint))}]"
    if isinstance(hint, TypeVar | typing.ParamSpec):
        return hint.__name__
    if isinstance(hint, typing.ForwardRef):
        return hint.__forward_arg__
    origin = get_origin(hint)
    if origin is None:
        return getattr(hint, "__qualname__", None) or str(hint).removeprefix("typing.")
    return _generic(hint, origin)


def _generic(hint: Any, origin: Any) -> str:
    inside = get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(map(type_name, inside))
    if origin is typing.Literal:
        return f"Literal[{', '.join(map(repr, inside))}]"
    if origin is typing.Annotated:
        return f"Annotated[{type_name(inside[0])}, {', '.join(map(default_text, inside[1:]))}]"
    name = getattr(origin, "__qualname__", None) or str(origin).removeprefix("typing.")
    return f"{name}[{', '.join(map(type_name, inside))}]"


def default_text(value: Any) -> str:
    """A default as one would write it."""
    if value is os.environ:
        return "os.environ"
    if inspect.isclass(value) or inspect.isroutine(value):
        return str(value.__qualname__)
    if isinstance(value, enum.Enum):
        return str(value)
    return _ADDRESS.sub("", repr(value)).replace("PosixPath(", "Path(")


def signature_text(value: Callable[..., Any]) -> str:
    """`(path: Path, *, seconds: float = 2.0) -> None`."""
    signature = inspect.signature(value)
    parts: list[str] = []
    starred = False
    parameters = list(signature.parameters.values())
    for number, parameter in enumerate(parameters):
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            parts.append("*")
            starred = True
        starred = starred or parameter.kind is parameter.VAR_POSITIONAL
        parts.append(_parameter(parameter))
        following = parameters[number + 1 : number + 2]
        if parameter.kind is parameter.POSITIONAL_ONLY and not (
            following and following[0].kind is parameter.POSITIONAL_ONLY
        ):
            parts.append("/")
    reported = f"({', '.join(parts)})"
    if signature.return_annotation is not signature.empty:
        reported += f" -> {type_name(signature.return_annotation)}"
    return reported


def _parameter(parameter: inspect.Parameter) -> str:
    reported: str = parameter.name
    if parameter.kind is parameter.VAR_POSITIONAL:
        reported = f"*{reported}"
    elif parameter.kind is parameter.VAR_KEYWORD:
        reported = f"**{reported}"
    if parameter.annotation is not parameter.empty:
        reported += f": {type_name(parameter.annotation)}"
    if parameter.default is not parameter.empty:
        reported += f" = {default_text(parameter.default)}"
    return reported


def field_text(field: msgspec.structs.FieldInfo) -> str:
    """`name: type = default`, or without a default where one must be given."""
    reported = f"{field.encode_name}: {type_name(field.type)}"
    default = field_default(field)
    return reported if default is msgspec.NODEFAULT else f"{reported} = {default_text(default)}"


def field_default(field: msgspec.structs.FieldInfo) -> Any:
    """The default of a field; `msgspec.NODEFAULT` where there is none."""
    if field.default is not msgspec.NODEFAULT:
        return field.default
    factory = field.default_factory
    return factory if factory is msgspec.NODEFAULT else factory()


def class_lines(name: str, kind: type) -> Iterator[str]:
    """A class with its bases, fields or arguments, and its public methods and properties."""
    bases = ", ".join(base.__name__ for base in kind.__bases__ if base is not object)
    yield f"class {name}({bases})" if bases else f"class {name}"
    if issubclass(kind, enum.Enum):
        yield from (f"    {member.name} = {member.value!r}" for member in kind)
    elif issubclass(kind, msgspec.Struct):
        yield from (f"    {field_text(field)}" for field in msgspec.structs.fields(kind))
    elif "__init__" in vars(kind) and not getattr(kind, "_is_protocol", False):
        yield f"    __init__{signature_text(kind.__init__)}"
    reported = {*getattr(kind, "__struct_fields__", ()), *getattr(kind, "__members__", ())}
    for member in sorted(dir(kind)):
        if member.startswith("_") or member in reported or hasattr(msgspec.Struct, member):
            continue
        value = inspect.getattr_static(kind, member)
        owner = next(base for base in kind.__mro__ if member in vars(base))
        if owner.__module__.partition(".")[0].startswith("nemolocal"):
            yield f"    {_member(member, value)}"


def _member(name: str, value: Any) -> str:
    if isinstance(value, property):
        getter = value.fget
        assert getter is not None
        hint = inspect.signature(getter).return_annotation
        return f"{name} -> {type_name(hint)}"
    if isinstance(value, classmethod | staticmethod):
        word = "classmethod" if isinstance(value, classmethod) else "staticmethod"
        return f"{name}{signature_text(value.__func__)}  # {word}"
    if inspect.isroutine(value):
        before = "async " if inspect.iscoroutinefunction(value) else ""
        return f"{before}{name}{signature_text(value)}"
    return f"{name} = {default_text(value)}"
