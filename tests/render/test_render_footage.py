"""Generated footage is what it says, the same every time; fonts and encoders are known."""

import asyncio
import re
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from nemolocal_render import diagnostics, encoders, fonts, sandbox
from nemolocal_render.ass_subtitles import build_ass_script, escape_ass_text
from nemolocal_render.filtergraph.ffmpeg_commands import EncodeResources, render_command
from nemolocal_render.fonts import Font, choose_fonts
from nemolocal_render.media import MediaInfo
from nemolocal_render.planning.output_settings import QUALITY_SETTINGS, EncodeSettings
from nemolocal_render.planning.planner import MediaSource
from nemolocal_render.planning.render_plan import ClipSlice, RenderPlan, Title, VideoClip
from nemolocal_render.synthetic.sample_media import MOODS, make_music
from tests.support.audio import loudness, read_samples
from tests.support.frames import DecodedVideo

WANTED = {"lofi", "upbeat", "calm", "cinematic", "happy", "sad", "epic"}


def test_there_is_music_for_each_mood() -> None:
    assert set(MOODS) >= WANTED


@pytest.mark.slow
@pytest.mark.ffmpeg
@pytest.mark.parametrize(
    "mood",
    [pytest.param(m, marks=[] if m == "lofi" else [pytest.mark.slow]) for m in sorted(WANTED)],
)
def test_music_is_stereo_audible_and_soft_at_its_ends(mood: str, tmp_path: Path) -> None:
    path = tmp_path / "music.m4a"
    info = asyncio.run(make_music(mood, 6, path))
    assert (info.kind, info.audio_codec, info.sample_rate) == ("audio", "aac", 48_000)
    assert info.duration == pytest.approx(6, abs=0.03)
    heard = read_samples(path)
    assert loudness(heard, 1, 3) > 0.01
    assert loudness(heard, 5.95, 6) < 0.5 * loudness(heard, 1, 3)
    assert max(map(abs, heard)) < 1


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_music_is_the_same_every_time(tmp_path: Path) -> None:
    first, second = tmp_path / "1.m4a", tmp_path / "2.m4a"
    asyncio.run(make_music("upbeat", 2, first))
    asyncio.run(make_music("upbeat", 2, second))
    assert first.read_bytes() == second.read_bytes()


def test_music_is_of_a_known_mood_and_a_sane_length(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        asyncio.run(make_music("grumpy", 5, tmp_path / "x.m4a"))
    with pytest.raises(ValueError, match="not nan"):
        asyncio.run(make_music("sad", float("nan"), tmp_path / "x.m4a"))


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_the_sample_counts_its_frames(media: Path) -> None:
    seen = DecodedVideo(media / "large-sample.mp4")
    assert [seen.counter(n) for n in range(120)] == list(range(120))


@pytest.mark.ffmpeg
def test_the_sample_beeps_each_second(media: Path) -> None:
    heard = read_samples(media / "large-sample.mp4")
    for second in (1, 2, 3):
        beep = loudness(heard, second, second + 0.04)
        assert beep > 1.2 * loudness(heard, second + 0.4, second + 0.5)


def test_the_bundled_font_draws_latin_and_names_what_it_lacks() -> None:
    font = fonts.bundled_font()
    assert font.family == fonts.BUNDLED_FAMILY
    assert font.missing_characters("Ærøskøbing Žluťoučký ñandú\t\n€ “quoted” Ελλάς Москва") == set()
    assert font.missing_characters("a你\u200b") == {"你"}


def test_a_font_that_covers_the_rest_is_taken_from_the_system(tmp_path: Path) -> None:
    folder = tmp_path / "fonts"
    folder.mkdir()
    make_font(folder / "b-cjk.ttf", "Test Sans", "你好")
    make_font(folder / "c.ttf", "Unneeded Sans", "你好吗")
    make_font(folder / "a.ttf", "Useless Sans", "abc")
    (folder / "broken.ttf").write_bytes(b"no font")
    (folder / "notes.txt").write_text("no font")
    chosen = choose_fonts("Hi 你好", (str(folder),))
    assert [font.family for font in chosen] == ["DejaVu Sans", "Test Sans"]
    assert len(choose_fonts("Hi", (str(folder),))) == 1
    more = choose_fonts("你好吗한", (str(folder),))
    assert [font.family for font in more] == ["DejaVu Sans", "Test Sans", "Unneeded Sans"]


def test_font_names_that_would_be_syntax_are_not_used(tmp_path: Path) -> None:
    make_font(tmp_path / "evil.ttf", "A{\\pos(1,1)}", "你")
    assert fonts.read_font(tmp_path / "evil.ttf") is None


def test_font_that_was_just_removed_is_none(tmp_path: Path) -> None:
    path = tmp_path / "font.ttf"
    make_font(path, "Here", "A")
    assert fonts.read_font(path) is not None
    path.unlink()
    assert fonts.read_font(path) is None


def test_without_the_bundled_font_the_reason_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "read_font", lambda _: None)
    with pytest.raises(FileNotFoundError, match=r"DejaVuSans-Bold\.ttf"):
        fonts.bundled_font.__wrapped__()


