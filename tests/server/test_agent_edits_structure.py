"""Held frames, boomerangs, ramps, loops, gaps, exchanged clips, cards and clocks in a draft."""

import msgspec
import pytest

from nemolocal_agent.edits import Media, MediaPool, apply_edits
from nemolocal_agent.errors import EditRejected
from nemolocal_agent.intents import (
    AddCard,
    AddCountdown,
    AddMusic,
    AddProgressBar,
    AddTimer,
    AddTitle,
    AddTransition,
    ApplyEffect,
    Boomerang,
    ChangeTitle,
    Edit,
    Fade,
    FreezeFrame,
    InsertGap,
    KeepSpan,
    Merge,
    PlaceUploads,
    RemoveClip,
    RemoveProgressBar,
    RemoveTimer,
    RemoveTitle,
    ReplaceClip,
    ReverseSound,
    SeamlessLoop,
    Selector,
    SetSpeed,
    SetVolume,
    ShuffleClips,
    SpeedRamp,
    Split,
    StartOver,
    TimelinePoint,
    first_span,
    span_between,
)
from nemolocal_agent.timeline import sorted_segments
from nemolocal_contract.describe import describe_changes, describe_timeline
from nemolocal_contract.draft import Draft, Segment, Track, TrackType
from nemolocal_contract.effects import Reverse

A = Media("a", "a.mp4", "video", 10_000)
B = Media("b", "b.mp4", "video", 4000)
C = Media("c", "c.mp4", "video", 6000)
PICTURE = Media("p", "picture.jpg", "image", 0)
FIRST, SECOND = Selector(number=1), Selector(number=2)
INTRO = Selector(name="intro")
ALONE = PlaceUploads(Selector(name="a.mp4"))


def edited(*edits: Edit, uploads: tuple[Media, ...] = (A, B)) -> Draft:
    return apply_edits(edits, Draft(tracks=(), duration_ms=0), MediaPool(uploads))


def clips(draft: Draft) -> list[Segment]:
    return sorted(draft.of_type(TrackType.VIDEO)[0].segments or (), key=lambda s: s.start_ms or 0)


def times(draft: Draft) -> list[tuple[object, ...]]:
    """Of each clip: its source, start, length and start in the source."""
    return [(s.source, s.start_ms, s.duration_ms, s.source_start_ms) for s in clips(draft)]


def texts(draft: Draft) -> list[Segment]:
    return [s for track in draft.of_type(TrackType.TEXT) for s in track.segments or ()]


def types(segment: Segment) -> list[object]:
    return [effect["type"] for effect in segment.effects or ()]


def test_frame_is_held_where_it_is_named() -> None:
    draft = edited(ALONE, FreezeFrame(TimelinePoint(4000), 1500))
    assert times(draft) == [("a", 0, 4000, 0), ("a", 4000, 1500, 4000), ("a", 5500, 6000, 4000)]
    assert [types(clip) for clip in clips(draft)] == [[], ["freeze"], []]
    assert len({clip.id for clip in clips(draft)}) == 3


def test_last_frame_is_held_at_the_end_of_the_video_or_of_a_clip() -> None:
    assert times(edited(FreezeFrame()))[-1] == ("b", 14_000, 2000, 3999)
    of_first = edited(FreezeFrame(selector=FIRST))
    assert times(of_first)[1:] == [("a", 10_000, 2000, 9999), ("b", 12_000, 4000, 0)]


def test_held_frame_is_that_of_the_speed_and_the_direction() -> None:
    fast = edited(ALONE, SetSpeed(2.0), FreezeFrame(TimelinePoint(1000)))
    assert times(fast)[1] == ("a", 1000, 2000, 2000)
    back = edited(ALONE, ApplyEffect(Reverse()), FreezeFrame(TimelinePoint(1000)))
    assert times(back)[1] == ("a", 1000, 2000, 9000)
    assert types(clips(back)[1]) == ["freeze"]


def test_cuts_and_speed_leave_the_held_frame() -> None:
    held = (ALONE, FreezeFrame(TimelinePoint(4000)))
    cut = edited(*held, Split((TimelinePoint(5000),)))
    assert times(cut)[1:3] == [("a", 4000, 1000, 4000), ("a", 5000, 1000, 4000)]
    assert clips(edited(*held, SetSpeed(2.0)))[1].speed is None


