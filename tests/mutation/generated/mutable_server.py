"""The reference server, on a manual clock, as one generated mutant after another."""

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

import httpx
import msgspec

from nemolocal_conformance.context import CheckContext
from nemolocal_conformance.control_client import find_control_client
from nemolocal_conformance.target import TargetClient
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import RESET
from nemolocal_server import serving
from nemolocal_server.settings import Settings
from tests.mutation.memoized_media import MemoizedMedia
from tests.mutation.server_runner import ATTRIBUTION, SKILLS, report_contract_settings

from .generated_middleware import GeneratedMutationMiddleware, MutantSwitch
from .generated_mutant import GeneratedMutant

# Seconds after which a render is said never to end; a memoized one ends at once.
_RENDER_SECONDS = 30.0


class MutableServer(msgspec.Struct, frozen=True):
    """A server that can become any generated mutant."""

    base_url: str
    switch: MutantSwitch

    def become(self, mutant: GeneratedMutant | None) -> None:
        """Become a mutant, or right again, with nothing left of before."""
        self.switch.select(mutant)
        httpx.post(self.base_url + RESET.template, json={}, trust_env=False).raise_for_status()

    @contextlib.contextmanager
    def context(self) -> Iterator[CheckContext]:
        """Open a context for checks in which nothing has been made yet."""
        target = TargetClient(self.base_url, ATTRIBUTION)
        try:
            yield CheckContext(target, find_control_client(target))
        finally:
            target.close()


@contextlib.contextmanager
def mutable_server(media: MemoizedMedia) -> Iterator[MutableServer]:
    """Start the reference server; equal media are made once."""
    switch = MutantSwitch()
    build = vars(serving)["build_app"]

    def build_mutable(*arguments: Any) -> Any:
        app = build(*arguments)
        app.add_middleware(GeneratedMutationMiddleware, switch=switch)
        return app

    with (
        mock.patch.object(serving, "build_app", build_mutable),
        mock.patch("nemolocal_conformance.context._RENDER_TIMEOUT", _RENDER_SECONDS),
        media.patch_servers(),
        report_contract_settings(),
        serving.LocalServer(Settings(port=0, skills=SKILLS), ManualClock(autojump=True)) as server,
    ):
        yield MutableServer(server.base_url, switch)
