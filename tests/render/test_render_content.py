"""A render shows and sounds what the draft says, frame by frame and sample by sample."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nemolocal_render import job
from nemolocal_render.fonts import choose_fonts
from nemolocal_render.job import RenderResult
from nemolocal_render.planning.planner import MediaSource, OutputSpec
from tests.support.audio import loudness, read_samples
from tests.support.frames import DecodedVideo
from tests.support.media import run_ffmpeg

pytestmark = pytest.mark.ffmpeg

Make = Callable[..., tuple[Path, RenderResult]]


def video(*segments: dict[str, Any]) -> dict[str, Any]:
    return {"tt": 0, "sg": [{"src": "sample.mp4", "s": 0, "d": 1000, **s} for s in segments]}


def audio(*segments: dict[str, Any]) -> dict[str, Any]:
    return {"tt": 1, "sg": [{"src": "music.m4a", "s": 0, "d": 1000, **s} for s in segments]}


def text(*segments: dict[str, Any]) -> dict[str, Any]:
    return {"tt": 7, "sg": [{"s": 0, "d": 1000, **s} for s in segments]}


@pytest.mark.slow
def test_trims_gaps_and_order_frame_by_frame(make: Make) -> None:
    path, result = make([video({"ss": 1500}, {"s": 1500, "d": 500, "ss": 100, "v": 0.5})])
    seen = DecodedVideo(path)
    assert [seen.counter(n) for n in range(30)] == list(range(45, 75))
    assert {seen.brightest(n, 0, 0, 1, 1) for n in range(30, 45)} == {16}
    assert [seen.counter(n) for n in range(45, 60)] == list(range(3, 18))
    assert (len(seen), seen.width, seen.height) == (60, 320, 180)
    assert (result.frames, result.width, result.height, result.duration) == (60, 320, 180, 2.0)
    assert (result.size, result.warnings) == (path.stat().st_size, ())


@pytest.mark.slow
def test_a_trim_between_two_frames_shows_the_nearer_one(make: Make) -> None:
    seen = DecodedVideo(make([video({"ss": 1034, "d": 400})])[0])
    assert [seen.counter(n) for n in range(12)] == list(range(31, 43))


@pytest.mark.slow
def test_the_whole_clip_to_its_last_frame(make: Make) -> None:
    seen = DecodedVideo(make([video({"ss": 3000, "d": 1030})])[0])
    assert [seen.counter(n) for n in range(31)] == [*range(90, 120), 119]


@pytest.mark.slow
def test_behind_the_last_picture_it_stays(make: Make, tmp_path: Path, media: Path) -> None:
    longer = tmp_path / "longer.mp4"
    inputs = ["-i", str(media / "sample.mp4"), "-i", str(media / "music.m4a")]
    run_ffmpeg(*inputs, "-map", "0:v", "-map", "1:a", "-c", "copy", str(longer))
    seen = DecodedVideo(
        make(
            [
                video(
                    {"src": str(longer), "ss": 4850, "d": 40},
                    {"src": str(longer), "s": 40, "ss": 3990, "d": 460},
                )
            ]
        )[0]
    )
    assert [seen.counter(n) for n in range(len(seen))] == [119] * 15


@pytest.mark.slow
def test_speed_up_and_down(make: Make) -> None:
    path, _ = make([video({"sp": 2}, {"s": 1000, "sp": 0.4, "ss": 2000})])
    seen = DecodedVideo(path)
    assert [seen.counter(n) for n in range(2, 28)] == list(range(4, 56, 2))
    assert [abs(seen.counter(30 + n) - 60 - 0.4 * n) <= 1 for n in range(30)] == [True] * 30
    assert abs(len(read_samples(path)) - 96_000) <= 1024


@pytest.mark.slow
def test_an_exact_ntsc_rate(make: Make) -> None:
    path, result = make([video({"d": 2002})], fps=29.97)
    assert (result.frames, len(DecodedVideo(path))) == (60, 60)
    assert abs(result.duration - 2.002) < 1e-4


@pytest.mark.slow
def test_sound_is_at_its_samples(make: Make) -> None:
    music = {"s": 1000, "d": 1000, "ss": 1000, "v": 0.5}
    path, _ = make([video({"d": 3000, "v": 0}), audio(music)])
    heard = read_samples(path)
    assert abs(len(heard) - 144_000) <= 1024
    assert loudness(heard, 0, 0.95) < 0.0005
    assert loudness(heard, 1.05, 1.95) > 0.02
    assert loudness(heard, 2.05, 3) < 0.0005


@pytest.mark.slow
def test_volume_halves_and_fades_fade(make: Make) -> None:
    path, _ = make([audio({"v": 1, "d": 4000})])
    full = loudness(read_samples(path), 1.5, 2.5)
    path, _ = make([audio({"v": 0.5, "d": 4000, "fi": 1500, "fo": 1500})])
    heard = read_samples(path)
    assert loudness(heard, 1.5, 2.5) == pytest.approx(full / 2, rel=0.05)
    assert loudness(heard, 0, 0.2) < 0.2 * full
    assert loudness(heard, 3.8, 4) < 0.2 * full


@pytest.mark.slow
def test_music_is_mixed_under_the_clip(make: Make) -> None:
    alone = loudness(read_samples(make([video({"d": 3000})])[0]), 0.3, 0.9)
    lanes = [video({"d": 3000}), audio({"d": 1000}, {"s": 2000, "ss": 2000}), audio({"s": 500})]
    mixed = read_samples(make(lanes)[0])
    assert loudness(mixed, 0.3, 0.9) > alone * 1.05
    assert loudness(mixed, 1.6, 1.9) == pytest.approx(alone, rel=0.1)


@pytest.mark.slow
def test_loud_mixes_do_not_clip(make: Make) -> None:
    heard = read_samples(make([video({"v": 4}), audio({"v": 4}), audio({"v": 4})])[0])
    assert 0.5 < max(map(abs, heard)) < 1.1


@pytest.mark.slow
def test_a_title_is_there_in_its_seconds_and_nowhere_else(make: Make) -> None:
    white = {"size": 200, "pos": "center"}
    title = {"s": 500, "d": 500, "txt": "HELLO", "st": white}
    seen = DecodedVideo(make([text(title, {"s": 1500, "d": 100, "txt": " "})])[0])
    lit = [seen.brightest(n, 0.2, 0.3, 0.8, 0.7) > 200 for n in range(48)]
    assert lit == [15 <= n < 30 for n in range(48)]
    assert seen.brightest(20, 0, 0, 1, 0.25) < 30


@pytest.mark.slow
def test_titles_stand_where_their_style_says(make: Make) -> None:
    styles = [{"pos": "top-left", "color": "yellow"}, {"pos": "bottom-right", "color": "black"}]
    seen = DecodedVideo(make([text(*[{"txt": "AB", "st": {**s, "size": 200}} for s in styles])])[0])
    assert seen.brightest(10, 0, 0, 0.4, 0.4) > 150
    assert seen.brightest(10, 0, 0.6, 0.4, 1) < 30
    # The dark text has a light edge.
    assert seen.brightest(10, 0.6, 0.6, 1, 1) > 150


@pytest.mark.slow
def test_hostile_texts_stay_texts(make: Make) -> None:
    evil = "\\N{\\pos(0,0)}%{pts}\nDialogue: 0,0:00:00.00,9:00:00.00,T0,,0,0,0,,X\r\u2028'];movie=x"
    path, result = make([text({"txt": evil, "fi": 100, "fo": 100}, {"s": 1000, "txt": "ok"})])
    assert (len(DecodedVideo(path)), result.warnings) == (60, ())


@pytest.mark.slow
def test_characters_without_a_font_are_named(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "choose_fonts", lambda text: choose_fonts(text, ()))
    _, result = make([text({"txt": "Hi 你好"})])
    assert result.warnings == (
        "draft.t[0].sg[0].txt: no font can draw 你好 (CJK), left out; "
        "install Noto Sans CJK (fonts-noto-cjk)",
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["small.jpg", "small.png", "small.webp", "still.gif"])
def test_a_still_stands_for_its_whole_time(make: Make, name: str) -> None:
    fades = {"src": name, "fi": 300, "fo": 300}
    seen = DecodedVideo(make([video(fades, {"src": name, "s": 1000, "d": 200})])[0])
    assert len(seen) == 36
    assert seen.brightest(0, 0, 0, 1, 1) < 40 < 150 < seen.brightest(15, 0, 0, 1, 1)
    assert seen.brightest(29, 0, 0, 1, 1) < 100
    assert [seen.luma(n, 0.5, 0.9) for n in (12, 18)] == [seen.luma(15, 0.5, 0.9)] * 2


@pytest.mark.slow
def test_an_animation_is_repeated(make: Make) -> None:
    seen = DecodedVideo(make([video({"src": "small.gif", "d": 2400})], fps=25)[0])
    assert len(seen) == 60

    def bright(n: int) -> list[int]:
        return [seen.luma(n, x / 20, y / 20) > 128 for x in range(20) for y in range(20)]

    agree = [a == b for n in range(25) for a, b in zip(bright(n), bright(n + 25), strict=True)]
    assert sum(agree) > 0.95 * len(agree)


def test_see_through_pictures_stand_on_black(make: Make, tmp_path: Path) -> None:
    picture = tmp_path / "clear.png"
    scene = "color=white:s=64x36,format=rgba,colorchannelmixer=aa=0"
    run_ffmpeg("-f", "lavfi", "-i", scene, "-frames:v", "1", str(picture))
    seen = DecodedVideo(make([video({"src": str(picture)})])[0])
    assert seen.brightest(10, 0, 0, 1, 1) < 20


@pytest.mark.slow
def test_other_shapes_are_fitted_with_bars(make: Make) -> None:
    seen = DecodedVideo(make([video({"src": "small.jpg"})], width=320, height=320)[0])
    assert (seen.width, seen.height) == (320, 320)
    assert seen.brightest(5, 0, 0, 1, 0.2) < 20 < seen.brightest(5, 0, 0.3, 1, 0.7)


@pytest.mark.slow
def test_rotation_and_pixel_shape_are_shown_as_meant(
    make: Make, source: Callable[[str], MediaSource], tmp_path: Path, media: Path
) -> None:
    turned, wide = tmp_path / "turned.mp4", tmp_path / "wide.mp4"
    copy = ["-i", str(media / "silent.mp4"), "-c", "copy"]
    run_ffmpeg("-display_rotation", "90", *copy, str(turned))
    run_ffmpeg(*copy, "-aspect", "32:9", str(wide))
    assert (source(str(turned)).info.width, source(str(turned)).info.height) == (90, 160)
    assert (source(str(wide)).info.width, source(str(wide)).info.height) == (320, 90)
    both = [video({"src": str(turned)}, {"src": str(wide), "s": 1000})]
    seen = DecodedVideo(make(both, width=None, height=None)[0])
    assert (seen.width, seen.height) == (90, 160)
    assert seen.brightest(5, 0, 0, 1, 0.1) > 100
    assert seen.brightest(35, 0, 0, 1, 0.35) < 20


@pytest.mark.slow
def test_a_picture_that_changes_its_size_half_way(make: Make, tmp_path: Path) -> None:
    parts = []
    for number, size in enumerate(("160x90", "160x160")):
        scene = ["-f", "lavfi", "-i", f"color=white:s={size}:r=30:d=1", "-bf", "0"]
        parts.append(tmp_path / f"{number}.ts")
        run_ffmpeg(*scene, "-c:v", "libx264", "-output_ts_offset", str(number), str(parts[-1]))
    both, changing = tmp_path / "both.ts", tmp_path / "changing.mkv"
    both.write_bytes(b"".join(part.read_bytes() for part in parts))
    run_ffmpeg("-i", str(both), "-c", "copy", str(changing))
    middle = {"src": str(changing), "s": 500, "d": 1800}
    seen = DecodedVideo(make([video({"d": 500}, middle, {"s": 2300, "d": 500})])[0])
    assert [seen.counter(n) for n in (*range(15), *range(69, 84))] == [*range(15)] * 2
    assert [seen.luma(n, 0.5, 0.5) > 200 for n in range(15, 69)] == [True] * 54


@pytest.mark.slow
def test_many_cuts_of_one_file(make: Make) -> None:
    cuts = [{"s": 100 * n, "d": 100, "ss": 100 * (29 - n)} for n in range(30)]
    seen = DecodedVideo(make([video(*cuts)])[0])
    expected = [3 * (29 - n) + k for n in range(30) for k in range(3)]
    assert [seen.counter(n) for n in range(90)] == expected


@pytest.mark.slow
def test_every_accepted_kind_renders(make: Make) -> None:
    names = ["small.mov", "small.avi", "small.webm", "small.mkv"]
    sounds = ["small.mp3", "small.wav", "small.aac", "sound.mp4", "small.mov"]
    clips = [{"src": name, "s": 500 * n, "d": 500} for n, name in enumerate(names)]
    lane = [{"src": name, "s": 400 * n, "d": 400} for n, name in enumerate(sounds)]
    path, result = make([video(*clips), audio(*lane)])
    assert (len(DecodedVideo(path)), result.warnings) == (50, ())
    assert abs(len(read_samples(path)) - 96_000) <= 1024


@pytest.mark.slow
def test_compression_is_smaller_than_the_source(make: Make, media: Path) -> None:
    path, _ = make([video({"d": 4000})], compress={"mode": "rtk"})
    assert path.stat().st_size < (media / "sample.mp4").stat().st_size


@pytest.mark.slow
def test_quality_orders_sizes(make: Make) -> None:
    sizes = [
        make([video({})], OutputSpec(quality))[1].size for quality in ("low", "medium", "high")
    ]
    assert sizes == sorted(sizes)
