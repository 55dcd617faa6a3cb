"""The texts of the pages in English and Chinese, from `translations.toml`."""

import functools
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any

from nemolocal_contract.plurals import format_counts

LANGUAGE_COOKIE = "nemolocal_language"
LANGUAGES = {"en": "English", "zh": "中文"}


class Texts:
    """The texts of one language: `texts("entries", count=3)`."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts = load_texts()[language]

    def __call__(self, key: str, **values: Any) -> str:
        """Return a text with its values; raises KeyError for a key that does not exist."""
        text = self._texts[key]
        return format_counts(text, values) if values else text


@functools.cache
def load_texts() -> dict[str, dict[str, str]]:
    """Return the texts by language and key."""
    source = resources.files(__package__).joinpath("translations.toml").read_text("utf-8")
    tables: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
    for key, texts in tomllib.loads(source).items():
        for language, text in zip(LANGUAGES, texts, strict=True):
            tables[language][key] = text
    return tables


def choose_language(cookies: Mapping[str, str], accepted: str) -> Texts:
    """Return the texts in the chosen language, else in the first of Accept-Language that exists."""
    chosen = cookies.get(LANGUAGE_COOKIE, "")
    if chosen in LANGUAGES:
        return Texts(chosen)
    return Texts(next((name for name in _by_preference(accepted) if name in LANGUAGES), "en"))


def _by_preference(accepted: str) -> list[str]:
    """Return the primary languages of an Accept-Language header, the preferred ones first."""
    weighted = []
    for item in accepted[:1000].split(","):
        name, _, parameters = item.strip().partition(";")
        try:
            weight = float(parameters.strip().removeprefix("q=") or 1)
        except ValueError:
            weight = 0.0
        weighted.append((-weight, name.partition("-")[0].lower()))
    return [name for _, name in sorted(weighted, key=lambda pair: pair[0])]
