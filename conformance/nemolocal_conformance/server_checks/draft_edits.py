"""Section 7, edits: what each edit leaves in the draft (STA-4), in the names of section 9."""

from typing import Any

import msgspec

from ..account_context import TargetAccount
from ..assertions import expect_equal, expect_true, require_field
from ..context import CheckContext
from ..samples import CLIP
from ..server_check import server_check
from ..stable_fields import known_draft

Segment = dict[str, Any]


class _EditedDraft(msgspec.Struct, frozen=True):
    """Edits of two clips, and what must stand in the segments of the clips and of the title."""

    messages: tuple[str, ...]
    clips: tuple[Segment, ...]
    titles: tuple[Segment, ...]


_MINE = _EditedDraft(
    messages=(
        "remove the first 0.5 seconds",
        "make it twice as fast",
        "set the volume to 50%",
        "fade in over 0.3 seconds",
        "fade out over 0.4 seconds",
        "add a 0.2 second crossfade",
        "make it black and white",
        "add a title 'Hello' for 0.5 seconds",
    ),
    clips=(
        {
            "s": 0,
            "d": 750,
            "ss": 500,
            "sp": 2,
            "v": 0.5,
            "fi": 300,
            "tr": {"type": "crossfade", "d": 200},
            "fx": [{"type": "grayscale"}],
        },
        {"s": 750, "d": 1000, "sp": 2, "v": 0.5, "fo": 400, "fx": [{"type": "grayscale"}]},
    ),
    titles=({"s": 0, "d": 500, "txt": "Hello"},),
)
# Other values throughout, so that none can be taken for another.
_THEIRS = _EditedDraft(
    messages=(
        "remove the first 0.4 seconds",
        "make it 1.6x faster",
        "set the volume to 40%",
        "fade in over 0.2 seconds",
        "fade out over 0.3 seconds",
        "add a 0.1 second crossfade",
        "blur it",
        "add a red title 'Bye' at the bottom for 0.6 seconds",
    ),
    clips=(
        {
            "s": 0,
            "d": 1000,
            "ss": 400,
            "sp": 1.6,
            "v": 0.4,
            "fi": 200,
            "tr": {"type": "crossfade", "d": 100},
            "fx": [{"type": "blur"}],
        },
        {"s": 1000, "d": 1250, "sp": 1.6, "v": 0.4, "fo": 300, "fx": [{"type": "blur"}]},
    ),
    titles=({"s": 0, "d": 600, "txt": "Bye", "st": {"color": "red", "pos": "bottom-center"}},),
)
_VERTICAL, _NARROW = (1080, 1920), "9:16"


@server_check("state.segment.edits", "STA-4", prerequisite="token", credits=50, tokens=1)
def edits_stand_in_their_segments(context: CheckContext) -> None:
    """Cuts, speed, volume, fades, a transition, an effect and a title MUST appear in the segments
    of the edited draft, and in no other user's.
    """
    mine, other = context.account, _second_account(context)
    drafts = ((mine, _MINE), (other, _THEIRS))
    sessions = [_edit(context, account, wanted) for account, wanted in drafts]
    for session, (account, wanted) in zip(sessions, drafts, strict=True):
        draft = known_draft(context.read_draft(session, account))
        _expect_segments("clips", _segments(draft, 0), wanted.clips)
        _expect_segments("titles", _segments(draft, 7), wanted.titles)


def _second_account(context: CheckContext) -> TargetAccount:
    """Return another account that can pay for an edit, whatever the tariff of a local server."""
    return context.make_account() if context.has_control else context.new_account()


def _edit(context: CheckContext, account: TargetAccount, wanted: _EditedDraft) -> str:
    session = context.new_session(account)
    for _ in range(2):
        context.upload(session, CLIP, account=account)
    context.put_on_timeline(session, account)
    for message in wanted.messages:
        context.send_message(session, message, account)
    return session


def _segments(draft: dict[str, Any], kind: int) -> list[Segment]:
    tracks = [track for track in draft["t"] if track.get("tt") == kind]
    return [segment for track in tracks for segment in track.get("sg") or ()]


def _expect_segments(what: str, segments: list[Segment], due: tuple[Segment, ...]) -> None:
    """Require these fields of these segments; others may be there."""
    pairs = zip(segments, due, strict=False)
    seen = [{name: segment.get(name) for name in wanted} for segment, wanted in pairs]
    expect_equal(what, seen, list(due))


@server_check("state.canvas.follows", "STA-1", "STA-4", prerequisite="edit", credits=50, tokens=1)
def canvas_follows_the_format(context: CheckContext) -> None:
    """A vertical format MUST appear in `m` and `canvas_config` of the edited draft, and in no
    other.
    """
    other = _second_account(context)
    session = context.new_edited_session(other)
    context.send_message(session, "make it vertical", other)
    # Read once: a server that is one state behind is right the second time.
    state = require_field("data", context.read_state(session, other), "state")
    for what, holder in (
        ("m", require_field("state", state, "draft", "m")),
        ("canvas_config", require_field("state", state, "canvas_config")),
    ):
        size = tuple(require_field(what, holder, name) for name in ("width", "height"))
        expect_equal(f"width and height of {what}", size, _VERTICAL)
    ratio = require_field("state", state, "canvas_config", "ratio")
    expect_equal("ratio", ratio, _NARROW)
    mine = require_field("data", context.read_state(context.edited_session), "state")
    ratio = require_field("state", mine, "canvas_config", "ratio")
    expect_true("ratio of another draft", ratio != _NARROW, "unchanged", ratio)
    metadata = require_field("state", mine, "draft").get("m") or {}
    expect_true("m of another draft", metadata.get("height") != _VERTICAL[1], "unchanged", metadata)
