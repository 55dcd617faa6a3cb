"""Fonts are looked for within bounds, and whoever looks can be stopped."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from nemolocal_contract.draft import draft_from_wire
from nemolocal_render import fonts, job
from nemolocal_render.planning.planner import DraftRejected, RenderPlan, plan_render


def titled(count: int, text: str = "Hi", kinds: int = 1) -> RenderPlan:
    """The plan of so many titles in so many fonts."""
    segments = [
        {"s": 0, "d": 1000, "txt": text, "st": {"font": f"Font {n % kinds}"}} for n in range(count)
    ]
    shape = {"width": 320, "height": 180, "fps": 30}
    return plan_render(draft_from_wire({"t": [{"tt": 7, "sg": segments}], "m": shape}), {})


@pytest.mark.rule("REN-9")
@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ({"count": 101, "kinds": 101}, "draft.t: names 101 fonts, at most 100"),
        ({"count": 101, "text": "a" * 2000}, "draft.t: has titles of 202000 characters, at most"),
    ],
)
def test_more_fonts_or_text_than_anybody_reads_is_refused(plan: dict[str, Any], said: str) -> None:
    with pytest.raises(DraftRejected, match=said):
        titled(**plan)


def test_a_font_file_is_read_once_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    fonts._read.cache_clear()

    class Counted:
        def __init__(self, file: Any, **_: object) -> None:
            read.append(Path(file.name).name)
            raise KeyError("no font")

    monkeypatch.setattr("fontTools.ttLib.TTFont", Counted)
    for name in ("a.ttf", "b.otf"):
        (tmp_path / name).write_bytes(b"1")
    for _ in range(3):
        assert list(fonts.system_fonts((str(tmp_path),))) == []
    assert sorted(read) == ["a.ttf", "b.otf"]
    (tmp_path / "a.ttf").write_bytes(b"22")
    assert list(fonts.system_fonts((str(tmp_path),))) == []
    assert sorted(read) == ["a.ttf", "a.ttf", "b.otf"]
    fonts._read.cache_clear()


def test_the_folders_are_walked_once_for_all_names(monkeypatch: pytest.MonkeyPatch) -> None:
    walked: list[str] = []

    def walk(top: str) -> list[Any]:
        walked.append(top)
        return []

    monkeypatch.setattr("nemolocal_render.fonts.os.walk", walk)
    found = fonts.match_font_names([f"Font {n}" for n in range(100)], ("/fonts",))
    assert {font.family for font in found.values()} == {fonts.BUNDLED_FAMILY}
    assert walked == ["/fonts"]


@pytest.mark.slow
def test_a_cancelled_render_reads_no_further_font(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fonts.bundled_font()
    read: list[Path] = []

    async def play() -> None:
        started, loop = asyncio.Event(), asyncio.get_running_loop()

        def read_font(path: Path) -> None:
            read.append(path)
            loop.call_soon_threadsafe(started.set)

        monkeypatch.setattr(fonts, "read_font", read_font)
        monkeypatch.setattr(fonts, "font_files", lambda _: [Path(str(n)) for n in range(10_000)])
        preparing = asyncio.create_task(job._prepare_titles(tmp_path, titled(1)))
        await started.wait()
        preparing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await preparing

    asyncio.run(play())
    assert len(read) < 1000


def test_a_title_that_the_bundled_font_draws_reads_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts, "font_files", lambda *_: pytest.fail("nobody needs them"))
    segment = {"s": 0, "d": 1000, "txt": "Hi", "st": {"font": "dejavu sans"}}
    plan = plan_render(draft_from_wire({"t": [{"tt": 7, "sg": [segment]}]}), {})
    monkeypatch.setattr(
        job, "match_font_names", lambda names: dict.fromkeys(names, fonts.bundled_font())
    )
    assert asyncio.run(job._prepare_titles(tmp_path, plan)) == ()


@pytest.mark.slow
@given(st.sets(st.integers(0, 300)), st.lists(st.integers(-1, 301)))
def test_ranges_hold_what_they_are_made_of(numbers: set[int], asked: list[int]) -> None:
    ranges = fonts.build_codepoint_ranges(numbers)
    assert len(ranges) == len(numbers)
    for number in (*numbers, *asked):
        assert (number in ranges) == (number in numbers)
