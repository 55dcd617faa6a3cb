"""Laws of edits: any edits of any draft keep it valid and lose nothing."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from nemolocal_agent import intents
from nemolocal_agent.edits import Media, MediaPool, apply_edits
from nemolocal_agent.errors import EditRejected
from nemolocal_agent.intents import SELECT_ALL, Edit, Selector, TimelinePoint, TimelineSpan
from nemolocal_agent.timeline import clips_of, length_of, main_track
from nemolocal_contract.draft import (
    Draft,
    Segment,
    Track,
    TrackType,
    draft_from_wire,
    draft_to_wire,
)
from nemolocal_contract.effects import (
    POSITIONS,
    TRANSITIONS,
    Blur,
    Brightness,
    Flip,
    Grayscale,
    Reverse,
    Rotate,
    Zoom,
)
from nemolocal_contract.responses import encode_json
from nemolocal_render.media import MediaInfo
from nemolocal_render.planning.planner import DraftRejected, MediaSource, plan_render
from tests.support.profiles import examples

MANY = settings(max_examples=examples(40, 1000))
UPLOADS = (
    Media("beach-id", "beach day.mp4", "video", 20_000),
    Media("city-id", "city.mov", "video", 8_000),
    Media("photo-id", "photo.jpg", "image", 0),
    Media("logo-id", "logo.png", "image", 0),
    Media("song-id", "song.mp3", "audio", 7_000),
)
GENERATED = (
    Media("music-id", "calm.m4a", "audio", 30_000),
    Media("scene-id", "sunset.mp4", "video", 10_000),
)
LENGTHS = {m.id: m.duration_ms for m in (*UPLOADS, *GENERATED) if m.kind != "image"}
STILLS, SONGS = ("photo-id", "logo-id"), ["song-id"]
SHOWN = {"video": (640, 360, 30.0), "image": (640, 360, 0.0), "audio": (0, 0, 0.0)}
SOURCES = {
    media.id: MediaSource(
        Path(media.filename),
        MediaInfo(media.kind, "mp4", media.duration_ms / 1000, *SHOWN[media.kind], audio_codec="x"),
    )
    for media in (*UPLOADS, *GENERATED)
}
EXPECTED = ("", "has no track that can be rendered", "is shorter than one frame")
UNKNOWN_TRACK = {"tt": 9, "theirs": [1], "sg": [{"s": 0, "d": 1500, "theirs": {"deep": None}}]}


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


times = st.integers(0, 30_000)
shares = st.floats(0, 1).map(lambda share: round(share, 3))
moments = st.builds(TimelinePoint, times, st.booleans()) | st.builds(
    TimelinePoint, before_end=st.booleans(), share=shares
)
spans = st.builds(TimelineSpan, moments, moments)
numbers = st.integers(-3, 4)
names = st.sampled_from(["beach", "city.mov", "photo", "LOGO", "song", "nothing", ""])
clip_selectors = st.one_of(
    st.just(SELECT_ALL),
    st.builds(Selector, number=numbers),
    st.builds(Selector, name=names),
    st.builds(Selector, span=spans),
)
selectors = clip_selectors | st.builds(Selector, number=numbers, span=spans)
factors = st.sampled_from([0.0, 0.25, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0])
effects = st.sampled_from(
    [Blur(), Brightness(0.2), Flip("vertical"), Flip(), Grayscale(), Reverse(), Rotate(90), Zoom()]
)
lengths = maybe(st.integers(0, 40_000))
settling = st.one_of(
    st.builds(intents.SetAspect, width=st.integers(1, 21), height=st.integers(1, 21)),
    st.builds(intents.SetFit, fit=st.sampled_from(["crop", "pad", "blur"])),
    st.builds(intents.SetResolution, resolution=st.sampled_from(["720p", "4k"])),
    st.builds(intents.SetFrameRate, fps=st.integers(0, 61)),
    st.builds(intents.SetVolume, volume=st.floats(0, 5), selector=clip_selectors),
    st.builds(
        intents.ApplyEffect,
        effect=st.sampled_from([Blur(), Zoom(), Grayscale()]),
        selector=clip_selectors,
    ),
    st.builds(intents.AddTransition, type=st.sampled_from(TRANSITIONS), duration_ms=lengths),
    st.builds(
        intents.Compress, mode=st.sampled_from(["rtk", "size", "quality"]), megabytes=st.just(9.0)
    ),
    st.builds(intents.Fade, way=st.sampled_from(["in", "out", "both"]), duration_ms=lengths),
    st.builds(intents.ChangeTitle, text=st.just("x"), position=st.sampled_from(POSITIONS)),
    st.just(intents.DuckMusic()),
    st.just(intents.Slideshow()),
    st.builds(intents.AddMusic, mood=st.just("calm")),
    st.builds(intents.AddMusic, name=st.just("song")),
)
short = st.integers(0, 3000)
structure: st.SearchStrategy[Edit] = st.one_of(
    st.builds(intents.FreezeFrame, at=moments, duration_ms=short, selector=clip_selectors),
    st.builds(intents.Boomerang, selector=selectors),
    st.builds(intents.SpeedRamp, start=factors, end=factors, selector=selectors),
    st.sampled_from(
        [intents.SeamlessLoop(), intents.ShuffleClips(), intents.RemoveTimer(),
         intents.RemoveProgressBar(), intents.AddProgressBar()]
    ),
    st.builds(
        intents.InsertGap, duration_ms=short, at=maybe(moments), selector=clip_selectors
    ),
    st.builds(intents.ReplaceClip, selector=selectors, name=maybe(names)),
    st.builds(intents.ReverseSound, selector=selectors),
    st.builds(
        intents.AddCard,
        text=st.text(max_size=3),
        role=st.sampled_from(["intro", "outro", "card", "credits"]),
        duration_ms=maybe(short),
        at=maybe(moments),
        selector=clip_selectors,
    ),
    st.builds(intents.AddCountdown, seconds=st.integers(0, 4), at=moments),
    st.builds(intents.AddTimer, down=st.booleans(), span=maybe(spans)),
)  # fmt: skip
any_edit: st.SearchStrategy[Edit] = st.one_of(
    settling,
    structure,
    st.builds(intents.PlaceUploads, selector=selectors),
    st.builds(intents.KeepSpan, span=spans, selector=selectors),
    st.builds(intents.RemoveSpan, span=spans, selector=selectors),
    st.builds(intents.RemoveClip, selector=selectors),
    st.builds(
        intents.Split, at=st.lists(moments, max_size=3).map(tuple), parts=maybe(st.integers(0, 5))
    ),
    st.builds(intents.MoveClip, selector=selectors, to=numbers),
    st.builds(intents.SwapClips, one=selectors, other=selectors),
    st.sampled_from(
        [intents.ReverseOrder(), intents.Merge(), intents.StartOver(), intents.RemoveMusic()]
    ),
    st.builds(
        intents.Loop, times=maybe(st.integers(0, 4)), duration_ms=lengths, selector=selectors
    ),
    st.builds(intents.Slideshow, each_ms=lengths, total_ms=lengths),
    st.builds(intents.SetSpeed, factor=factors, selector=selectors),
    st.builds(intents.SetVolume, change=factors, target=st.sampled_from(["all", "video", "music"])),
    st.just(intents.AddMusic()),
    st.builds(
        intents.Fade,
        way=st.sampled_from(["in", "out", "both"]),
        duration_ms=lengths,
        target=st.sampled_from(["all", "picture", "music", "title"]),
        selector=selectors,
    ),
    st.builds(intents.AddTitle, text=st.text(max_size=3), span=maybe(spans)),
    st.builds(intents.ChangeTitle, selector=selectors, span=maybe(spans), grow=maybe(factors)),
    st.builds(intents.RemoveTitle, selector=selectors, subtitles=st.booleans()),
    st.builds(
        intents.AddSubtitles,
        cues=st.lists(
            st.builds(intents.Cue, start_ms=times, end_ms=times, text=st.text(max_size=2))
        ).map(tuple),
    ),
    st.builds(intents.ApplyEffect, effect=effects, selector=selectors),
    st.builds(
        intents.RemoveEffects, type=maybe(st.sampled_from(["blur", "flip"])), selector=selectors
    ),
    st.builds(
        intents.AddTransition, type=st.just("crossfade"), duration_ms=lengths, selector=selectors
    ),
    st.sampled_from([intents.RemoveTransitions(), intents.RemoveOverlays()]),
    st.builds(
        intents.AddOverlay,
        kind=st.sampled_from(["picture-in-picture", "watermark"]),
        selector=selectors,
        width=maybe(st.floats(0, 2)),
        span=maybe(spans),
    ),
    st.builds(
        intents.Generate, scene=st.just("sunset"), seconds=st.floats(1, 10), prompt=st.just("sun")
    ),
)


@st.composite
def lanes(draw: st.DrawFn, kind: int, number: int, name: str) -> dict[str, Any]:
    """A sound track in its wire form, with unknown fields."""
    segments, at = [], 0
    for place in range(draw(st.integers(1, 3))):
        at += draw(st.sampled_from([0, 0, 700]))
        source = draw(st.sampled_from(["beach-id", "city-id", "photo-id"] if kind == 0 else SONGS))
        speed = draw(st.sampled_from([None, 0.5, 2])) if kind == 0 else None
        length = draw(st.integers(1, 3000))
        segment = {"id": f"{number}-{place}", "s": at, "d": length, "theirs": [number, place]}
        if kind == 7:
            segment |= {"txt": "words", "st": {"size": 50, "theirs": 1}}
        else:
            segment |= {"src": source, "ss": draw(st.integers(0, 2000)), "v": 0.5}
            segment |= {"fx": [{"type": "theirs"}], "fi": draw(st.integers(0, length))}
            segment |= {} if speed is None or source in STILLS else {"sp": speed}
        segments.append(segment)
        at += length
    return {"tt": kind, "id": f"track-{number}", "n": name, "theirs": number, "sg": segments}


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    """Any draft, from an empty one to several tracks."""
    tracks = [UNKNOWN_TRACK]
    kinds = [(0, "Video"), (0, "Overlay"), (7, "Title"), (7, "Subtitles"), (1, "BGM")]
    if draw(st.booleans()):
        for number, (kind, name) in enumerate(kinds):
            if not number or draw(st.booleans()):
                tracks.append(draw(lanes(kind, number, name)))
    metadata = {"title": "mine", "theirs": {"a": [None]}}
    draft = draft_from_wire({"t": tracks, "m": metadata, "theirs": 1})
    if main_track(draft) is None:
        return draft
    return apply_edits(
        [intents.KeepSpan(TimelineSpan())], draft, MEDIA_POOL
    )  # nothing lasts longer than the video


class Made(dict[Edit, str]):
    """An asset id for everything that an edit needs."""

    def get(self, edit: Edit, _default: object = None) -> str:
        if isinstance(edit, intents.Generate):
            return "scene-id"
        assert isinstance(edit, intents.AddMusic)
        return "song-id" if edit.name else "music-id"


MEDIA_POOL = MediaPool(UPLOADS, GENERATED, Made())


@pytest.mark.slow
@MANY
@given(drafts(), st.lists(any_edit, max_size=8))
def test_any_edits_keep_the_timeline_valid(draft: Draft, edits: list[Edit]) -> None:
    for edit in edits:
        before = draft
        try:
            draft = apply_edits([edit], draft, MEDIA_POOL)
        except EditRejected as error:
            assert_told(error)
            continue
        assert_sound(draft)
        assert objection_to(draft) in EXPECTED
        assert_nothing_lost(before, draft)


@pytest.mark.slow
@MANY
@given(drafts(), settling)
def test_setting_the_same_value_changes_nothing(draft: Draft, edit: Edit) -> None:
    try:
        once = apply_edits([edit], draft, MEDIA_POOL)
    except EditRejected:
        return
    assert anonymous(apply_edits([edit], once, MEDIA_POOL)) == anonymous(once)


def anonymous(draft: Draft) -> bytes:
    """The draft without the ids of its segments, which change when a segment is replaced."""
    wire = draft_to_wire(draft)
    for track in wire["t"]:
        track["sg"] = [{**segment, "id": None} for segment in track["sg"]]
    return encode_json(wire)


def objection_to(draft: Draft) -> str:
    """Why the renderer rejects a draft; empty if it does not."""
    try:
        plan_render(draft, SOURCES)
    except DraftRejected as error:
        return error.reason
    return ""


def assert_told(error: EditRejected) -> None:
    # A title of three letters is too short to look like an unfilled placeholder.
    assert not re.search(r"\{\w\w+(:\w+)?\}", str(error) + error.message_in("zh-CN"))
    assert str(error) != error.message_in("zh-CN")


def assert_sound(draft: Draft) -> None:
    every = [segment for track in draft.tracks or () for segment in track.segments or ()]
    ids = [segment.id for segment in every if segment.id is not None]
    assert len(ids) == len(set(ids))
    assert draft.duration_ms == max((segment.end_ms for segment in every), default=0)
    for track in draft.tracks or ():
        if track.type != 9:
            assert_track_sound(track, length_of(draft))
    clips = clips_of(draft)
    for clip, following in pairwise([*clips, Segment(start_ms=10**9)]):
        if clip.transition is not None:
            assert (following.start_ms or 0) <= clip.end_ms + 1
            shorter = min(clip.duration_ms or 0, following.duration_ms or 0)
            assert 0 < (clip.transition.duration_ms or 0) <= shorter


def assert_track_sound(track: Track, video_ms: float) -> None:
    at: float = 0
    for segment in sorted(track.segments or (), key=lambda s: s.start_ms or 0):
        start, length = segment.start_ms or 0, segment.duration_ms or 0
        assert at <= start < segment.end_ms
        assert (segment.fade_in_ms or 0) + (segment.fade_out_ms or 0) <= length
        assert segment.end_ms <= video_ms
        assert 0.25 <= (segment.speed or 1) <= 4
        assert 0 <= (segment.volume or 0) <= 4
        at = segment.end_ms
        if segment.source in LENGTHS:
            begin, used = segment.source_start_ms or 0, length * (segment.speed or 1)
            if any(effect.get("type") == "freeze" for effect in segment.effects or ()):
                used = 0
            assert 0 <= begin <= LENGTHS[segment.source] + 0.01 - used


def assert_nothing_lost(before: Draft, after: Draft) -> None:
    """Unknown fields do not change in what is still there."""
    assert after.extra == before.extra
    assert after.metadata is not None
    assert after.metadata.extra == {"theirs": {"a": [None]}}
    assert after.metadata.title == "mine"
    assert draft_to_wire(after)["t"][0] == UNKNOWN_TRACK
    extras = {s.id: s.extra for t in before.tracks or () for s in t.segments or ()}
    for track in after.tracks or ():
        for segment in track.segments or ():
            assert segment.extra == extras.get(segment.id, segment.extra)
    for track in before.tracks or ():
        if track.extra and track.type in set(TrackType):
            assert track.extra in [one.extra for one in after.tracks or ()]
