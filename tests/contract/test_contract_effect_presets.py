"""Looks: what `effect_presets.toml` says, and what the wire makes of it."""

from collections import Counter
from importlib.resources import files
from itertools import chain

import msgspec
import pytest

from nemolocal_contract.audio_effects import AudioEffectRow, audio_effect_rows
from nemolocal_contract.describe.effect_descriptions import describe_effect, describe_wire_effect
from nemolocal_contract.effect_presets import EffectPreset, ScaledParameter, effect_presets
from nemolocal_contract.effects import (
    EFFECTS,
    PresetEffect,
    effect_from_wire,
    effect_to_wire,
    effect_type,
    preset_effect,
)

NAMES = [*effect_presets()]


def test_names_and_words_are_used_once() -> None:
    rows: dict[str, EffectPreset | AudioEffectRow] = dict(effect_presets())
    rows |= audio_effect_rows()
    assert len(rows) == len(effect_presets()) + len(audio_effect_rows())
    assert not EFFECTS.keys() & rows.keys()
    words = chain.from_iterable(row.words.split("|") for row in rows.values())
    assert [word for word, count in Counter(words).items() if count > 1] == []


def test_each_look_has_words_in_both_languages() -> None:
    for name, preset in effect_presets().items():
        assert preset.words.isprintable(), name
        assert preset.words == preset.words.lower(), name
        assert any(word.isascii() for word in preset.words.split("|")), name
        assert any(not word.isascii() for word in preset.words.split("|")), name
        assert all(preset.label), name


def test_only_looks_with_a_colour_or_an_amount_use_it() -> None:
    for name, preset in effect_presets().items():
        parameters = [value for step in preset.filters for value in step.with_.values()]
        texts = [p.template if isinstance(p, ScaledParameter) else str(p) for p in parameters]
        assert any("$color" in text for text in texts) == (preset.color is not None), name
        changing = [
            p for p in parameters
            if isinstance(p, tuple) or (isinstance(p, ScaledParameter) and p.at[0] != p.at[1])
        ]  # fmt: skip
        assert bool(changing) == (preset.amount is not None), name


@pytest.mark.parametrize("name", NAMES)
def test_a_look_comes_back_from_the_wire_as_it_was(name: str) -> None:
    effect = preset_effect(name)
    wire = effect_to_wire(effect)
    assert wire["type"] == effect_type(effect) == name
    assert effect_from_wire(wire) == effect_from_wire({"type": name}) == effect


def test_values_out_of_bounds_are_refused_by_name() -> None:
    for wire in ({"type": "vhs", "amount": 1.1}, {"type": "vhs", "amount": "0.5:x=1"}):
        with pytest.raises(msgspec.ValidationError, match="amount"):
            effect_from_wire(wire)
    with pytest.raises(msgspec.ValidationError, match="color"):
        effect_from_wire({"type": "border", "color": "red,movie=/etc/passwd"})


def test_values_that_a_look_has_not_are_left_out() -> None:
    assert effect_from_wire({"type": "invert", "amount": 0.2}) == PresetEffect("invert")
    assert effect_to_wire(PresetEffect("invert")) == {"type": "invert"}
    assert effect_from_wire({"type": "preset", "name": "vhs"}) is None


def test_looks_are_described_in_both_languages() -> None:
    vhs = preset_effect("vhs", 0.25)
    assert describe_effect(vhs, "en") == "VHS tape look 25 %"
    assert describe_effect(preset_effect("border", None, "red"), "zh") == "边框（红色） 40 %"
    assert describe_wire_effect({"type": "vhs", "amount": 9}, "en") == "VHS tape look"


def test_the_file_is_part_of_the_package() -> None:
    assert files("nemolocal_contract").joinpath("effect_presets.toml").is_file()
