"""The phrases of fixtures/phrases, and the edits that the agent makes of them."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from nemolocal_agent.intents import Edit, KeepSpan, Selector, first_span
from nemolocal_agent.nlu import understand_message
from nemolocal_agent.understanding import NoEdit
from tests.support.phrases import Phrase, PhraseError, phrase_files, read_phrase, read_phrases
from tests.support.tables import check_rows
from tests.support.wishes import is_same


def check_phrase(say: str, phrase: Phrase) -> None:
    understood = understand_message(say)
    heard = understood.intent
    if phrase.topic is not None:
        assert isinstance(heard, NoEdit), heard
        assert heard.topic == phrase.topic
        return
    assert not isinstance(heard, NoEdit), heard
    assert is_same(heard, phrase.edits), heard
    assert understood.understood == ("part" if phrase.part else "full"), understood.left_out


@pytest.mark.parametrize("file", phrase_files(), ids=lambda file: file.stem)
def test_phrases_are_understood(file: Path, subtests: pytest.Subtests) -> None:
    phrases = read_phrases(file)
    assert phrases
    check_rows(subtests, [(phrase.say, phrase) for phrase in phrases], check_phrase)


@pytest.mark.slow
def test_no_phrase_occurs_twice() -> None:
    said = Counter(phrase.say for file in phrase_files() for phrase in read_phrases(file))
    assert [say for say, times in said.items() if times > 1] == []


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        ({"edit": "kep", "first_ms": 5000}, "unknown edit 'kep'; known are place-uploads, keep"),
        ({"edit": "keep", "frist_ms": 5000}, "required field `span`"),
        ({"edit": "merge", "clip": 1}, "'merge' takes no clip"),
        ({"edit": "keep", "first_ms": 5000, "last_ms": 1}, "first_ms and last_ms together"),
        ({"edit": "keep", "first_share": "half"}, "first_share = 'half' is no share"),
        ({"edit": "keep", "first_ms": "5s"}, r"Expected `int`, got `str` - at `\$.span.end.ms`"),
        ({"edit": "add-effect", "type": "sparkle"}, "unknown effect 'sparkle'; known are"),
        ({"edit": "add-effect", "type": "rotate", "degrees": 45}, "Invalid enum value 45"),
        ({"edit": "set-fit", "fit": "squeeze"}, "Invalid enum value 'squeeze'"),
        ({"first_ms": 5000}, "edit is missing"),
    ],
)
def test_wrong_phrase_table_is_an_error_with_phrase_and_key(
    edit: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(PhraseError, match=f"'trim it': .*{complaint}"):
        read_phrase({"say": "trim it", "want": [edit]})


@pytest.mark.parametrize(
    ("phrase", "complaint"),
    [
        ({"say": "hi"}, "'hi': needs either want or talk"),
        ({"say": "hi", "want": [], "talk": "hello"}, "'hi': needs either want or talk"),
        ({"say": "hi", "talk": "weather"}, "'hi': talk is one of hello"),
        ({"say": "hi", "wants": []}, "a phrase has group, say"),
    ],
)
def test_phrase_has_edits_or_a_topic(phrase: dict[str, Any], complaint: str) -> None:
    with pytest.raises(PhraseError, match=complaint):
        read_phrase(phrase)


def test_phrase_table_becomes_the_edits_it_names() -> None:
    wanted: tuple[Edit, ...] = (
        KeepSpan(first_span(5000), Selector(number=2)),
        KeepSpan(first_span(5000)),
    )
    tables = [{"edit": "keep", "first_ms": 5000, "clip": 2}, {"edit": "keep", "first_ms": 5000}]
    assert read_phrase({"say": "trim", "want": tables}) == Phrase("trim", wanted)
