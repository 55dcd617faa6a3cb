"""The settings of a server."""

import ipaddress
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from nemolocal_contract.media import ExtraExtension, SkillProfile

from .access.addresses import canonical_pattern, parse_public_url
from .data.tokens import NewToken, NotUnderstood
from .dialect import Dialect
from .journal.journal_limits import MIN_JOURNAL_BYTES as LEAST_JOURNAL, JournalLimits
from .language_model.model_settings import ModelSettings
from .retention.retention_policy import TEMPORARY_RETENTION, UNLIMITED_RETENTION, Retention
from .setting_ranges import CENTURY, DAY, MAX_CREDITS, check_positive, check_range
from .turns.silent_turns import SilentTurnPolicy
from .turns.turn_schedule import CLOUD_TURN_TIMES, TurnTimes
from .uploads.url_fetcher import check_host_patterns

_MAX_BYTES = 10**14
_MAX_HOST_LENGTH = 253  # of DNS
_CONTROL_TOKEN = re.compile(r"[\x21-\x7e]{1,256}")
Sniff = Literal["strict", "lenient"]
ClockKind = Literal["real", "scaled", "manual"]


class Tariff(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The credits of a new anonymous token, and the prices of operations (CRD-3)."""

    grant: int = 100
    editing: int = 50
    generation: int = 100

    @property
    def has_costs(self) -> bool:
        """Whether any operation has a price."""
        return bool(self.editing or self.generation)

    def __post_init__(self) -> None:
        """Raise ValueError for amounts out of range."""
        for name in self.__struct_fields__:
            check_range(f"tariff.{name}", getattr(self, name), 0, MAX_CREDITS)


FREE_TARIFF = Tariff(editing=0, generation=0)
"""All operations are free."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of a server.

    - `data_dir` None uses memory and a temporary folder; `port` 0 takes a free port.
    - `clock`: "real" is real time, and `speed` divides the waits of the cloud, such as turns and
      heartbeats; "scaled": time itself runs `speed` times as fast, also for the expiry of tokens;
      "manual": time stands still until the control API advances it.
    - `turn_times` are the lengths of turns, by default those of the cloud (SSE-6, SSE-11).
    - `gui` False omits the parts of texts that refer to the buttons of a GUI (SSE-10) and to
      charges, for using the server as an editor and not as a mock of the cloud.
    - `not_understood`: what a message that is not understood gets. "try" answers as the cloud's
      agent does: an edit turn, charged, whose edit is a stand-in that is marked as simulated;
      "ask" asks what is meant, "refuse" says that it was not understood. `nemolocal serve` begins
      with "try".
    - `model` is the language model that is asked where the rules do not understand a message.
    - `silence` decides which edits end without a text (SSE-5); `chaos` is the probability of a
      fault in each request; `scenario` is a file of faults to arm and settings to change, or the
      name of a built-in one.
    - `render_queue` is the range of seconds that a render waits before it starts (REN-10: 30 to
      90 s in the cloud, none here by default).
    - `address_limit` is how many tokens an address gets within the lifetime of a token (AUTH-4: 10
      in the cloud; None by default, since all local clients have the same address).
    - `upload_limit`, in bytes, overrides that of the skill (UPL-4).
    - `sniff`: "strict" refuses a file whose content does not match its extension (UPL-3),
      "lenient" uses the type of the content, as phones and browsers do, if that is accepted.
    - `extra_uploads` are types that are accepted besides the 13 of the contract: color lookup
      tables ("cube") and subtitles ("srt", "vtt"); none by default, as in the cloud (UPL-3).
    - `fetch_from` are the hosts that URL uploads may use (`host`, `host:port`, `*` for any), for
      `fetch_seconds` at most; none by default, so that the server sends no requests (UPL-6).
    - `control` False removes the control API except the health check; `control_token` is required
      by its calls (`X-Nemolocal-Control-Token`). Without one, a server that other machines can
      reach creates one at its start, and a server on loopback needs none.
    - `allowed_hosts` are names by which clients may call this server (`host`, `host:port`, `*` for
      any part) besides loopback and the addresses that it listens on.
    - `public_url` is the base of URLs in responses, with any path prefix; without it, that of the
      request. `X-Forwarded-*` is trusted from `trusted_proxies` (addresses or networks).
    - `journal` limits the journal, `retention` limits age and size of the data folder: None is no
      limit with `data_dir`, else a month and 10 GB.
    - `skills` are profiles besides the known ones, `tokens` are created at start-up (AUTH-6).
    """

    host: str = "127.0.0.1"
    port: int = 8787
    data_dir: Path | None = None
    seed: int = 0
    clock: ClockKind = "real"
    speed: float = 50.0
    turn_times: TurnTimes = CLOUD_TURN_TIMES
    gui: bool = True
    not_understood: NotUnderstood = "refuse"
    model: ModelSettings = ModelSettings()
    silence: SilentTurnPolicy = SilentTurnPolicy()
    chaos: float = 0.0
    scenario: str = ""
    render_queue: tuple[float, float] = (0.0, 0.0)
    token_lifetime: float = 7 * DAY
    address_limit: int | None = None
    upload_limit: int | None = None
    sniff: Sniff = "strict"
    extra_uploads: tuple[ExtraExtension, ...] = ()
    fetch_from: tuple[str, ...] = ()
    fetch_seconds: float = 30.0
    tariff: Tariff = Tariff()
    skills: tuple[SkillProfile, ...] = ()
    tokens: tuple[NewToken, ...] = ()
    dialect: Dialect = Dialect()
    control: bool = True
    control_token: str = ""
    allowed_hosts: tuple[str, ...] = ()
    public_url: str = ""
    trusted_proxies: tuple[str, ...] = ()
    journal: JournalLimits = JournalLimits()
    retention: Retention | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for values out of range, naming the setting."""
        if not 0 <= self.chaos <= 1:
            raise ValueError(f"chaos must be from 0 to 1, not {self.chaos}")
        if not 0 <= self.render_queue[0] <= self.render_queue[1] <= DAY:
            raise ValueError(
                f"render_queue must be two rising numbers up to {DAY:.0f}, not {self.render_queue}"
            )
        if not 0 <= self.port <= 65_535:
            raise ValueError(f"port must be from 0 to 65535, not {self.port}")
        if not self.host.isprintable() or len(self.host) > _MAX_HOST_LENGTH:
            raise ValueError(f"host must be a name or an address, not {self.host!r}")
        check_positive("speed", self.speed, 1e9)
        check_range("seed", self.seed, -(2**63), 2**63 - 1)
        check_positive("token_lifetime", self.token_lifetime, CENTURY)
        check_positive("fetch_seconds", self.fetch_seconds, DAY)
        if self.address_limit is not None:
            check_range("address_limit", self.address_limit, 1, 10**9)
        if self.upload_limit is not None:
            check_range("upload_limit", self.upload_limit, 1, _MAX_BYTES)
        for number, skill in enumerate(self.skills):
            check_range(f"skills[{number}].upload_limit", skill.upload_limit, 1, _MAX_BYTES)
        check_host_patterns(self.fetch_from)
        self._check_access()
        self._check_unique_tokens()

    @property
    def effective_retention(self) -> Retention:
        """The retention, with its default for this data folder."""
        if self.retention is not None:
            return self.retention
        return TEMPORARY_RETENTION if self.data_dir is None else UNLIMITED_RETENTION

    @property
    def effective_journal_limits(self) -> JournalLimits:
        """The limits of the journal, which takes at most a quarter of the data folder."""
        if not self.effective_retention.max_bytes:
            return self.journal
        room = max(self.effective_retention.max_bytes // 4, LEAST_JOURNAL)
        return msgspec.structs.replace(self.journal, max_bytes=min(self.journal.max_bytes, room))

    def _check_access(self) -> None:
        if self.control_token and not _CONTROL_TOKEN.fullmatch(self.control_token):
            # The message does not show it: it may be a secret with a typing error.
            raise ValueError(
                "control_token must be 1 to 256 visible ASCII characters without spaces"
            )
        try:
            setting = "allowed_hosts"
            for host in self.allowed_hosts:
                canonical_pattern(host)
            setting = "public_url"
            if self.public_url:
                parse_public_url(self.public_url)
        except ValueError as error:
            raise ValueError(f"{setting} {error}") from None
        for proxy in self.trusted_proxies:
            try:
                ipaddress.ip_network(proxy, strict=False)
            except ValueError:
                raise ValueError(
                    "trusted_proxies must be IP addresses or networks, for instance 10.0.0.0/8, "
                    f"not {proxy!r}"
                ) from None

    def _check_unique_tokens(self) -> None:
        for name in ("user_id", "token"):
            values = [value for token in self.tokens if (value := getattr(token, name)) is not None]
            if len(values) != len(set(values)):
                # A user id may be shown, a token is a secret.
                repeated = next(value for value in values if values.count(value) > 1)
                shown = f" ({repeated!r})" if name == "user_id" else ""
                raise ValueError(f"tokens: two of them have the same {name}{shown}: change one")


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Return the value of a deprecated name."""
        if name != "Silence":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        message = "Silence is deprecated: use SilentTurnPolicy"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return SilentTurnPolicy
