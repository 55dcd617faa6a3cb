"""The command run in this process, and a local server that renders without FFmpeg."""

from contextlib import ExitStack
from typing import Any

import msgspec
import pytest

from nemolocal.main import main
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from nemolocal_server.turns.silent_turns import SilentTurnPolicy
from tests.support.executor import FakeRenderExecutor


class CommandResult(msgspec.Struct, frozen=True):
    """The exit status of a command and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class CommandRunner:
    """Runs `nemolocal` in this process."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *arguments: object) -> CommandResult:
        status = main([str(argument) for argument in arguments])
        printed = self._capture.readouterr()
        return CommandResult(status, printed.out, printed.err)


class ServerStarter:
    """Starts local servers with a renderer of ours; each stays until `close`."""

    def __init__(self, renderer: FakeRenderExecutor) -> None:
        self._renderer = renderer
        self._servers = ExitStack()

    def __call__(self, **settings: Any) -> str:
        """A server with these settings; its base URL."""
        settings.setdefault("silence", SilentTurnPolicy(rate=settings.pop("silent_rate", 0.0)))
        chosen = Settings(**{"port": 0, "speed": 1e6, **settings})
        server = LocalServer(chosen, execute=self._renderer)
        return self._servers.enter_context(server).base_url

    def close(self) -> None:
        self._servers.close()
