"""Section 7, edits: what each edit leaves in the draft (STA-4), in the names of section 9."""

from typing import Any

from ..assertions import expect_equal, expect_true, require_field
from ..context import CheckContext
from ..samples import CLIP
from ..server_check import server_check
from ..stable_fields import known_draft

# Each with what it leaves in the first clip, in the second, or in the title.
_EDITS = (
    "make it twice as fast",
    "set the volume to 50%",
    "fade in over 0.5 seconds",
    "fade out over 0.4 seconds",
    "add a 0.3 second crossfade",
    "make it black and white",
    "add a title 'Hello' for 1 second",
    "add a red title 'Bye' at the bottom for 1 second",
)
_BOTH: dict[str, Any] = {"d": 1000, "ss": 0, "sp": 2, "v": 0.5}
_FIRST: dict[str, Any] = {"s": 0, "fi": 500, **_BOTH, "tr": {"type": "crossfade", "d": 300}}
_SECOND: dict[str, Any] = {"s": 1000, "fo": 400, **_BOTH}
_HELLO: dict[str, Any] = {"s": 0, "d": 1000, "txt": "Hello"}
_BYE: dict[str, Any] = {
    **_HELLO,
    "txt": "Bye",
    "st": {"color": "red", "pos": "bottom-center"},
}
_VERTICAL = (1080, 1920)


_Segment = dict[str, Any]


def _segments(draft: dict[str, Any], kind: int) -> list[_Segment]:
    tracks = [track for track in draft["t"] if track.get("tt") == kind]
    return [segment for track in tracks for segment in track.get("sg") or ()]


@server_check("state.segment.edits", "STA-4", prerequisite="token", credits=50)
def edits_stand_in_their_segments(context: CheckContext) -> None:
    """Speed, volume, fades, a transition, an effect and a title MUST stand in their segments."""
    session = context.new_session()
    for _ in range(2):
        context.upload(session, CLIP)
    context.put_on_timeline(session)
    for message in _EDITS:
        context.send_message(session, message)
    draft = known_draft(context.read_draft(session))
    clips = _segments(draft, 0)
    _expect_segments("clips", clips, [_FIRST, _SECOND])
    _expect_segments("titles", _segments(draft, 7), [_HELLO, _BYE])
    for clip in clips:
        types = [effect.get("type") for effect in clip.get("fx") or () if isinstance(effect, dict)]
        expect_equal("fx", types, ["grayscale"])


def _expect_segments(what: str, segments: list[_Segment], due: list[_Segment]) -> None:
    """Require these fields of these segments; others may be there."""
    pairs = zip(segments, due, strict=False)
    seen = [{name: segment.get(name) for name in wanted} for segment, wanted in pairs]
    expect_equal(what, seen, due)


@server_check("state.canvas.follows", "STA-1", "STA-4", prerequisite="token", credits=50)
def canvas_follows_the_format(context: CheckContext) -> None:
    """A vertical format MUST stand in `m` of the draft and in `canvas_config`."""
    session = context.new_edited_session()
    context.send_message(session, "make it vertical")
    # Read once: a server that is one state behind is right the second time.
    state = require_field("data", context.read_state(session), "state")
    for what, holder in (
        ("m", require_field("state", state, "draft", "m")),
        ("canvas_config", require_field("state", state, "canvas_config")),
    ):
        size = tuple(require_field(what, holder, name) for name in ("width", "height"))
        expect_equal(f"width and height of {what}", size, _VERTICAL)
    ratio = require_field("state", state, "canvas_config", "ratio")
    expect_true("ratio", ratio == "9:16", "9:16", ratio)
