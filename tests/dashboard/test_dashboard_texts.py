"""The texts of the pages."""

import re
import string
from pathlib import Path

import pytest

import nemolocal_dashboard
from nemolocal_dashboard.translations import Texts, choose_language, load_texts

PACKAGE = Path(nemolocal_dashboard.__file__).parent
# Keys that templates put together, with what follows.
MADE = re.compile(r"\bt\('([a-z_]+_)' ~ ")
USED = re.compile(r"\bt\('([a-z_]+)'[,)]")


def names(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_text_has_the_same_values_in_each_language() -> None:
    texts = load_texts()
    assert texts["en"].keys() == texts["zh"].keys()
    for key, text in texts["en"].items():
        assert names(text) == names(texts["zh"][key]), key


@pytest.mark.parametrize(
    ("key", "values", "one", "several"),
    [
        ("count", ["count"], "1 entry", "2 entries"),
        ("clips_left_out", ["count"], "Not drawn: 1 more clip.", "Not drawn: 2 more clips."),
        (
            "plan_content",
            ["clips", "layers", "sounds", "titles"],
            "1 clip on 1 video track, 1 sound, 1 title",
            "2 clips on 2 video tracks, 2 sounds, 2 titles",
        ),
    ],
)
def test_noun_of_a_count_is_singular_or_plural(
    key: str, values: list[str], one: str, several: str
) -> None:
    texts, chinese = Texts("en"), Texts("zh")
    assert texts(key, **dict.fromkeys(values, 1)) == one
    assert texts(key, **dict.fromkeys(values, 2)) == several
    ones, twos = (chinese(key, **dict.fromkeys(values, number)) for number in (1, 2))
    assert ones.replace("1", "2") == twos


@pytest.mark.sources
def test_counts_are_followed_by_no_plural_of_their_own() -> None:
    """A text says `{count:clip}`, which knows the plural, and not `{count} clips`."""
    written = re.compile(r"\{(count|chunks|parts|clips|cost|available)\} [a-z ]*s\b")
    assert [key for key, text in load_texts()["en"].items() if written.search(text)] == []


@pytest.mark.sources
def test_templates_use_texts_that_exist() -> None:
    known = load_texts()["en"]
    for path in PACKAGE.glob("templates/*.html"):
        template = path.read_text("utf-8")
        assert not [key for key in USED.findall(template) if key not in known], path
        for start in MADE.findall(template):
            assert any(key.startswith(start) for key in known), (path, start)


@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [
        ("", "", "en"),
        ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("", "de, zh;q=0.5, en;q=0.7", "en"),
        ("", "zh;q=nonsense, fr", "zh"),
        ("en", "zh", "en"),
        ("xx", "zh", "zh"),
    ],
)
def test_language_is_the_chosen_one_or_that_of_the_browser(
    cookie: str, accepted: str, language: str
) -> None:
    assert choose_language({"nemolocal_language": cookie}, accepted).language == language
