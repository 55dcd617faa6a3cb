"""The public names: what a package offers, written down, so that a change of it is meant."""

import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

PACKAGES = [
    "nemolocal_contract",
    "nemolocal_render",
    "nemolocal_agent",
    "nemolocal_server",
    "nemolocal_client",
    "nemolocal_skill",
    "nemolocal",
    "nemolocal_conformance",
    "nemolocal_recording",
    "nemolocal_pytest",
    "nemolocal_bench",
]


def modules(package: str) -> list[ModuleType]:
    root = importlib.import_module(package)
    names = [m.name for m in pkgutil.walk_packages(root.__path__, f"{package}.")]
    return [root, *(importlib.import_module(name) for name in names if "__main__" not in name)]


def visible(module: ModuleType) -> set[str]:
    """The public names of a module that are no modules themselves."""
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_shows_what_it_lists_and_nothing_else(package: str) -> None:
    module = importlib.import_module(package)
    listed = set(getattr(module, "__all__", ()))
    # Some are imported when they are first used.
    assert all(hasattr(module, name) for name in listed)
    assert visible(module) == listed


@pytest.mark.parametrize("package", PACKAGES)
def test_whatever_is_public_is_documented(package: str) -> None:
    undocumented = [
        f"{module.__name__}.{name}"
        for module in modules(package)
        for name in visible(module)
        if getattr(vars(module)[name], "__module__", None) == module.__name__
        and (inspect.isclass(vars(module)[name]) or inspect.isfunction(vars(module)[name]))
        and not inspect.getdoc(vars(module)[name])
    ]
    assert undocumented == []
