"""Effects: what the contract package reads and writes in `fx` (STA-4)."""

import msgspec
import pytest
from hypothesis import given, strategies as st

from nemolocal_contract.audio_effects import AudioEffectRow, audio_effect_rows
from nemolocal_contract.describe.effect_descriptions import describe_effect
from nemolocal_contract.effects import (
    EFFECTS,
    POSITIONS,
    AudioEffect,
    Blur,
    Cell,
    ChromaKey,
    Effect,
    Overlay,
    Rotate,
    SmoothMotion,
    Solid,
    SoundFade,
    effect_from_wire,
    effect_to_wire,
    effect_type,
)

share, scale = st.floats(0, 1), st.floats(1, 8)
FIELDS: dict[str, st.SearchStrategy[object]] = {
    "degrees": st.sampled_from((90, 180, 270)),
    "axis": st.sampled_from(("horizontal", "vertical")),
    "amount": share,
    "start": scale,
    "end": scale,
    "position": st.sampled_from(POSITIONS),
    "opacity": share,
    "margin": st.floats(0, 0.5),
    "width": st.floats(0.01, 1),
    "height": st.floats(0.01, 1),
    "color": st.sampled_from(("green", "blue")),
    "similarity": st.floats(0.01, 0.5),
    "background": st.sampled_from((None, "white", "pink")),
    "columns": st.integers(1, 4),
    "rows": st.integers(1, 4),
    "column": st.integers(0, 3),
    "row": st.integers(0, 3),
    "in_ms": st.floats(0, 10_000),
    "out_ms": st.floats(0, 10_000),
    "source": st.text(max_size=20),
    "x": share,
    "y": share,
}


def amounts(row: AudioEffectRow) -> st.SearchStrategy[float | None]:
    """The amounts that an audio effect can have."""
    bounds = row.amount
    return st.none() if bounds is None else st.none() | st.floats(bounds.low, bounds.high)


any_effect: st.SearchStrategy[Effect] = st.one_of(
    *(
        st.builds(effect, **{name: FIELDS[name] for name in effect.__struct_fields__})
        for effect in EFFECTS.values()
    ),
    *(
        st.builds(AudioEffect, st.just(name), amounts(row))
        for name, row in audio_effect_rows().items()
    ),
)


@pytest.mark.slow
@given(any_effect)
def test_an_effect_comes_back_from_the_wire_as_it_was(effect: Effect) -> None:
    wire = effect_to_wire(effect)
    assert wire["type"] == effect_type(effect)
    assert effect_from_wire(wire) == effect


@pytest.mark.parametrize(
    "wire",
    [{}, {"type": 3}, {"type": "sparkle"}, {"type": ["blur"]}, {"type": "audio", "name": "bass"}],
)
def test_an_effect_that_is_not_ours_is_none(wire: dict[str, object]) -> None:
    assert effect_from_wire(wire) is None


def test_fields_left_out_have_their_usual_values_and_strange_ones_are_ignored() -> None:
    assert effect_from_wire({"type": "blur", "theirs": 1}) == Blur(0.5)
    assert effect_from_wire({"type": "overlay"}) == Overlay("top-right", 0.3, 1.0, 0.03)


@pytest.mark.parametrize(
    ("wire", "field"),
    [
        ({"type": "rotate", "degrees": 45}, "degrees"),
        ({"type": "rotate"}, "degrees"),
        ({"type": "brightness", "amount": 1.5}, "amount"),
        ({"type": "blur", "amount": "much"}, "amount"),
        ({"type": "overlay", "position": "everywhere"}, "position"),
        ({"type": "zoom", "end": 0.5}, "end"),
        ({"type": "bass", "amount": 99}, "amount"),
        ({"type": "robot", "amount": 1}, "amount"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(
    wire: dict[str, object], field: str
) -> None:
    with pytest.raises(msgspec.ValidationError, match=field):
        effect_from_wire(wire)


def test_a_turn_is_one_of_three() -> None:
    assert effect_to_wire(Rotate(90)) == {"type": "rotate", "degrees": 90}


@pytest.mark.parametrize(
    ("effect", "english", "chinese"),
    [
        (SmoothMotion(), "motion interpolation", "补帧"),
        (ChromaKey("green"), "chroma key (green)", "绿幕抠像（绿色）"),
        (Solid("blue"), "solid colour (blue)", "纯色画面（蓝色）"),
        (Cell(2, 1, 1, 0), "split screen (2/2 x 1/1)", "分屏（2/2 x 1/1）"),
        (SoundFade(1000, 2500), "sound fades in over 1s, sound fades out over 2.5s",
         "声音淡入1秒，声音淡出2.5秒"),
        (SoundFade(0, 2500), "sound fades out over 2.5s", "声音淡出2.5秒"),
        (SoundFade(0, 0), "sound fade", "声音淡入淡出"),
    ],
)  # fmt: skip
def test_effect_is_named_with_what_it_does(effect: Effect, english: str, chinese: str) -> None:
    assert (describe_effect(effect, "en"), describe_effect(effect, "zh")) == (english, chinese)