def test_fade_out_moves_to_the_held_end() -> None:
    draft = edited(ALONE, Fade("out", 1000), FreezeFrame())
    assert [clip.fade_out_ms for clip in clips(draft)] == [None, 1000]


def test_picture_that_stands_still_is_shown_longer() -> None:
    draft = edited(FreezeFrame(), uploads=(PICTURE,))
    assert [types(clip) for clip in clips(draft)] == [[], []]
    assert draft.duration_ms == 7000


def test_boomerang_plays_back_in_the_opposite_order() -> None:
    draft = edited(AddTransition(), Boomerang())
    assert times(draft) == [
        ("a", 0, 10_000, 0), ("b", 10_000, 4000, 0),
        ("b", 14_000, 4000, 0), ("a", 18_000, 10_000, 0),
    ]  # fmt: skip
    assert [types(clip) for clip in clips(draft)] == [[], [], ["reverse"], ["reverse"]]
    assert [clip.transition is not None for clip in clips(draft)] == [True, False, True, False]


def test_boomerang_of_one_clip_leaves_the_others() -> None:
    draft = edited(ApplyEffect(Reverse(), SECOND), Boomerang(SECOND), uploads=(A, B, C))
    assert times(draft)[1:] == [
        ("b", 10_000, 4000, 0), ("b", 14_000, 4000, 0), ("c", 18_000, 6000, 0),
    ]  # fmt: skip
    assert [types(clip) for clip in clips(draft)] == [[], ["reverse"], [], []]


def test_ramp_changes_the_speed_from_part_to_part() -> None:
    draft = edited(ALONE, SpeedRamp(1, 3))
    speeds = [clip.speed or 1 for clip in clips(draft)]
    assert speeds[0] == 1
    assert speeds[-1] == 3
    assert speeds == sorted(set(speeds))
    assert [clip.source_start_ms for clip in clips(draft)] == [n * 1250 for n in range(8)]


def test_loop_ends_where_it_begins() -> None:
    draft = edited(ALONE, SeamlessLoop())
    first, last = clips(draft)
    assert first.source_start_ms == (last.source_start_ms or 0) + (last.duration_ms or 0) == 2000
    # A half of the fade is left at either end of the source.
    assert (first.source_start_ms or 0) + (first.duration_ms or 0) == 9500
    assert last.source_start_ms == 500
    assert first.transition is not None
    assert (first.transition.type, first.transition.duration_ms) == ("crossfade", 1000)


def test_shuffled_clips_are_in_another_order_that_is_always_the_same() -> None:
    parts = (ALONE, Split(parts=8))
    once, again = edited(*parts, ShuffleClips()), edited(*parts, ShuffleClips())
    order = [clip.source_start_ms for clip in clips(once)]
    assert once == again
    assert sorted(n or 0 for n in order) == [n * 1250 for n in range(8)]
    assert order != sorted(n or 0 for n in order)
    twice = edited(*parts, ShuffleClips(), ShuffleClips())
    assert times(twice) != times(once)
    assert [s.source for s in clips(edited(ShuffleClips()))] == ["b", "a"]


def test_shuffled_clips_are_never_in_the_same_order() -> None:
    """The order that the names of the clips draw can be the one that they are in."""
    for pair in [("a", "b"), ("b", "a"), ("c", "a"), ("a", "c"), ("b", "c")]:
        placed = [PlaceUploads(Selector(name=f"{name}.mp4")) for name in pair]
        once = edited(*placed, ShuffleClips(), uploads=(A, B, C))
        twice = edited(*placed, ShuffleClips(), ShuffleClips(), uploads=(A, B, C))
        assert tuple(clip.source for clip in clips(once)) == pair[::-1]
        assert tuple(clip.source for clip in clips(twice)) == pair


def test_gap_is_inserted_after_a_clip_between_all_and_at_a_time() -> None:
    after = edited(InsertGap(2000, selector=FIRST))
    assert times(after) == [("a", 0, 10_000, 0), ("b", 12_000, 4000, 0)]
    between = edited(InsertGap(500), uploads=(A, B, C))
    assert [clip.start_ms for clip in clips(between)] == [0, 10_500, 15_000]
    at = edited(InsertGap(1000, TimelinePoint(3000)))
    assert [clip.start_ms for clip in clips(at)] == [0, 4000, 11_000]
    assert clips(edited(InsertGap(2000, selector=FIRST), Merge()))[1].start_ms == 10_000


