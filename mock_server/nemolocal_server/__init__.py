"""A mock of the NemoVideo backend: stateful, seeded, with real renders.

with LocalServer(Settings(port=0)) as server:
    print(server.base_url)
"""

import importlib
import typing

if typing.TYPE_CHECKING:
    from .app import build_app
    from .language_model.model_settings import ModelSettings
    from .serving import LocalServer
    from .settings import Settings

__all__ = ["LocalServer", "ModelSettings", "Settings", "build_app"]
_MODULES = {
    "LocalServer": "serving",
    "ModelSettings": "language_model.model_settings",
    "Settings": "settings",
    "build_app": "app",
}


def __getattr__(name: str) -> typing.Any:
    """Import a public name on first use, so that other modules do not import the web server."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
