"""Plan the texts of a draft: their times, colors, places and sizes."""

import re
from collections.abc import Sequence

from nemolocal_contract.draft import Draft, Segment, Style, TrackType
from nemolocal_contract.text_effects import Timer

from .clip_reader import read_segment_times
from .draft_limits import MAX_DURATION_MS, DraftRejected, require_number
from .effect_reader import read_text_effect
from .render_plan import Title

_COLORS = {
    "white": "ffffff",
    "black": "000000",
    "red": "e53935",
    "green": "43a047",
    "blue": "1e88e5",
    "yellow": "fdd835",
    "orange": "fb8c00",
    "purple": "8e24aa",
    "pink": "ec407a",
    "cyan": "00bcd4",
    "teal": "00897b",
    "gold": "ffd700",
    "silver": "c0c0c0",
    "gray": "9e9e9e",
    "grey": "9e9e9e",
    "brown": "795548",
    "navy": "1a237e",
    "lime": "cddc39",
    "magenta": "ff00ff",
}
_HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})")

MAX_TEXT_LENGTH = 2000
# A timer is a text for every second.
MAX_TIMED_MS = 2 * MAX_DURATION_MS
# Each font is searched for among all installed ones and copied next to the titles.
_MOST_FONTS = 100
# A subtitle for every second of two hours is shorter than this.
_MOST_CHARACTERS = 200_000

_ROWS = {"bottom": 0, "center": 3, "middle": 3, "top": 6}
_COLUMNS = {"left": 1, "center": 2, "right": 3}
_BOTTOM_CENTER = 2
_DEFAULT_SIZE = 64
_LARGEST_SIZE = 1080


def build_titles(draft: Draft, canvas_side: int) -> tuple[tuple[Title, ...], tuple[str, ...]]:
    """Return the titles of all text tracks, and warnings about styles that are not known.

    `canvas_side` is the short side of the picture in pixels.
    """
    titles: list[Title] = []
    warnings: list[str] = []
    for number, track in enumerate(draft.tracks or ()):
        if track.type != TrackType.TEXT:
            continue
        for index, segment in enumerate(track.segments or ()):
            title, unknown = _build_title(segment, f"draft.t[{number}].sg[{index}]", canvas_side)
            titles.append(title)
            warnings += (
                f"{title.path}.st.{name}: not known, the default is used" for name in unknown
            )
    _require_title_limits(titles)
    return tuple(titles), tuple(warnings)


def _build_title(segment: Segment, path: str, canvas_side: int) -> tuple[Title, list[str]]:
    """Return a text segment as a title, and the names of style values that are not known.

    Sizes are those of a picture whose short side has 1080 pixels, scaled to `canvas_side`.
    """
    if segment.text is None:
        raise DraftRejected(f"{path}.txt", "is missing")
    times = read_segment_times(segment, path)
    if len(segment.text) > MAX_TEXT_LENGTH:
        raise DraftRejected(f"{path}.txt", f"is longer than {MAX_TEXT_LENGTH} characters")
    style = segment.style or Style()
    size = require_number(style.size, f"{path}.st.size", 1, _LARGEST_SIZE, _DEFAULT_SIZE)
    color, alignment = _color(style.color), _alignment(style.position)
    title = Title(
        path=path,
        text=segment.text,
        start_ms=times.start,
        end_ms=times.end,
        size=max(round(size * canvas_side / 1080), 1),
        color=color or _COLORS["white"],
        alignment=alignment or _BOTTOM_CENTER,
        fade_in_ms=times.fade_in,
        fade_out_ms=times.fade_out,
        font=style.font or None,
        effect=read_text_effect(segment, path),
    )
    return title, ["color"] * (color is None) + ["pos"] * (alignment is None)


def _color(name: str | None) -> str | None:
    if name is None:
        return _COLORS["white"]
    lowered = name.strip().lower()
    match = _HEX.fullmatch(lowered)
    if match is None:
        return _COLORS.get(lowered)
    digits = match[1]
    return digits if len(digits) == 6 else "".join(digit * 2 for digit in digits)


def _alignment(name: str | None) -> int | None:
    """Return the ASS alignment of `top-left`, `bottom`, …: 1 is bottom left, 9 top right."""
    if name is None:
        return _BOTTOM_CENTER
    words = re.split(r"[\s_-]+", name.strip().lower())
    row, column = 3, 2
    for word in words:
        if word in ("center", "middle"):
            continue
        if word in _ROWS:
            row = _ROWS[word]
        elif word in _COLUMNS:
            column = _COLUMNS[word]
        else:
            return None
    return row + column


def _require_title_limits(titles: Sequence[Title]) -> None:
    """Refuse more titles than anyone reads (STA-3)."""
    fonts = len({title.font for title in titles if title.font})
    if fonts > _MOST_FONTS:
        raise DraftRejected("draft.t", f"names {fonts} fonts, at most {_MOST_FONTS} are used")
    timed = sum(t.end_ms - t.start_ms for t in titles if isinstance(t.effect, Timer))
    if timed > MAX_TIMED_MS:
        hours = MAX_TIMED_MS // 3_600_000
        raise DraftRejected("draft.t", f"has timers of more than {hours} hours together")
    length = sum(len(title.text) for title in titles)
    if length > _MOST_CHARACTERS:
        reason = f"has titles of {length} characters, at most {_MOST_CHARACTERS} are drawn"
        raise DraftRejected("draft.t", reason)