def test_black_at_the_end_is_a_clip() -> None:
    draft = edited(InsertGap(2000, TimelinePoint(before_end=True)))
    assert types(clips(draft)[-1]) == ["solid"]
    assert draft.duration_ms == 16_000


def test_what_is_over_the_video_moves_with_it() -> None:
    draft = edited(AddTitle("B", span_between(11_000, 12_000)), AddMusic("calm"), InsertGap(2000))
    assert [(text.start_ms, text.duration_ms) for text in texts(draft)] == [(13_000, 1000)]
    (music,) = draft.of_type(TrackType.AUDIO)[0].segments or ()
    assert music.duration_ms == draft.duration_ms == 16_000


def test_upload_takes_the_place_of_a_clip() -> None:
    only = [PlaceUploads(Selector(name=name)) for name in ("a.mp4", "b.mp4")]
    draft = edited(*only, Fade("in", 500), ReplaceClip(FIRST, "c.mp4"), uploads=(A, B, C))
    assert times(draft) == [("c", 0, 6000, 0), ("b", 6000, 4000, 0)]
    assert clips(draft)[0].fade_in_ms == 500
    unnamed = edited(*only, ReplaceClip(SECOND), uploads=(A, B, C))
    assert times(unnamed) == [("a", 0, 10_000, 0), ("c", 10_000, 4000, 0)]
    image = edited(ALONE, ReplaceClip(FIRST, "picture.jpg"), uploads=(A, PICTURE))
    assert times(image) == [("p", 0, 10_000, 0)]


def test_sound_alone_plays_backwards() -> None:
    draft = edited(ALONE, ReverseSound())
    assert [(clip.volume, types(clip)) for clip in clips(draft)] == [(0, [])]
    (sound,) = draft.of_type(TrackType.AUDIO)[0].segments or ()
    assert (sound.source, sound.start_ms, sound.duration_ms) == ("a", 0, 10_000)
    assert types(sound) == ["reverse"]
    assert sound.volume is None


def test_cards_stand_where_they_are_asked_for() -> None:
    draft = edited(AddCard("Hi", "intro"), AddCard("Bye", "outro"), AddCard("2", selector=SECOND))
    assert [types(clip) for clip in clips(draft)] == [["solid"], [], ["solid"], [], ["solid"]]
    assert [(text.text, text.start_ms) for text in texts(draft)] == [
        ("Hi", 0), ("Bye", 20_000), ("2", 13_000),
    ]  # fmt: skip
    assert draft.duration_ms == 23_000
    ids = [clip.id for clip in (*clips(draft), *texts(draft))]
    assert len(ids) == len(set(ids))


def test_card_at_a_time_cuts_the_clip_there() -> None:
    draft = edited(ALONE, AddCard("Part 2", at=TimelinePoint(5000), duration_ms=2000))
    assert times(draft)[::2] == [("a", 0, 5000, 0), ("a", 7000, 5000, 5000)]
    assert [(text.text, text.start_ms) for text in texts(draft)] == [("Part 2", 5000)]


def test_intro_without_words_has_the_name_of_the_video() -> None:
    assert texts(edited(AddCard(role="intro")))[0].text == "a"


def test_card_is_removed_by_its_role_with_its_text() -> None:
    draft = edited(AddCard("Hi", "intro"), AddCard("Bye", "outro"), RemoveClip(INTRO))
    assert [types(clip) for clip in clips(draft)] == [[], [], ["solid"]]
    assert [(text.text, text.start_ms) for text in texts(draft)] == [("Bye", 14_000)]


def test_clip_whose_name_is_a_part_of_the_word_is_no_intro() -> None:
    uploads = (Media("a", "in.mp4", "video", 10_000), B)
    with pytest.raises(EditRejected, match="no such clip; I found 2 clips: in, b"):
        edited(RemoveClip(INTRO), uploads=uploads)


