"""Everything that can be set about a server, in one frozen object made once."""

from pathlib import Path
from typing import Literal

import msgspec

from nemolocal_contract.media import SkillProfile

from .agent.turn_plan import TURN_TIMES, TurnTimes
from .dialect import Dialect
from .silence import Silence
from .tokens import NewToken

DAY = 86_400.0
Sniff = Literal["strict", "lenient"]
ClockKind = Literal["real", "scaled", "manual"]


class Tariff(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Credits: what a fresh anonymous token is given, and what operations cost (CRD-3)."""

    grant: int = 100
    editing: int = 50
    generation: int = 100


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a server behaves.

    - `data_dir` None keeps everything in memory and a temporary folder; `port` 0 takes a free one.
    - `clock`: "real" is time as it is, and `speed` divides the waits that the cloud would make,
      such as turns and heartbeats; "scaled": time itself runs `speed` times as fast, the life of
      tokens included; "manual": it stands still until the control interface advances it.
    - `turn_times` say how long turns take: those of the cloud, unless it is to be seen what a
      client makes of others (SSE-6, SSE-11).
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
    - `control` False leaves out the control interface, all of it but the health check.
    - `skills` are profiles besides the known ones, `tokens` are made at start-up (AUTH-6).
    """

    host: str = "127.0.0.1"
    port: int = 8787
    data_dir: Path | None = None
    seed: int = 0
    clock: ClockKind = "real"
    speed: float = 50.0
    turn_times: TurnTimes = TURN_TIMES
    silence: Silence = Silence()
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

    def __post_init__(self) -> None:
        """Refuse values that make no sense, naming the setting."""
        if not 0 <= self.chaos <= 1:
            raise ValueError(f"chaos must be from 0 to 1, not {self.chaos}")
        if not 0 <= self.render_queue[0] <= self.render_queue[1]:
            raise ValueError(f"render_queue must be two rising numbers, not {self.render_queue}")
        if not 0 <= self.port <= 65_535:
            raise ValueError(f"port must be from 0 to 65535, not {self.port}")
        if not self.speed > 0:
            raise ValueError(f"speed must be greater than 0, not {self.speed}")
