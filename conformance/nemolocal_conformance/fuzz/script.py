"""Scripts: calls as data, each with its arguments and names for what earlier calls created.

A name refers to what a call created on the server: an account by the client that requested the
token, a session or render by any word. A name that no call created refers to something that does
not exist; a name that was created twice refers to the later one. So every list of steps is a valid
script, and so is every part of it.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import msgspec

from nemolocal_contract.responses import encode_json

from ..context import PUT_ON_TIMELINE

OWN_ACCOUNT = "own"
"""The account of the run: that of the token given, else one made for all scripts."""
TALK_MESSAGES = ("hello", "what can you do?")
TITLE_MESSAGE = "add a title 'Hello' for 1 second"
EDIT_MESSAGES = (PUT_ON_TIMELINE, TITLE_MESSAGE)
EDIT_PRICE, CLIP_PRICE = 50, 100

AuthKind = Literal["good", "none", "malformed", "unknown", "claim", "in-query"]
UserKind = Literal["me", "own", "other"]
DraftKind = Literal["title", "seen", "empty", "unknown-media", "negative-time"]
ObjectName = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9-]{0,15}$")]
_SampleName = Literal["clip.mp4", "picture.png", "sound.wav", "notes.txt"]
_YEAR = 365 * 86_400


class ScriptStep(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="call"
):
    """One step; `rule` is the main rule that it tests."""

    rule: ClassVar[str] = "GEN-1"


class TokenStep(ScriptStep, frozen=True, tag="token"):
    """Request an anonymous token, with a valid or an invalid client id (AUTH-1 to AUTH-3)."""

    rule: ClassVar[str] = "AUTH-1"
    client: ObjectName
    how: Literal["good", "missing", "empty", "too-long"] = "good"


class AccountStep(ScriptStep, frozen=True, kw_only=True):
    """A call on behalf of an account; `auth` says how it sends the token (GEN-3, GEN-5)."""

    by: ObjectName
    auth: AuthKind = "good"


class BalanceStep(AccountStep, frozen=True, tag="balance"):
    """Read the credits."""

    rule: ClassVar[str] = "CRD-1"


class SessionStep(AccountStep, frozen=True, tag="session"):
    """Open a session and name it; `broken` sends invalid JSON."""

    rule: ClassVar[str] = "SES-1"
    session: ObjectName
    language: Literal["en", "zh", ""] = "en"
    user: UserKind = "me"
    broken: bool = False


class StateStep(AccountStep, frozen=True, tag="state"):
    """Read the state of a session."""

    rule: ClassVar[str] = "STA-1"
    session: ObjectName
    user: UserKind = "me"


class UploadStep(AccountStep, frozen=True, tag="upload"):
    """Upload samples by name; `notes.txt` is not of an accepted type."""

    rule: ClassVar[str] = "UPL-1"
    session: ObjectName
    files: Annotated[tuple[_SampleName, ...], msgspec.Meta(min_length=1, max_length=8)]


class UrlUploadStep(AccountStep, frozen=True, tag="link"):
    """Upload by a URL that no server may fetch."""

    rule: ClassVar[str] = "UPL-6"
    session: ObjectName
    url: Literal["file:///etc/passwd", "ftp://localhost/a.mp4"] = "file:///etc/passwd"


class MessageStep(AccountStep, frozen=True, tag="say"):
    """Send a message and read the stream to its end."""

    rule: ClassVar[str] = "SSE-1"
    session: ObjectName
    message: Annotated[str, msgspec.Meta(max_length=20_000)]


class ClaimStep(AccountStep, frozen=True, tag="claim"):
    """Request a claim token."""

    rule: ClassVar[str] = "AUTH-7"
    session: ObjectName


class ExportStep(AccountStep, frozen=True, tag="export"):
    """Export a draft; `seen` is the draft of the session's last state read."""

    rule: ClassVar[str] = "REN-1"
    session: ObjectName
    render: ObjectName
    draft: DraftKind = "title"
    attributed: bool = True


class StatusStep(AccountStep, frozen=True, tag="look"):
    """Read the status of a render once."""

    rule: ClassVar[str] = "REN-4"
    render: ObjectName


class FollowStep(AccountStep, frozen=True, tag="follow"):
    """Poll until the render has ended, and download its file."""

    rule: ClassVar[str] = "REN-5"
    render: ObjectName


class CancelStep(AccountStep, frozen=True, tag="cancel"):
    """Cancel a render."""

    rule: ClassVar[str] = "REN-8"
    render: ObjectName


class DownloadStep(AccountStep, frozen=True, tag="download"):
    """Download the file of a render by the fallback."""

    rule: ClassVar[str] = "REN-8"
    render: ObjectName


class WaitStep(ScriptStep, frozen=True, tag="wait"):
    """Advance the server's clock."""

    rule: ClassVar[str] = "AUTH-5"
    seconds: Annotated[float, msgspec.Meta(ge=0, le=_YEAR)]


AnyStep = (
    TokenStep | BalanceStep | SessionStep | StateStep | UploadStep | UrlUploadStep | MessageStep
    | ClaimStep
    | ExportStep | StatusStep | FollowStep | CancelStep | DownloadStep | WaitStep
)  # fmt: skip


class CallScript(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Calls in order; `found` describes the violation that the script once caused."""

    steps: Annotated[tuple[AnyStep, ...], msgspec.Meta(min_length=1, max_length=1_000)]
    found: str = ""


class ScriptUnreadable(Exception):
    """A file is not a script; the text says where and why."""


def read_script(path: Path) -> CallScript:
    """Read a script from a JSON file."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=CallScript)
    except OSError as error:
        raise ScriptUnreadable(f"{path}: {error.strerror}") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise ScriptUnreadable(f"{path}: {error}") from error


def format_script(script: CallScript) -> str:
    """Return the script as readable JSON, with one line for each step."""
    steps = ",\n".join(f"    {encode_json(step).decode()}" for step in script.steps)
    found = encode_json(script.found).decode()
    return f'{{\n  "found": {found},\n  "steps": [\n{steps}\n  ]\n}}\n'


class ScriptCost(msgspec.Struct, frozen=True):
    """The maximum cost of a script on a real account."""

    credits: int = 0
    tokens: int = 0


def script_cost(script: CallScript) -> ScriptCost:
    """Return the maximum cost of these calls; the token of `own` is shared and not counted."""
    clients = {s.client for s in script.steps if isinstance(s, TokenStep) and s.how == "good"}
    return ScriptCost(sum(_turn_prices(script.steps)), len(clients))


def _turn_prices(steps: Iterable[ScriptStep]) -> Iterable[int]:
    paid: set[tuple[str, str]] = set()
    for step in steps:
        if isinstance(step, SessionStep):
            # Whoever opens a new session pays for its first edit again.
            paid -= {(step.by, step.session)}
        if (
            not isinstance(step, MessageStep)
            or step.message in TALK_MESSAGES
            or not step.message.strip()
        ):
            continue
        if (step.by, step.session) not in paid:
            yield EDIT_PRICE
        paid.add((step.by, step.session))
        if step.message not in EDIT_MESSAGES:
            yield CLIP_PRICE