def test_credits_roll_and_last_longer_with_more_lines() -> None:
    (text,) = texts(edited(AddCard("\n".join("abcdefgh"), "credits", color="white")))
    assert types(text) == ["credits-roll"]
    assert (text.start_ms, text.duration_ms) == (14_000, 10_000)
    assert text.style is not None
    assert text.style.color == "black"


def test_cards_can_be_the_whole_video() -> None:
    draft = edited(AddCard("One"), AddCard("Two"), uploads=())
    assert draft.duration_ms == 6000
    assert [(text.start_ms, text.duration_ms) for text in texts(draft)] == [(0, 3000), (3000, 3000)]
    without = edited(AddCard("One"), AddCard("Two"), RemoveClip(FIRST), uploads=())
    assert [(text.text, text.start_ms) for text in texts(without)] == [("Two", 0)]


def test_countdown_shows_a_number_a_second() -> None:
    shown = texts(edited(ALONE, AddCountdown(3)))
    assert [(s.text, s.start_ms, s.duration_ms) for s in shown] == [
        ("3", 0, 1000), ("2", 1000, 1000), ("1", 2000, 1000),
    ]  # fmt: skip


def test_timer_and_bar_last_as_long_as_the_video_and_are_no_titles() -> None:
    drawn = (ALONE, AddTitle("A"), AddTimer(), AddProgressBar("blue", "top"))
    draft = edited(*drawn, FreezeFrame(), RemoveTitle())
    assert [(types(text), text.duration_ms) for text in texts(draft)] == [
        (["timer"], 12_000), (["progress-bar"], 12_000),
    ]  # fmt: skip
    timeline = describe_timeline(draft)
    assert "Timer: timer (0-12s)" in timeline
    assert "Progress bar: progress bar (0-12s)" in timeline
    again = edited(*drawn, AddTimer(down=True))
    assert [types(t) for t in texts(again)] == [[], ["timer"], ["progress-bar"]]
    assert len(texts(edited(*drawn, RemoveTimer(), RemoveProgressBar()))) == 1


def test_one_timer_takes_the_place_of_all_that_are_there() -> None:
    draft = edited(ALONE, AddTimer())
    (timer,) = draft.of_type(TrackType.TEXT)
    other = msgspec.structs.replace(
        timer, segments=(Segment(id="9", start_ms=0, duration_ms=500, text=""),)
    )
    doubled = msgspec.structs.replace(draft, tracks=(*(draft.tracks or ()), other))
    after = apply_edits([AddTimer(down=True)], doubled, MediaPool((A,)))
    assert [text.effects for text in texts(after)] == [({"type": "timer", "down": True},)]


def test_changes_name_what_is_drawn() -> None:
    plain = edited(ALONE)
    typed = edited(ALONE, AddTitle("Hi", animation="typewriter"), AddTimer(), AddProgressBar())
    assert describe_changes(plain, typed) == [
        "Title added: 'Hi' (white, top-center, 0-3s, typewriter)",
        "Timer added: timer (white, bottom-right, 0-10s)",
        "Progress bar added: progress bar (bottom-center, 0-10s)",
    ]
    assert "已添加计时器：计时器（白色，右下角，0-10秒）" in describe_changes(plain, typed, "zh")
    held = edited(ALONE, FreezeFrame())
    assert "Video a (10-12s): one frame held" in describe_changes(plain, held)


def test_title_is_typed_instead_of_standing_still() -> None:
    (text,) = texts(edited(ALONE, AddTitle("Hello", animation="typewriter")))
    assert types(text) == ["typewriter"]
    changed = edited(
        ALONE, AddTitle("Hello", animation="typewriter"), ChangeTitle(animation="karaoke")
    )
    assert types(texts(changed)[0]) == ["karaoke"]


GAP_FIRST = Draft(
    tracks=(
        Track(type=0, segments=(Segment(id="s", start_ms=2000, duration_ms=1000, source="a"),)),
    )
)


