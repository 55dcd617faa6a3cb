"""The texts of the pages."""

import re
import string
from pathlib import Path

import pytest

import nemolocal_dashboard
from nemolocal_dashboard.translations import choose_language, load_texts

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
