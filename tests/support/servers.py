"""Servers on real sockets, in threads of the test process."""

from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

from nemolocal_contract.clock import Clock, ManualClock
from nemolocal_contract.media import ExtraExtension, SkillProfile
from nemolocal_contract.responses import RenderDialect
from nemolocal_contract.turn_events import HeartbeatForm, SseDialect
from nemolocal_server.data.tokens import NewToken, NotUnderstood
from nemolocal_server.dialect import Dialect, ErrorStyle
from nemolocal_server.exports.render_executor import RenderExecutor
from nemolocal_server.journal.journal_limits import JournalLimits
from nemolocal_server.language_model.model_settings import ModelSettings
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings, Tariff
from nemolocal_server.turns.silent_turns import SilentTurnPolicy


class ServerSettings(TypedDict, total=False):
    """The fields of `Settings`, those of `Dialect`, and `silent_rate` for `Silence(rate=…)`."""

    data_dir: Path | None
    seed: int
    speed: float
    silence: SilentTurnPolicy
    silent_rate: float
    not_understood: NotUnderstood
    model: ModelSettings
    chaos: float
    scenario: str
    render_queue: tuple[float, float]
    token_lifetime: float
    address_limit: int | None
    upload_limit: int | None
    sniff: Literal["strict", "lenient"]
    extra_uploads: tuple[ExtraExtension, ...]
    fetch_from: tuple[str, ...]
    fetch_seconds: float
    tariff: Tariff
    skills: tuple[SkillProfile, ...]
    tokens: tuple[NewToken, ...]
    control: bool
    control_token: str
    allowed_hosts: tuple[str, ...]
    public_url: str
    trusted_proxies: tuple[str, ...]
    journal: JournalLimits
    dialect: Dialect
    sse: SseDialect
    heartbeat: HeartbeatForm
    heartbeat_seconds: float
    render: RenderDialect
    errors: ErrorStyle
    export_402: Literal["strict", "out_of_credits"]


def server_settings(**chosen: Unpack[ServerSettings]) -> Settings:
    """Settings on a free port, and without silent edits unless they are asked for."""
    fields: dict[str, Any] = dict(chosen)
    fields.setdefault("silence", SilentTurnPolicy(rate=fields.pop("silent_rate", 0.0)))
    spoken = {name: fields.pop(name) for name in Dialect.__struct_fields__ if name in fields}
    fields.setdefault("dialect", Dialect(**spoken))
    return Settings(port=0, **fields)


class ServerFactory:
    """Starts servers for one test and stops them after it."""

    def __init__(self) -> None:
        self._open: list[LocalServer] = []

    def start(
        self,
        execute: RenderExecutor | None = None,
        clock: Clock | None = None,
        **settings: Unpack[ServerSettings],
    ) -> str:
        """The base URL of a new server, whose waits pass at once unless it has another clock."""
        chosen = clock or ManualClock(autojump=True)
        server = LocalServer(server_settings(**settings), chosen, execute)
        self._open.append(server.__enter__())
        return server.base_url

    def stop(self) -> None:
        while self._open:
            self._open.pop().__exit__(None, None, None)