@pytest.mark.parametrize(
    ("edits", "complaint"),
    [
        ([FreezeFrame(TimelinePoint(90_000))], "ends before 90s"),
        ([FreezeFrame(TimelinePoint(90_000), selector=FIRST)], "clip ends before 90s"),
        ([FreezeFrame(selector=Selector(number=7))], "no such clip"),
        ([FreezeFrame(duration_ms=5)], "too short"),
        ([SpeedRamp(1, 1)], "two speeds"),
        ([SpeedRamp(1, 9)], "9x"),
        ([SpeedRamp(0, 1)], "0x"),
        ([ALONE, SpeedRamp(selector=Selector(span=span_between(0, 150)))], "too short"),
        ([ALONE, InsertGap()], "no cut between two clips"),
        ([InsertGap(at=TimelinePoint(90_000))], "ends before 90s"),
        ([InsertGap(8_000_000, selector=FIRST)], "longer than 2 hours"),
        ([ALONE, ShuffleClips()], "two clips or more"),
        ([ReplaceClip(SECOND)], "say which upload"),
        ([ReplaceClip(SECOND, "z.mov")], "no upload has that name"),
        ([ALONE, KeepSpan(first_span(500)), SeamlessLoop()], "too short"),
        ([SetVolume(0.0), ReverseSound()], "no sound"),
        ([AddCountdown(90)], "from 1 to 60"),
        ([AddCountdown(20)], "ends before 20s"),
        ([AddCard(role="credits")], "no words"),
        ([AddCard("x" * 2001)], "at most 2000"),
        ([ALONE, RemoveClip(INTRO)], "no such clip; I found 1 clip: a"),
        ([RemoveTimer()], "no timer"),
        ([RemoveProgressBar()], "no progress bar"),
        ([Split(parts=100), Boomerang()], "more than 150 clips"),
    ],
)
def test_what_does_not_fit_is_answered(edits: list[Edit], complaint: str) -> None:
    with pytest.raises(EditRejected, match=complaint):
        edited(*edits)


def test_clip_is_not_replaced_by_one_of_several_uploads() -> None:
    with pytest.raises(EditRejected) as rejected:
        edited(ALONE, ReplaceClip(FIRST), uploads=(A, B, C))
    assert rejected.value.code == "which_upload"


def test_gap_has_no_frame_to_hold() -> None:
    with pytest.raises(EditRejected, match="no frame at 1s"):
        apply_edits([FreezeFrame(TimelinePoint(1000))], GAP_FIRST, MediaPool((A,)))


@pytest.mark.parametrize("edit", [Boomerang(), SeamlessLoop(), SpeedRamp(), FreezeFrame()])
def test_empty_session_has_nothing_to_edit(edit: Edit) -> None:
    with pytest.raises(EditRejected, match="no video"):
        edited(edit, uploads=())


def test_clips_without_a_start_begin_where_the_timeline_does() -> None:
    late = Segment(id="s", start_ms=2000, duration_ms=1000, source="a")
    first = Segment(id="t", duration_ms=1000, source="b")
    track = Track(type=0, segments=(late, first))
    assert [clip.source for clip in sorted_segments(track)] == ["b", "a"]
    assert sorted_segments(None) == []


def test_clips_are_never_shuffled_into_the_order_that_they_have() -> None:
    """Of two clips, one order in two is the one they have."""
    for number in range(16):
        two = tuple(
            Segment(id=f"{number}-{n}", start_ms=n * 1000, duration_ms=1000, source=name)
            for n, name in enumerate("ab")
        )
        draft = Draft(tracks=(Track(type=0, segments=two),), duration_ms=2000)
        after = apply_edits((ShuffleClips(),), draft, MediaPool((A, B)))
        assert [clip.source for clip in clips(after)] == ["b", "a"]


def test_starting_over_keeps_a_track_of_an_unknown_type() -> None:
    foreign = Track(type=99, segments=(Segment(id="f", start_ms=0, duration_ms=500),))
    draft = edited(ALONE)
    both = msgspec.structs.replace(draft, tracks=(*(draft.tracks or ()), foreign))
    after = apply_edits((StartOver(),), both, MediaPool((A, B)))
    assert after.tracks == (foreign,)


def test_an_intro_of_a_video_without_a_name_is_a_card_without_a_text() -> None:
    unnamed = Media("u", "", "video", 4000)
    draft = edited(AddCard(role="intro"), uploads=(unnamed,))
    assert texts(draft) == []
    assert len(clips(draft)) == 2
