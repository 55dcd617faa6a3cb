"""How a title looks: names and numbers of a draft, parsed into values of our own (section 9)."""

import re
from collections.abc import Sequence

from nemolocal_contract.draft import Segment, Style

from .clips import SegmentTimes
from .field_validation import MAX_TEXT_LENGTH, DraftRejected, require_number
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

# Each is looked for among all fonts, and lies beside the titles.
_MOST_FONTS = 100
# A subtitle for every second of two hours is shorter than this.
_MOST_CHARACTERS = 200_000

_ROWS = {"bottom": 0, "center": 3, "middle": 3, "top": 6}
_COLUMNS = {"left": 1, "center": 2, "right": 3}
_BOTTOM_CENTER = 2
_DEFAULT_SIZE = 64
_LARGEST_SIZE = 1080


def build_title(
    segment: Segment, path: str, times: SegmentTimes, canvas_side: int
) -> tuple[Title, tuple[str, ...]]:
    """A text segment as a title, and what of its style is not understood.

    Sizes are those of a picture whose short side has 1080 pixels, scaled to `canvas_side`.
    """
    text = segment.text or ""
    if len(text) > MAX_TEXT_LENGTH:
        raise DraftRejected(f"{path}.txt", f"is longer than {MAX_TEXT_LENGTH} characters")
    style = segment.style or Style()
    size = require_number(style.size, f"{path}.st.size", 1, _LARGEST_SIZE, _DEFAULT_SIZE)
    color, alignment = _color(style.color), _alignment(style.position)
    title = Title(
        path=path,
        text=text,
        start_ms=times.start,
        end_ms=times.end,
        size=max(round(size * canvas_side / 1080), 1),
        color=color or _COLORS["white"],
        alignment=alignment or _BOTTOM_CENTER,
        fade_in_ms=times.fade_in,
        fade_out_ms=times.fade_out,
        font=style.font or None,
    )
    unknown = {"color": color is None, "pos": alignment is None}
    return title, _notes(path, unknown)


def _notes(path: str, unknown: dict[str, bool]) -> tuple[str, ...]:
    names = (name for name, is_unknown in unknown.items() if is_unknown)
    return tuple(f"{path}.st.{name}: not known, the usual is used" for name in names)


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
    """The place of `top-left`, `bottom`, … as ASS counts: 1 is bottom left, 9 top right."""
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


def require_title_limits(titles: Sequence[Title]) -> None:
    """Refuse titles that are more, together, than anybody reads (STA-3)."""
    fonts = len({title.font for title in titles if title.font})
    if fonts > _MOST_FONTS:
        raise DraftRejected("draft.t", f"names {fonts} fonts, at most {_MOST_FONTS} are used")
    length = sum(len(title.text) for title in titles)
    if length > _MOST_CHARACTERS:
        reason = f"has titles of {length} characters, at most {_MOST_CHARACTERS} are drawn"
        raise DraftRejected("draft.t", reason)
