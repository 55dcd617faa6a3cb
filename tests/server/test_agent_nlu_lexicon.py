"""Every word of the lexicon, alone, twice and in templates: parsing never fails."""

import logging
from collections.abc import Iterable

import pytest
from hypothesis import given, strategies as st

from nemolocal_agent.intents import SetVolume
from nemolocal_agent.nlu import message_parser, parse_message, parse_message_or_raise
from nemolocal_agent.nlu.lexer.lexicon import LexiconEntry, load_lexicon
from nemolocal_agent.understanding import NoEdit

TEMPLATES = (
    "{0}",
    "{0} {0}",
    "{0}, {0}",
    "trim to {0} seconds",
    "set the volume to {0}",
    "add a title 'Hi', never mind, {0}",
    "add a title 'Hi', {0}, at the top",
    "the {0} clip by {0}",
    "from {0} to {0} and {0}",
    "no {0}; {0} 50%",
    "把视频{0}，{0}",
    "第{0}个片段{0}秒",
)
SEPARATORS = (
    " ",
    "",
    ", ",
    ". ",
    "; ",
    "\n",
    " and ",
    " then ",
    " - ",
    "，",
    "。",
    "、",
    "然后",
    ": ",
    " + ",
)


def entries(*kinds: str) -> dict[str, LexiconEntry]:
    """The phrases of the lexicon and their entries, of these kinds or of all."""
    words = load_lexicon()
    english = {" ".join(said): word for row in words.english.values() for said, word in row}
    return {
        said: word
        for said, word in {**english, **words.chinese}.items()
        if not kinds or word.kind in kinds
    }


def one_of_each(words: dict[str, LexiconEntry]) -> list[str]:
    """One phrase for each meaning, in each of the two languages."""
    return list({(word, said.isascii()): said for said, word in words.items()}.values())


def require_readable(words: Iterable[str], templates: Iterable[str] = TEMPLATES) -> None:
    for template in templates:
        for word in words:
            parse_message_or_raise(template.format(word))


@pytest.mark.slow
def test_values_are_parsed_in_each_template() -> None:
    require_readable(one_of_each(entries("number", "unit", "suffix", "discourse")))


@pytest.mark.slow
def test_each_symbol_is_parsed_alone() -> None:
    require_readable(one_of_each(entries()), ["{0}"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "template",
    [*TEMPLATES[:2], *(pytest.param(text, marks=pytest.mark.nightly) for text in TEMPLATES[2:])],
)
def test_each_word_is_parsed_in_each_template(template: str) -> None:
    require_readable(entries(), [template])


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(
            st.deferred(lambda: st.sampled_from([*entries(), "0", "'x'", "5", "0:00", "50%"])),
            st.sampled_from(SEPARATORS),
        ),
        max_size=12,
    )
)
def test_any_sequence_of_known_words_is_parsed(row: list[tuple[str, str]]) -> None:
    parse_message_or_raise("".join(word + separator for word, separator in row))


@pytest.mark.slow
@pytest.mark.parametrize(
    "message",
    ["set the volume to zero", "volume zero", "把音量调到零", "set the volume to zero percent"],
)
def test_zero_is_a_number_like_any_other(message: str) -> None:
    assert parse_message_or_raise(message) == (SetVolume(0.0),)


@pytest.mark.slow
@pytest.mark.parametrize("asked", ["trim to 1 second", "add a title 'Hi'", "add a watermark"])
@pytest.mark.parametrize("refusal", ["never mind", "forget it", "no, never mind", "算了"])
@pytest.mark.parametrize("detail", ["at the top", "in white", "for 2 seconds", "on the left"])
def test_detail_after_a_refusal_is_ignored(asked: str, refusal: str, detail: str) -> None:
    refused = parse_message_or_raise(asked)
    assert not isinstance(refused, NoEdit)
    heard = parse_message_or_raise(f"{asked}, {refusal}, {detail}")
    assert isinstance(heard, NoEdit) or refused[0] not in heard


def test_bug_in_the_parser_is_logged_and_the_message_is_unknown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise IndexError("list index out of range")

    monkeypatch.setattr(message_parser, "parse_quantities", fail)
    with caplog.at_level(logging.ERROR):
        assert parse_message("  trim it to my-secret ") == NoEdit("unknown", "trim it to my-secret")
    assert "IndexError" in caplog.text
    assert "my-secret" not in caplog.text
