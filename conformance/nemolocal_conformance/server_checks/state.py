"""Section 7: the state and its draft (STA-1 to STA-5)."""

from typing import Any

from nemolocal_contract import endpoints as wire
from nemolocal_contract.responses import ResponseCode

from ..assertions import expect_equal, expect_one_of, expect_true, expect_type, require_field
from ..context import CheckContext
from ..error_assertions import expect_error
from ..samples import CLIP, CLIP_SECONDS, CLIP_SIZE, SOUND
from ..server_check import server_check
from ..stable_fields import known_draft

_TITLE = "add a title 'Hello' for 1 second"
# What every segment of a clip has.
_CLIP_NAMES = ("id", "s", "d", "src")


def _segments(draft: dict[str, Any]) -> list[dict[str, Any]]:
    return [segment for track in draft["t"] for segment in track.get("sg") or ()]


@server_check("state.fields.outer", "STA-1", prerequisite="session")
def state_names_its_session(context: CheckContext) -> None:
    """The `data` of a state MUST have session_id, task_id, task_name, user_id and state."""
    data = context.read_state(context.session)
    for name in ("session_id", "task_id", "task_name", "user_id"):
        expect_type(f"data.{name}", require_field("data", data, name), str)
    expect_equal("data.session_id", data["session_id"], context.session)
    expect_type("data.state", require_field("data", data, "state"), dict)


@server_check("state.fields.inner", "STA-1", prerequisite="session")
def state_has_its_parts(context: CheckContext) -> None:
    """The `data.state` of a state MUST have draft, video_infos, canvas_config, generated_media."""
    state = require_field("data", context.read_state(context.session), "state")
    expect_type("draft", require_field("state", state, "draft"), dict)
    expect_type("video_infos", require_field("state", state, "video_infos"), list)
    expect_type("generated_media", require_field("state", state, "generated_media"), list)
    canvas = require_field("state", state, "canvas_config")
    for name in ("width", "height", "ratio"):
        require_field("canvas_config", canvas, name)


@server_check("state.fields.ids", "STA-1", "SES-1", prerequisite="token")
def state_has_the_ids_of_its_session(context: CheckContext) -> None:
    """A state MUST have the task, session and user ids with which the session was created."""
    body = {"task_name": "project", "language": "en"}
    opened = context.call(wire.SESSION, json=body).data
    session = str(require_field("data", opened, "session_id"))
    shown = context.read_state(session)
    for name in ("task_id", "session_id", "user_id"):
        told = require_field("data of the session", opened, name)
        expect_equal(f"data.{name}", require_field("data", shown, name), told)


@server_check("state.fields.task-name", "STA-1", "SES-1", prerequisite="token")
def task_name_is_kept(context: CheckContext) -> None:
    """`task_name` MUST be the name that the session was created with."""
    session = context.new_session(task_name="holiday film")
    name = require_field("data", context.read_state(session), "task_name")
    expect_equal("data.task_name", name, "holiday film")


@server_check("state.canvas.types", "STA-1", prerequisite="edit")
def canvas_is_measured_in_pixels(context: CheckContext) -> None:
    """`canvas_config` MUST have whole numbers in `width` and `height`, and a string in `ratio`."""
    for session in (context.session, context.edited_session):
        canvas = require_field("data", context.read_state(session), "state", "canvas_config")
        for name, kind in {"width": int, "height": int, "ratio": str}.items():
            expect_type(f"canvas_config.{name}", require_field("state", canvas, name), kind)


@server_check("state.canvas.of-clip", "STA-1", prerequisite="edit", assumed=True)
def canvas_is_that_of_the_clip(context: CheckContext) -> None:
    """With a single clip, `canvas_config` MUST have the width, height and ratio of the clip."""
    state = require_field("data", context.read_state(context.edited_session), "state")
    canvas = require_field("state", state, "canvas_config")
    size = tuple(require_field("canvas_config", canvas, name) for name in ("width", "height"))
    expect_equal("width and height", size, CLIP_SIZE)
    ratio = str(require_field("canvas_config", canvas, "ratio"))
    sides = ratio.split(":")
    fits = len(sides) == 2 and all(side.isdecimal() for side in sides)
    fits = fits and int(sides[0]) * CLIP_SIZE[1] == int(sides[1]) * CLIP_SIZE[0]
    expect_true("ratio", fits, "that of {} to {}".format(*CLIP_SIZE), ratio)


@server_check("state.uploads.more", "STA-1", "UPL-2", prerequisite="token")
def later_uploads_are_added(context: CheckContext) -> None:
    """A later upload MUST be added to `video_infos` with its own name, type and size."""
    session = context.new_session()
    for name in (CLIP, SOUND):
        context.upload(session, name)
    infos = require_field("data", context.read_state(session), "state", "video_infos")
    expect_equal("names", [info.get("filename") for info in infos], [CLIP, SOUND])
    expect_equal("file types", [info.get("file_type") for info in infos], ["video", "audio"])
    size = (infos[0].get("width"), infos[0].get("height"))
    expect_equal("width and height of the clip", size, CLIP_SIZE)


@server_check("state.uploads.listed", "STA-1", "UPL-2", prerequisite="upload")
def uploads_are_in_video_infos(context: CheckContext) -> None:
    """Uploaded files MUST be listed in `video_infos`."""
    infos = require_field(
        "data", context.read_state(context.uploaded_session), "state", "video_infos"
    )
    names = [expect_type("video_infos", info, dict).get("filename") for info in infos]
    expect_equal("names in video_infos", names, [CLIP])


