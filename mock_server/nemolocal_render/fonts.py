"""Find fonts for the characters of titles: the bundled font first, then those of the system."""

import asyncio
import functools
import os
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from itertools import takewhile
from pathlib import Path

import msgspec

BUNDLED_FAMILY = "DejaVu Sans"
_BUNDLED_FILE = "DejaVuSans-Bold.ttf"
_SUFFIXES = frozenset({".ttf", ".otf", ".ttc"})
_FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "~/Library/Fonts",
    "C:/Windows/Fonts",
)

# The first word of a character's Unicode name → a font that has it.
_ADVICE = {
    "CJK": "Noto Sans CJK (fonts-noto-cjk)",
    "HIRAGANA": "Noto Sans CJK (fonts-noto-cjk)",
    "KATAKANA": "Noto Sans CJK (fonts-noto-cjk)",
    "HANGUL": "Noto Sans CJK (fonts-noto-cjk)",
    "EMOJI": "Symbola (fonts-symbola)",
}
_MOST_SCRIPTS = 3
_USUAL_ADVICE = "one of the Noto family (fonts-noto)"
# Categories that draw nothing, or only change their neighbours.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Mn", "Zl", "Zp", "Zs"})


class CodepointRanges(msgspec.Struct, frozen=True):
    """A set of code points as ascending ranges, a few KB for a large font."""

    firsts: tuple[int, ...]
    lasts: tuple[int, ...]

    def __contains__(self, number: int) -> bool:
        place = bisect_right(self.firsts, number) - 1
        return place >= 0 and number <= self.lasts[place]

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in zip(self.firsts, self.lasts, strict=True))


def build_codepoint_ranges(numbers: Iterable[int]) -> CodepointRanges:
    """Return the ranges of numbers in any order."""
    firsts: list[int] = []
    lasts: list[int] = []
    for number in sorted(numbers):
        if lasts and number <= lasts[-1] + 1:
            lasts[-1] = number
        else:
            firsts.append(number)
            lasts.append(number)
    return CodepointRanges(tuple(firsts), tuple(lasts))


class Font(msgspec.Struct, frozen=True):
    """A font file, its family name and its characters."""

    path: Path
    family: str
    characters: CodepointRanges

    def missing_characters(self, text: str) -> set[str]:
        """Return the visible characters of a text that the font does not have."""
        return {
            character
            for character in text
            if ord(character) not in self.characters
            and unicodedata.category(character) not in _INVISIBLE
        }


def read_font(path: Path) -> Font | None:
    """Return the font in a file, or None if it cannot be used; cached."""
    try:
        status = path.stat()
    except OSError:
        return None
    return _read(path, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=10_000)
def _read(path: Path, _changed: int, _size: int) -> Font | None:
    """Read a version of a file."""
    from fontTools.ttLib import TTFont, TTLibError

    try:
        with path.open("rb") as file, TTFont(file, lazy=True, fontNumber=0) as font:
            family = font["name"].getBestFamilyName() or ""
            characters = build_codepoint_ranges(font.getBestCmap() or ())
    except (TTLibError, OSError, KeyError, ValueError, AssertionError):
        # Font folders contain broken and bitmap fonts, which are skipped.
        return None
    usable = family.isprintable() and not set(family) & set("{}\\,")
    return Font(path, family, characters) if family and usable else None


@functools.cache
def bundled_font() -> Font:
    """Return the font of this package, with Latin, Greek, Cyrillic and more."""
    path = Path(str(files(__package__).joinpath("fonts", _BUNDLED_FILE)))
    font = read_font(path)
    if font is None:
        raise FileNotFoundError(f"the bundled font {_BUNDLED_FILE} cannot be read")
    return font


def font_files(folders: tuple[str, ...] = _FOLDERS) -> list[Path]:
    """Return the font files of the system, CJK fonts first."""
    found = {
        Path(folder, name)
        for top in folders
        for folder, _, names in os.walk(os.path.expanduser(top))
        for name in names
        if Path(name).suffix.lower() in _SUFFIXES
    }
    return sorted(found, key=lambda path: ("cjk" not in path.name.lower(), str(path)))


def system_fonts(folders: tuple[str, ...] = _FOLDERS) -> Iterator[Font]:
    """Yield the fonts of the system, CJK fonts first; each is read only when needed."""
    for path in font_files(folders):
        font = read_font(path)
        if font is not None:
            yield font


async def read_system_fonts(folders: tuple[str, ...] = _FOLDERS) -> None:
    """Read all fonts into the cache, so that later calls do not wait.

    Each is read in a thread, which cannot be cancelled: cancelling waits for one font at most.
    """
    for path in await asyncio.to_thread(font_files, folders):
        await asyncio.to_thread(read_font, path)


def needs_system_fonts(text: str, names: Iterable[str]) -> bool:
    """Whether the bundled font is not enough for a text in fonts of these names."""
    bundled = bundled_font()
    return bool(bundled.missing_characters(text)) or any(
        _words(name) != _words(bundled.family) for name in names
    )


def choose_fonts(text: str, folders: tuple[str, ...] = _FOLDERS) -> list[Font]:
    """The fonts that together draw as much of a text as can be drawn here, bundled first."""
    chosen = [bundled_font()]
    missing = chosen[0].missing_characters(text)
    candidates = system_fonts(folders) if missing else iter(())
    for font in candidates:
        left = {character for character in missing if ord(character) not in font.characters}
        if left != missing:
            chosen.append(font)
            missing = left
        if not missing:
            break
    return chosen


def match_font_names(names: Iterable[str], folders: tuple[str, ...] = _FOLDERS) -> dict[str, Font]:
    """Return for each name the font with this family, else a similar one, else the bundled one."""
    candidates = [bundled_font(), *system_fonts(folders)]
    families = [(_words(font.family), font) for font in candidates]
    return {name: _nearest(_words(name), families) for name in names}


def _nearest(wanted: list[str], families: Sequence[tuple[list[str], Font]]) -> Font:
    (_, best), most = families[0], (0, 0)
    for words, font in families:
        if words == wanted:
            return font
        pairs = zip(words, wanted, strict=False)
        alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        # Of two with the same common words, the shorter name.
        if alike and (alike, -len(words)) > most:
            best, most = font, (alike, -len(words))
    return best


def _words(name: str) -> list[str]:
    return name.lower().split()


def describe_missing_characters(missing: set[str]) -> str:
    """Return a message about characters that no font has, by script."""
    scripts: dict[str, list[str]] = {}
    for character in sorted(missing):
        scripts.setdefault(_script_of(character), []).append(character)
    return "; ".join(
        f"no font can draw {''.join(characters[:20])} ({script}), left out; "
        f"install {_ADVICE.get(script, _USUAL_ADVICE)}"
        for script, characters in list(scripts.items())[:_MOST_SCRIPTS]
    )


def _script_of(character: str) -> str:
    """Return the script by the Unicode name (`CJK`, `THAI`), or `EMOJI`."""
    symbol = unicodedata.category(character) == "So" and character >= "\u2190"
    # Emoji of a Unicode version that is newer than Python have no name, but a known range.
    if symbol or "\U0001f000" <= character <= "\U0001faff":
        return "EMOJI"
    return unicodedata.name(character, "UNKNOWN").split()[0].rstrip("-")
