"""The wishes of fixtures/wishes: what people ask for, and whether the agent does what they mean.

`python -m tests.support.wishes` prints how many are done as meant, by kind; `--all` also prints
each wish that is not. README.md of the folder describes the format.
"""

import argparse
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from nemolocal_agent import intents
from nemolocal_agent.edit_keys import NotationError
from nemolocal_agent.edit_notation import read_edit
from nemolocal_agent.intents import Edit, Generate, Selector, TimelinePoint
from nemolocal_agent.nlu import parse_message, understand_message
from nemolocal_agent.timeline import resolve_point
from nemolocal_agent.understanding import NoEdit

WISHES = Path(__file__).parents[2] / "fixtures" / "wishes"
TIMELINES = (60_000, 47_310)
DESTRUCTIVE = (
    intents.KeepSpan,
    intents.RemoveSpan,
    intents.RemoveClip,
    intents.RemoveMusic,
    intents.RemoveTitle,
    intents.RemoveEffects,
    intents.RemoveTransitions,
    intents.RemoveOverlays,
    intents.RemoveAudioEffects,
    intents.RemoveSounds,
    intents.ReplaceSound,
    intents.ReplaceClip,
    intents.RemoveTimer,
    intents.RemoveProgressBar,
    intents.CutSilence,
    intents.KeepHighlights,
    intents.Undo,
    intents.Redo,
    intents.StartOver,
    intents.Generate,
)
"""Edits that take something away, or cost the most: never made by a guess."""

Answer = Literal["talk", "ask", "refuse", "later"]
Verdict = Literal["done", "answered", "part", "refused", "later", "unchecked", "wrong"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


class Wish(msgspec.Struct, frozen=True):
    """A message, the edits that are right (one of `wanted`), and whether no edit is right too."""

    kind: str
    say: str
    means: str = ""
    wanted: tuple[tuple[Edit, ...], ...] = ()
    answer: Answer | None = None


def wish_files() -> list[Path]:
    """All files of wishes."""
    return sorted(WISHES.glob("*.toml"))


def read_wishes(file: Path) -> list[Wish]:
    """The wishes of a file, in order."""
    return [read_wish(table) for table in tomllib.loads(file.read_text("utf-8"))["wish"]]


def read_wish(table: Mapping[str, Any]) -> Wish:
    """One wish. Raises NotationError, which names the wish and the mistake."""
    say = table.get("say")
    if not {"kind", "say"} <= set(table) <= {"kind", "say", "means", "want", "or", "answer"}:
        raise NotationError(f"{say!r}: a wish has kind, say, means, want, or, answer")
    if table.get("answer", "ask") not in get_args(Answer) or not {"want", "answer"} & set(table):
        raise NotationError(f"{say!r}: needs want, or an answer of {', '.join(get_args(Answer))}")
    readings = [table["want"], *table.get("or", ())] if "want" in table else []
    try:
        wanted = tuple(tuple(map(read_edit, reading)) for reading in readings)
    except (NotationError, msgspec.ValidationError) as error:
        raise NotationError(f"{say!r}: {error}") from None
    return Wish(table["kind"], str(say), table.get("means", ""), wanted, table.get("answer"))


def seen_on(value: Any, total_ms: int) -> Any:
    """The value as it applies to a timeline: points as times, names in lower case."""
    if isinstance(value, TimelinePoint):
        return resolve_point(value, total_ms)
    if isinstance(value, Generate):
        return (Generate, value.scene, value.seconds)
    if isinstance(value, Selector):
        name = value.name.lower() if value.name else None
        return (Selector, value.number, name, seen_on(value.span, total_ms))
    if isinstance(value, msgspec.Struct):
        fields = (getattr(value, name) for name in value.__struct_fields__)
        return (type(value), *(seen_on(field, total_ms) for field in fields))
    if isinstance(value, tuple):
        return tuple(seen_on(item, total_ms) for item in value)
    return round(value, 4) if isinstance(value, float) else value


def is_same(heard: tuple[Edit, ...], wanted: tuple[Edit, ...]) -> bool:
    """Whether two lists of edits do the same, on timelines of different lengths."""
    return all(seen_on(heard, total) == seen_on(wanted, total) for total in TIMELINES)


def _is_part(heard: tuple[Edit, ...], wanted: tuple[Edit, ...]) -> bool:
    """Whether these are some of the wanted edits, in order."""
    rest = iter(wanted)
    return all(any(is_same((edit,), (one,)) for one in rest) for edit in heard)


def judge(wish: Wish) -> Verdict:
    """What became of a wish.

    `part`: some of the edits, and the answer names the rest. `refused`: no edit, although one was
    wanted. `later`: nobody builds that edit yet, and the agent
    says that it did not understand. `unchecked`: an edit of which the file does not say more.
    """
    understood = understand_message(wish.say)
    heard = understood.intent
    if isinstance(heard, NoEdit):
        if wish.answer is None:
            return "refused"
        return "later" if wish.answer == "later" else "answered"
    if any(is_same(heard, wanted) for wanted in wish.wanted):
        return "done"
    if understood.left_out and any(_is_part(heard, wanted) for wanted in wish.wanted):
        return "part"
    harmless = not any(isinstance(edit, DESTRUCTIVE) for edit in heard)
    return "unchecked" if wish.answer == "later" and harmless else "wrong"


def format_table(verdicts: Sequence[tuple[Wish, Verdict]]) -> str:
    """The number of wishes by kind and verdict."""
    kinds = list(dict.fromkeys(wish.kind for wish, _ in verdicts))
    counts = Counter((wish.kind, verdict) for wish, verdict in verdicts)
    totals = Counter(verdict for _, verdict in verdicts)
    lines = [f"{'kind':24}" + "".join(f"{verdict:>11}" for verdict in VERDICTS)]
    for kind in kinds:
        lines.append(f"{kind:24}" + "".join(f"{counts[kind, v] or '':>11}" for v in VERDICTS))
    lines.append(f"{'all':24}" + "".join(f"{totals[v]:>11}" for v in VERDICTS))
    good = totals["done"] + totals["answered"]
    lines.append(f"{good} of {len(verdicts)} done as meant or answered: {good / len(verdicts):.0%}")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Judge all wishes and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.wishes", description=__doc__)
    parser.add_argument("--all", action="store_true", help="print each wish that is not done")
    arguments = parser.parse_args(argv)
    wishes = [wish for file in wish_files() for wish in read_wishes(file)]
    verdicts = [(wish, judge(wish)) for wish in wishes]
    for wish, verdict in verdicts:
        if arguments.all and verdict not in ("done", "answered"):
            print(f"{verdict:10} {wish.say!r}: {wish.means}\n{'':10} {parse_message(wish.say)}")
    print(format_table(verdicts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
