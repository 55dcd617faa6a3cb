"""The baseline of a render: the FFmpeg command that makes the same picture and sound."""

import shutil
from pathlib import Path
from typing import Any

from nemolocal_contract.draft import draft_from_wire
from nemolocal_render.ass_subtitles import build_ass_script
from nemolocal_render.fonts import choose_fonts
from nemolocal_render.planning.planner import MediaSource, OutputSpec, RenderPlan, plan_render

from .synthetic_clip import FPS, run_ffmpeg

CUTS, MUSIC_VOLUME = 6, 0.35
_TITLES = ("Morning", "Over the hills", "Further", "Home")


def plan_three_tracks(clip: MediaSource, music: MediaSource, seconds: float) -> RenderPlan:
    """Return a plan of adjacent cuts of a clip with music and titles, at quality high."""
    cut, shown = (seconds * 1000 / count for count in (CUTS, len(_TITLES)))
    cuts = [
        {"src": "clip", "s": n * cut, "d": cut, "ss": start * 1000}
        for n, start in enumerate(_starts(seconds))
    ]
    heard = {"src": "music", "s": 0, "d": seconds * 1000, "v": MUSIC_VOLUME}
    titles = [{"s": n * shown, "d": shown * 0.8, "txt": text} for n, text in enumerate(_TITLES)]
    tracks: list[dict[str, Any]] = [{"tt": 0, "sg": cuts}, {"tt": 1, "sg": [heard]}]
    draft = draft_from_wire({"t": [*tracks, {"tt": 7, "sg": titles}]})
    return plan_render(draft, {"clip": clip, "music": music}, OutputSpec("high"))


def _starts(seconds: float) -> list[float]:
    """Return the start of each cut in seconds; together they are as long as the clip."""
    cut = seconds / CUTS
    return [((n * 5 + 3) % CUTS) * cut for n in range(CUTS)]


def render_baseline(
    plan: RenderPlan, clip: Path, music: Path, seconds: float, folder: Path
) -> Path:
    """Render the same cuts, music and titles with a plain FFmpeg command.

    The titles must be in `folder` already.
    """
    cut, output = seconds / CUTS, folder / "by-hand.mp4"
    inputs = [
        argument
        for start in _starts(seconds)
        for argument in ("-ss", f"{start:.6f}", "-t", f"{cut:.6f}", "-i", str(clip))
    ]
    size = f"{plan.width}:{plan.height}"
    pictures = ";".join(
        f"[{n}:v]fps={FPS},scale={size}:force_original_aspect_ratio=decrease,"
        f"pad={size}:-1:-1,setsar=1,format=yuv420p[v{n}];"
        f"[{n}:a]aresample=48000:async=1,aformat=channel_layouts=stereo[a{n}]"
        for n in range(CUTS)
    )
    joined = "".join(f"[v{n}][a{n}]" for n in range(CUTS))
    graph = (
        f"{pictures};{joined}concat=n={CUTS}:v=1:a=1[cut][said];"
        "[cut]ass=titles.ass:fontsdir=fonts[video];"
        f"[{CUTS}:a]aresample=48000,volume={MUSIC_VOLUME}[music];"
        "[said][music]amix=normalize=0:duration=longest,alimiter=limit=0.97:level=0[sound]"
    )
    encoding = plan.encoding
    picture = ["-c:v", "libx264", "-preset", encoding.preset, "-crf", f"{encoding.crf:g}"]
    sound = ["-c:a", "aac", "-b:a", str(encoding.audio_bit_rate), "-ar", "48000"]
    length = ["-t", f"{seconds:.6f}"]
    maps = ["-filter_complex", graph, "-map", "[video]", "-map", "[sound]"]
    target = ["-pix_fmt", "yuv420p", *length, "-movflags", "+faststart", str(output)]
    run_ffmpeg([*inputs, *length, "-i", str(music), *maps, *picture, *sound, *target], folder)
    return output


def write_titles(plan: RenderPlan, folder: Path) -> None:
    """Write the titles for the command: the same texts and font."""
    script = build_ass_script(plan, choose_fonts("".join(title.text for title in plan.titles)))
    (folder / "titles.ass").write_text(script.text, encoding="utf-8")
    (folder / "fonts").mkdir(exist_ok=True)
    for font in script.fonts:
        shutil.copy(font.path, folder / "fonts")