@pytest.mark.parametrize(
    ("missing", "advice"),
    [
        ({"한"}, "no font can draw 한 (HANGUL), left out; install Noto Sans CJK"),
        ({"\U00011c72"}, "(MARCHEN), left out; install one of the Noto family"),
        ({"\ue000"}, "(UNKNOWN)"),
        ({"🎬", "⛔"}, "no font can draw ⛔🎬 (EMOJI), left out; install Symbola"),
        ({"\U0001faff"}, "(EMOJI)"),
        ({"字", "🎬"}, "no font can draw 字 (CJK), left out; install Noto Sans CJK"),
        ({"字", "🎬"}, "no font can draw 🎬 (EMOJI), left out"),
    ],
)
def test_advice_names_the_script_and_a_font(missing: set[str], advice: str) -> None:
    assert advice in fonts.describe_missing_characters(missing)


def make_font(path: Path, family: str, characters: str) -> None:
    from fontTools.fontBuilder import FontBuilder
    from fontTools.ttLib.tables._g_l_y_f import Glyph

    names = [".notdef", *(f"u{ord(character):04X}" for character in characters)]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(c): f"u{ord(c):04X}" for c in characters})
    builder.setupGlyf({name: Glyph() for name in names})
    builder.setupHorizontalMetrics(dict.fromkeys(names, (500, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)


def test_a_font_of_a_name_or_the_nearest_one(tmp_path: Path) -> None:
    for family in ("Alpha Serif", "Alpha Serif Display", "Beta"):
        make_font(tmp_path / f"{family}.ttf", family, "AB")
    folders = (str(tmp_path),)
    names = ["alpha  serif display", "Alpha Serif Bold", "Beta Sans", "Gamma", "DejaVu Sans"]
    found = fonts.match_font_names(names, folders)
    assert [found[name].family for name in names] == [
        "Alpha Serif Display",
        "Alpha Serif",
        "Beta",
        "DejaVu Sans",
        "DejaVu Sans",
    ]


def test_a_title_has_the_font_that_it_names_and_says_so_when_it_has_not() -> None:
    serif = Font(
        Path("/fonts/serif.ttf"), "Alpha Serif", fonts.build_codepoint_ranges(map(ord, "Hi"))
    )
    named = {"alpha serif": serif, "Gamma": fonts.bundled_font()}
    titles = [
        Title("draft.t[1].sg[0]", "Hi!", 0, 1000, 40, font="alpha serif"),
        Title("draft.t[1].sg[1]", "Hi", 0, 1000, 40, font="Gamma"),
        Title("draft.t[1].sg[2]", "Hi", 0, 1000, 40),
    ]
    script = build_ass_script(plan_of(*titles), [fonts.bundled_font()], named)
    lines = script.text.splitlines()
    assert [line.split(",")[1] for line in lines if line.startswith("Style")] == [
        "Alpha Serif",
        "DejaVu Sans",
        "DejaVu Sans",
    ]
    assert "Hi{\\fnDejaVu Sans}!" in script.text
    assert [font.family for font in script.fonts] == ["DejaVu Sans", "Alpha Serif"]
    assert script.warnings == (
        "draft.t[1].sg[1].st.font: 'Gamma' is not installed, DejaVu Sans is used",
    )


def plan_of(*titles: Title) -> RenderPlan:
    from fractions import Fraction

    return RenderPlan(
        640, 360, Fraction(30), 30, 0, QUALITY_SETTINGS["low"], ((),), (), tuple(titles)
    )


def test_a_script_changes_font_within_a_line_and_leaves_out_what_nobody_draws() -> None:
    other = Font(
        Path("/fonts/other.ttf"), "Other Sans", fonts.build_codepoint_ranges(map(ord, "你好"))
    )
    title = Title("draft.t[1].sg[0]", "Hi 你好!吗", 1000, 3_661_500, 40, "102030", 7, 100, 0)
    script = build_ass_script(plan_of(title), [fonts.bundled_font(), other])
    style, event = (script.text.splitlines()[n] for n in (10, 14))
    assert style.startswith("Style: T0,DejaVu Sans,40,&H00302010,&H00302010,&H00FFFFFF")
    assert event == (
        "Dialogue: 0,0:00:01.00,1:01:01.50,T0,,0,0,0,,"
        "{\\fad(100,0)}Hi {\\fnOther Sans}你好{\\fnDejaVu Sans}!"
    )
    assert script.warnings[0].startswith("draft.t[1].sg[0].txt: no font can draw 吗 (CJK)")


def test_escaping() -> None:
    assert escape_ass_text("a{b}\\N\r\nc\x00\td\u0085e") == "a\\{b}\\\u2060N\\Nc\td\\Ne"


def test_hardware_encoders_get_their_own_words() -> None:
    capped = EncodeSettings(23, "slow", 0, 1_000_000)
    cap = ["-maxrate", "1000000", "-bufsize", "1000000"]
    said = {name: encoders.video_arguments(name, capped)[1:] for name in encoders.HARDWARE_ENCODERS}
    assert said["h264_nvenc"] == ["h264_nvenc", "-rc", "vbr", "-cq", "23", *cap]
    assert said["h264_vaapi"] == ["h264_vaapi", "-qp", "23", *cap]
    assert said["h264_videotoolbox"] == ["h264_videotoolbox", "-b:v", "1000000"]
    free = encoders.video_arguments("h264_videotoolbox", QUALITY_SETTINGS["medium"])
    assert free[2:] == ["-q:v", "54"]


def test_frames_are_uploaded_where_the_encoder_needs_it() -> None:
    command = render_command(plan_of(), EncodeResources("h264_vaapi"), "out.mp4")
    (graph,) = command.graphs.values()
    assert re.search(r"hwupload\[s\d+\]$", graph)
    assert "format=nv12" in graph
    assert "-vaapi_device" in command.arguments
    assert "-pix_fmt" not in command.arguments


def test_no_path_is_in_a_graph_and_every_input_is_fenced_in() -> None:
    info = MediaInfo("video", "mp4", 9.0, 640, 360, 30.0)
    evil = MediaSource(Path("/media/a'];movie=b,[x:%03d.mp4"), info)
    plan = plan_of()
    layer = (ClipSlice(VideoClip(evil, 10), 0, 10), ClipSlice(VideoClip(evil, 10), 10, 10))
    command = render_command(
        RenderPlan(plan.width, plan.height, plan.fps, 30, 0, plan.encoding, (layer,)),
        EncodeResources("libx264"),
        "out.mp4",
    )
    assert "movie" not in "".join(command.graphs.values())
    arguments = command.arguments
    assert [a for a in arguments if a.startswith("file:/")] == [f"file:{evil.path}"] * 2
    for option in ("-protocol_whitelist", "-format_whitelist", "-codec_whitelist", "-max_pixels"):
        assert arguments.count(option) == 2


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_libx264_passes_its_trial_and_nonsense_does_not() -> None:
    good = asyncio.run(encoders.probe_encoder("libx264"))
    bad = asyncio.run(encoders.probe_encoder("h264_nonsense"))
    assert (good.error, bad.error[-31:]) == ("", "Unknown encoder 'h264_nonsense'")


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_an_encoder_that_loses_frames_does_not_pass(fake_ffmpeg: Callable[[str], Path]) -> None:
    fake_ffmpeg("if '-frames:v' in args: args[args.index('-frames:v') + 1] = '5'")
    trial = asyncio.run(encoders.probe_encoder("libx264"))
    assert trial.error == "5 of 8 frames came back"


@pytest.mark.ffmpeg
def test_the_diagnosis_of_this_machine() -> None:
    found = {finding.name: finding for finding in asyncio.run(diagnostics.diagnose())}
    assert set(found) >= {
        "ffmpeg",
        "libx264",
        "libass",
        "font",
        "PyAV",
        *encoders.HARDWARE_ENCODERS,
    }
    for name in ("ffmpeg", "libx264", "libass", "font", "PyAV"):
        assert found[name].ok, found[name]
    assert all(finding.detail for finding in found.values())


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_the_diagnosis_of_a_poor_machine(
    fake_ffmpeg: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_ffmpeg("sys.exit('broken')")
    monkeypatch.setattr(sandbox, "landlock_version", lambda: 0)
    monkeypatch.setattr(diagnostics, "version", missing_package)
    found = {finding.name: finding for finding in asyncio.run(diagnostics.diagnose())}
    assert [name for name, finding in found.items() if finding.ok] == ["font"]
    assert found["libass"].detail == "titles cannot be drawn"
    assert "resource limits only" in found["sandbox"].detail


def missing_package(name: str) -> str:
    raise PackageNotFoundError(name)
