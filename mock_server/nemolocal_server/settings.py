"""Everything that can be set about a server, in one frozen object made once."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from nemolocal_contract.media import SkillProfile

from .access.access_settings import check_access_settings
from .data.tokens import NewToken
from .dialect import Dialect
from .journal.journal_limits import MIN_JOURNAL_BYTES as LEAST_JOURNAL, JournalLimits
from .retention.retention_policy import TEMPORARY_RETENTION, UNLIMITED_RETENTION, Retention
from .setting_ranges import CENTURY, DAY, MAX_CREDITS, check_positive, check_range
from .turns.silent_turns import SilentTurnPolicy
from .turns.turn_schedule import CLOUD_TURN_TIMES, TurnTimes
from .uploads.url_fetcher import check_host_patterns

# 100 TB, and what DNS allows.
_MOST_BYTES = 10**14
_LONGEST_HOST = 253
Sniff = Literal["strict", "lenient"]
ClockKind = Literal["real", "scaled", "manual"]


class Tariff(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Credits: what a fresh anonymous token is given, and what operations cost (CRD-3)."""

    grant: int = 100
    editing: int = 50
    generation: int = 100

    @property
    def has_costs(self) -> bool:
        """Whether anything costs."""
        return bool(self.editing or self.generation)

    def __post_init__(self) -> None:
        """Refuse what nobody can be given or charged."""
        for name in self.__struct_fields__:
            check_range(f"tariff.{name}", getattr(self, name), 0, MAX_CREDITS)


FREE_TARIFF = Tariff(editing=0, generation=0)
"""Nothing is charged."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a server behaves.

    - `data_dir` None keeps everything in memory and a temporary folder; `port` 0 takes a free one.
    - `clock`: "real" is time as it is, and `speed` divides the waits that the cloud would make,
      such as turns and heartbeats; "scaled": time itself runs `speed` times as fast, the life of
      tokens included; "manual": it stands still until the control interface advances it.
    - `turn_times` say how long turns take: those of the cloud, unless it is to be seen what a
      client makes of others (SSE-6, SSE-11).
    - `gui` False leaves out of its texts what points at the buttons of a GUI (SSE-10) and at
      charges, for who uses it as an editor and not in the cloud's place.
    - `silence` says which edits close without a word (SSE-5); `chaos` is the chance of a fault in
      each request; `scenario` is a file of faults to arm and settings to switch, or the name of
      one that comes with the server.
    - `render_queue` are the fewest and the most seconds that a render waits before it begins
      (REN-10: 30 to 90 s pass in the cloud; none here unless asked for).
    - `address_limit` is how many tokens one address gets in a token's lifetime (AUTH-4: 10 in the
      cloud; None, since everything local is one address).
    - `upload_limit`, in bytes, overrides the skill's own (UPL-4).
    - `sniff`: "strict" refuses a file whose content is of another kind than its name says (UPL-3),
      "lenient" takes it for what it is, as phones and browsers do, if that kind is accepted.
    - `fetch_from` are the hosts that URL uploads may name (`host`, `host:port`, `*` for any), for
      `fetch_seconds` at most; none by default, so that the server never reaches out (UPL-6).
    - `control` False leaves out the control interface, all of it but the health check;
      `control_token` is what its calls must bring (`X-Nemolocal-Control-Token`). Without one, a
      server that others can reach makes one at its start, and one on loopback asks for none.
    - `allowed_hosts` are names by which clients may call this server (`host`, `host:port`, `*` for
      any part) besides loopback and the addresses that it listens on.
    - `public_url` is the address that it gives out, path prefix and all; without it, the one that
      the client used. `X-Forwarded-*` is believed from `trusted_proxies` (addresses or networks).
    - `journal` is how much the journal keeps at most, `retention` how long and how much the data
      folder keeps: None is for ever in a folder that is named, and a month and 10 GB without one.
    - `skills` are profiles besides the known ones, `tokens` are made at start-up (AUTH-6).
    """

    host: str = "127.0.0.1"
    port: int = 8787
    data_dir: Path | None = None
    seed: int = 0
    clock: ClockKind = "real"
    speed: float = 50.0
    turn_times: TurnTimes = CLOUD_TURN_TIMES
    gui: bool = True
    silence: SilentTurnPolicy = SilentTurnPolicy()
    chaos: float = 0.0
    scenario: str = ""
    render_queue: tuple[float, float] = (0.0, 0.0)
    token_lifetime: float = 7 * DAY
    address_limit: int | None = None
    upload_limit: int | None = None
    sniff: Sniff = "strict"
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
        """Refuse values that make no sense, naming the setting."""
        if not 0 <= self.chaos <= 1:
            raise ValueError(f"chaos must be from 0 to 1, not {self.chaos}")
        if not 0 <= self.render_queue[0] <= self.render_queue[1] <= DAY:
            raise ValueError(
                f"render_queue must be two rising numbers up to {DAY:.0f}, not {self.render_queue}"
            )
        if not 0 <= self.port <= 65_535:
            raise ValueError(f"port must be from 0 to 65535, not {self.port}")
        if not self.host.isprintable() or len(self.host) > _LONGEST_HOST:
            raise ValueError(f"host must be a name or an address, not {self.host!r}")
        check_positive("speed", self.speed, 1e9)
        check_range("seed", self.seed, -(2**63), 2**63 - 1)
        check_positive("token_lifetime", self.token_lifetime, CENTURY)
        check_positive("fetch_seconds", self.fetch_seconds, DAY)
        if self.address_limit is not None:
            check_range("address_limit", self.address_limit, 1, 10**9)
        if self.upload_limit is not None:
            check_range("upload_limit", self.upload_limit, 1, _MOST_BYTES)
        for number, skill in enumerate(self.skills):
            check_range(f"skills[{number}].upload_limit", skill.upload_limit, 1, _MOST_BYTES)
        check_host_patterns(self.fetch_from)
        check_access_settings(self)
        self._refuse_tokens_twice()

    @property
    def effective_retention(self) -> Retention:
        """The retention that counts."""
        if self.retention is not None:
            return self.retention
        return TEMPORARY_RETENTION if self.data_dir is None else UNLIMITED_RETENTION

    @property
    def effective_journal_limits(self) -> JournalLimits:
        """The limits of the journal that count: it takes a quarter of the data folder at most."""
        if not self.effective_retention.max_bytes:
            return self.journal
        room = max(self.effective_retention.max_bytes // 4, LEAST_JOURNAL)
        return msgspec.structs.replace(self.journal, max_bytes=min(self.journal.max_bytes, room))

    def _refuse_tokens_twice(self) -> None:
        for name in ("user_id", "token"):
            given = [value for token in self.tokens if (value := getattr(token, name)) is not None]
            if len(given) != len(set(given)):
                # Which token it is is nobody's business.
                twice = next(value for value in given if given.count(value) > 1)
                shown = f" ({twice!r})" if name == "user_id" else ""
                raise ValueError(f"tokens: two of them have the same {name}{shown}: change one")


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Return the value of a deprecated name."""
        if name != "Silence":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        message = "Silence is deprecated: use SilentTurnPolicy"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return SilentTurnPolicy