@server_check("state.draft.names", "STA-2", prerequisite="edit")
def draft_has_short_names(context: CheckContext) -> None:
    """A draft MUST have its tracks in `t`, each with `tt` and `sg`, and its length in `d`."""
    draft = context.read_draft(context.edited_session)
    tracks = expect_type("t", require_field("draft", draft, "t"), list)
    expect_type("d", require_field("draft", draft, "d"), int, float)
    for track in tracks:
        expect_one_of("tt", require_field("track", track, "tt"), (0, 1, 7))
        expect_type("sg", require_field("track", track, "sg"), list)


@server_check("state.draft.video-type", "STA-2", prerequisite="edit")
def video_is_of_type_0(context: CheckContext) -> None:
    """A clip MUST be on a track of type 0."""
    types = _filled_types(context.read_draft(context.edited_session))
    expect_equal("types of tracks", types, [0])


@server_check("state.draft.text-type", "STA-2", prerequisite="token", credits=50)
def title_is_of_type_7(context: CheckContext) -> None:
    """A title MUST be on a track of type 7."""
    session = context.new_edited_session()
    context.send_message(session, _TITLE)
    types = _filled_types(context.read_draft(session))
    expect_equal("types of tracks", sorted(types), [0, 7])


@server_check("state.draft.audio-type", "STA-2", prerequisite="token", credits=50)
def sound_is_of_type_1(context: CheckContext) -> None:
    """Music MUST be on a track of type 1."""
    session = context.new_edited_session()
    context.send_message(session, "add lo-fi music")
    types = _filled_types(context.read_draft(session))
    expect_equal("types of tracks", sorted(types), [0, 1])


def _filled_types(draft: dict[str, Any]) -> list[int]:
    """Return the types of the tracks that have segments."""
    return [
        expect_type("tt", require_field("track", track, "tt"), int)
        for track in draft["t"]
        if track.get("sg")
    ]


@server_check("state.draft.milliseconds", "STA-2", prerequisite="edit")
def draft_is_measured_in_milliseconds(context: CheckContext) -> None:
    """Durations MUST be in milliseconds: a clip of 2 s has a duration of 2000."""
    draft = context.read_draft(context.edited_session)
    length = expect_type("d", require_field("draft", draft, "d"), int, float)
    off = abs(length - 1000 * CLIP_SECONDS)
    expect_true("d", off <= 100, "2000, within a few frames", length)


@server_check("state.ready.after-edit", "STA-3", prerequisite="token", credits=50)
def edited_draft_is_ready(context: CheckContext) -> None:
    """After a clip is added, the timeline MUST have a track with a segment in `sg`."""
    session = context.new_session()
    context.upload(session, CLIP)
    context.put_on_timeline(session)
    draft = context.read_draft(session)
    filled = [track for track in require_field("draft", draft, "t") if track.get("sg")]
    expect_true("tracks with segments", bool(filled), "at least one", draft)


@server_check("state.segment.names", "STA-4", prerequisite="edit")
def segment_names_are_ours(context: CheckContext) -> None:
    """A segment SHOULD have the field names of this project, since no source publishes any."""
    for segment in _segments(context.read_draft(context.edited_session)):
        for name in _CLIP_NAMES:
            require_field("segment", segment, name)


@server_check("state.segment.times", "STA-4", prerequisite="token", credits=50)
def segments_do_not_overlap(context: CheckContext) -> None:
    """Segments of a track MUST NOT overlap or have negative times."""
    session = context.new_edited_session()
    context.send_message(session, _TITLE)
    for track in context.read_draft(session)["t"]:
        at = 0.0
        for start, length in sorted(_times(segment) for segment in track.get("sg") or ()):
            expect_true("s", start >= at, f"at least {at}", start)
            expect_true("d", length > 0, "more than 0", length)
            at = start + length


def _times(segment: dict[str, Any]) -> tuple[float, float]:
    """Return the start and the length of a segment."""
    start, length = (require_field("segment", segment, name) for name in ("s", "d"))
    return expect_type("s", start, int, float), expect_type("d", length, int, float)


@server_check("state.newest", "STA-1", "SES-2", prerequisite="token", credits=50)
def latest_is_the_newest(context: CheckContext) -> None:
    """`latest` MUST always return the draft after the last edit."""
    session = context.new_edited_session()
    context.send_message(session, _TITLE)
    first = context.read_draft(session)
    texts = [segment["txt"] for segment in _segments(first) if "txt" in segment]
    expect_equal("titles", texts, ["Hello"])
    expect_equal(
        "the draft when read again", known_draft(context.read_draft(session)), known_draft(first)
    )


@server_check("state.read-only", "STA-1", "CRD-1", prerequisite="edit")
def reading_changes_nothing(context: CheckContext) -> None:
    """Reading the state MUST NOT change the draft or the balance."""
    session = context.edited_session
    before = known_draft(context.read_draft(session)), context.read_balance()
    context.read_state(session)
    after = known_draft(context.read_draft(session)), context.read_balance()
    expect_equal("draft and balance", after, before)


@server_check("state.bad-id", "SES-3", prerequisite="token")
def odd_session_ids_are_not_found(context: CheckContext) -> None:
    """An invalid session id MUST be refused with 1002."""
    for odd in ("abc", "0", "9" * 60, "%2e%2e", "-1"):
        response = context.call(wire.STATE, session=odd)
        expect_error(context, response, ResponseCode.SESSION_NOT_FOUND)
