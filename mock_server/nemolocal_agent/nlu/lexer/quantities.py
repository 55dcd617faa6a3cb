"""Combines numbers and units into slots: times, percentages, factors, ordinals, sizes."""

import re

from .tokens import LexToken, Slot, TokenKind, symbol_set
from .units import (
    ASPECT_RATIOS,
    FRAME_RATES,
    MAX_TIME_MS,
    RESOLUTION_BY_HEIGHT,
    RESOLUTION_BY_THOUSANDS,
    TIME_UNITS,
    UNITS,
    share_units,
)

# Words that make "second 3" a point of time.
_TIME_PREPOSITIONS = frozenset("from to at until between and after before".split())

# The kinds of words that an ordinal counts.
_COUNTABLE_KINDS = (TokenKind.NOUN, TokenKind.UNKNOWN)
# Words between two numbers of one unit: "seconds 6 to 8".
_RANGE_WORDS = ("to", "and", "until", "through", ",")
_EDGES = ("first", "last", "middle")
# After these, "one" is a pronoun: "the last one", "the red one".
_PRONOUN_ANTECEDENTS = symbol_set(
    "first last other all per", Slot.ORDINAL, Slot.COLOR, Slot.SCENE, Slot.UNKNOWN_WORD
)
# All other tokens stay as they are.
_MEASURE_KINDS = frozenset(
    (TokenKind.NUMBER, TokenKind.RAW_VALUE, TokenKind.UNIT, TokenKind.SUFFIX)
)
_MEASURE_SYMBOLS = symbol_set("frame mark", Slot.FRACTION, Slot.ORDINAL) | {"mark timer"}


def parse_quantities(tokens: list[LexToken]) -> list[LexToken]:
    """The tokens with slots for numbers and units."""
    return _QuantityParser(tokens).parse()


class _QuantityParser:
    """One pass over the tokens of a message; the result is in `output`."""

    def __init__(self, tokens: list[LexToken]) -> None:
        self.tokens = tokens
        self.output: list[LexToken] = []
        self.position = 0
        self._clocks = sum(token.symbol == "clock" for token in tokens)
        symbols = {token.symbol for token in tokens}
        limited = "upload" in symbols and not symbols.isdisjoint(("max", "under"))
        self._has_file_sizes = limited or any(symbol.startswith("compress") for symbol in symbols)

    def parse(self) -> list[LexToken]:
        """The tokens with slots for numbers and units."""
        while self.position < len(self.tokens):
            token = self.tokens[self.position]
            if token.kind not in _MEASURE_KINDS and token.symbol not in _MEASURE_SYMBOLS:
                self.output.append(token)
                self.position += 1
            elif self._parse_ambiguous(token):
                continue
            elif token.kind == TokenKind.NUMBER or (
                token.symbol == Slot.FRACTION and self._is_half_unit()
            ):
                self._parse_number(token)
            elif token.kind == TokenKind.RAW_VALUE:
                self._parse_raw_value(token)
            elif token.kind == TokenKind.UNIT:
                self._parse_lone_unit(token)
            elif token.symbol == Slot.ORDINAL and self._previous_symbol() in _EDGES:
                self._parse_after_edge(token)
            elif self._is_second() and self._is_time_point():
                self.position += 1
                self._add_slot(
                    Slot.TIME,
                    token.start,
                    self.tokens[self.position].end,
                    round(self._parse_amount() * 1000),
                )
            elif token.kind == TokenKind.SUFFIX:
                self.position += 1
            else:
                self.output.append(token)
                self.position += 1
        return share_units(self.output)

    def _parse_ambiguous(self, token: LexToken) -> bool:
        """Parse a token whose meaning depends on the numbers beside it, if it is one."""
        if self._is_chat_word(token):
            word = "to" if token.value == 2 else "for"
            self.output.append(LexToken(word, TokenKind.MODIFIER, token.start, token.end))
            self.position += 1
        elif token.symbol == "frame" and self._is_counted_frame():
            self.output.append(
                LexToken(Slot.UNKNOWN_WORD, TokenKind.UNKNOWN, token.start, token.end, "frames")
            )
            self.position += 1
        elif token.symbol.startswith("mark"):
            self._parse_mark(token)
        elif self._is_second() and self._is_article(self.position - 1) and self._has_half_after():
            self.position += 1
            length = round(1000 + self._parse_rest_of_time("s", 1000))
            end = self.tokens[self.position - 1].end
            self._add_slot(Slot.TIME, token.start, end, length)
        else:
            return False
        return True

    def _has_half_after(self) -> bool:
        """Whether "and a half" follows."""
        half = self._token_at(self._skip(self.position + 2))
        is_half = half is not None and half.symbol == Slot.FRACTION and half.value == 0.5
        return is_half and self._symbol_at(self.position + 1) == "and"

    def _is_chat_word(self, token: LexToken) -> bool:
        """Whether a digit stands for a word: "trim it 2 a minute", "show it 4 the first 5 s"."""
        return (
            token.kind == TokenKind.NUMBER
            and token.end - token.start == 1
            and token.value in (2, 4)
            and self._is_article(self.position + 1)
            and self._kind_at(self.position + 2)
            in (TokenKind.UNIT, TokenKind.NUMBER, TokenKind.MODIFIER)
        )

    def _is_article(self, index: int) -> bool:
        token = self._token_at(index)
        return token is not None and token.value in ("a", "an", "the")

    def _is_counted_frame(self) -> bool:
        """Whether frames are counted: "frames 0 to 90", "the first 90 frames"."""
        after = self._kind_at(self.position + 1) == TokenKind.NUMBER
        return after or self._previous_symbol() == Slot.NUMBER

    def _parse_mark(self, token: LexToken) -> None:
        """`At the 7 second mark` means nothing more, "put a timestamp in the corner" does.

        The symbol has a word more if the mark can be a thing.
        """
        self.position += 1
        if self._previous_symbol() in (Slot.TIME, Slot.PERCENT, Slot.FRACTION):
            return
        thing = token.symbol.removeprefix("mark").strip()
        self.output.append(
            LexToken(thing, TokenKind.NOUN, token.start, token.end)
            if thing
            else LexToken(Slot.UNKNOWN_WORD, TokenKind.UNKNOWN, token.start, token.end, token.value)
        )

    def _token_at(self, index: int) -> LexToken | None:
        return self.tokens[index] if 0 <= index < len(self.tokens) else None

    def _symbol_at(self, index: int) -> str:
        token = self._token_at(index)
        return "" if token is None else token.symbol

    def _kind_at(self, index: int) -> TokenKind | None:
        token = self._token_at(index)
        return None if token is None else token.kind

    def _skip(self, index: int) -> int:
        """The next index that is not a filler."""
        return index + 1 if self._kind_at(index) == TokenKind.FILLER else index

    def _is_second(self, index: int | None = None) -> bool:
        """Whether this is "second", which is an ordinal or a unit."""
        token = self._token_at(self.position if index is None else index)
        return token is not None and token.symbol == Slot.ORDINAL and token.value == 2

    def _is_unit_second(self, index: int) -> bool:
        return (
            self._is_second(index) and self._kind_at(self._skip(index + 1)) not in _COUNTABLE_KINDS
        )

    def _is_half_unit(self) -> bool:
        """Whether a half is half of a unit: half a minute, half second, 半分钟."""
        after = self._skip(self.position + 1)
        return (
            self._kind_at(after) == TokenKind.UNIT and self._symbol_at(after) in TIME_UNITS
        ) or (self._is_unit_second(after))

    def _is_number_without_unit(self) -> bool:
        """Whether a number follows the unit: "seconds 6 to 8"."""
        follows = self._kind_at(self.position + 1) not in (
            TokenKind.UNIT,
            TokenKind.SUFFIX,
            *_COUNTABLE_KINDS,
        )
        return self._kind_at(self.position) == TokenKind.NUMBER and follows

    def _parse_counted_times(self, unit: LexToken) -> None:
        while True:
            amount = self._parse_amount()
            end = self.tokens[self.position - 1].end
            self._add_slot(Slot.TIME, unit.start, end, round(amount * UNITS[unit.symbol][1]))
            joint = self._token_at(self.position)
            self.position += 1
            if (
                joint is None
                or joint.symbol not in _RANGE_WORDS
                or not self._is_number_without_unit()
            ):
                self.position -= 1
                return
            self.output.append(joint)

    def _is_time_point(self) -> bool:
        """Whether it is a point of time: "from second 3 to second 8"."""
        return (
            self._previous_symbol() in _TIME_PREPOSITIONS
            and self._kind_at(self.position + 1) == TokenKind.NUMBER
        )

    def _previous_symbol(self) -> str:
        return self.output[-1].symbol if self.output else ""

    def _add_slot(self, slot: Slot, start: int, end: int, value: object) -> None:
        self.output.append(LexToken(slot, TokenKind.SLOT, start, end, value))

    def _parse_raw_value(self, token: LexToken) -> None:
        self.position += 1
        text = str(token.value)
        if token.symbol == "pixels":
            self._add_slot(
                Slot.PIXEL_SIZE,
                token.start,
                token.end,
                tuple(int(n) for n in re.split(r"\D+", text)),
            )
        elif share := _parse_fraction(
            text, self._previous_symbol(), self._symbol_at(self._skip(self.position))
        ):
            self._add_slot(Slot.FRACTION, token.start, token.end, share)
        elif token.symbol == "ratio" or (self._clocks < 2 and text in ASPECT_RATIOS):
            width, height = (float(n) for n in re.split(r"[:/x×比 ]+", text))
            if width and height:
                self._add_slot(Slot.ASPECT_RATIO, token.start, token.end, f"{width:g}:{height:g}")
        else:
            seconds = 0.0
            for part in text.split(":"):
                seconds = seconds * 60 + float(part)
            self._add_slot(
                Slot.TIME, token.start, token.end, min(round(seconds * 1000), MAX_TIME_MS)
            )

    def _parse_after_edge(self, token: LexToken) -> None:
        """`the first second` is a time, `the middle third` a share, unless a noun follows."""
        if self._kind_at(self.position + 1) in _COUNTABLE_KINDS or token.value < 2:
            self.output.append(token)
        elif token.value == 2:
            self._add_slot(Slot.TIME, token.start, token.end, 1000)
        else:
            self._add_slot(Slot.FRACTION, token.start, token.end, 1 / token.value)
        self.position += 1

    def _parse_number(self, first: LexToken) -> None:
        """A number with its unit: "twenty five", "1 min 20 s", "2x", "3rd"."""
        if self._is_pronoun(first):
            return
        amount = self._parse_amount()
        unit = self._skip(self.position) if first.symbol == Slot.FRACTION else self.position
        end = self.tokens[self.position - 1].end
        if self._previous_symbol() == "nth":
            self._parse_ordinal(amount, end)
        elif self._kind_at(unit) == TokenKind.SUFFIX:
            self.position = unit + 1
            if amount == 1 and self._kind_at(self.position) == TokenKind.NUMBER:
                end = self.tokens[unit].end
                self.output.append(LexToken("first", TokenKind.MODIFIER, first.start, end))
            else:
                self._add_slot(Slot.ORDINAL, first.start, self.tokens[unit].end, amount)
        elif self._kind_at(unit) == TokenKind.UNIT or self._is_second(unit):
            self.position = unit
            self._parse_measure(amount, first.start)
        elif self.output and self.output[-1].kind == TokenKind.UNIT:
            self.output[-1] = LexToken(
                Slot.FACTOR, TokenKind.SLOT, self.output[-1].start, end, amount
            )
        elif (
            self._symbol_at(self.position) == "by"
            and self._kind_at(self.position + 1) == TokenKind.NUMBER
        ):
            self._parse_ratio_by(amount, first)
        else:
            self._add_slot(Slot.NUMBER, first.start, end, amount)

    def _is_pronoun(self, first: LexToken) -> bool:
        """Whether it is the pronoun of "the last one"."""
        after = self._token_at(self.position + 1)
        hundred = after is not None and after.kind == TokenKind.NUMBER and after.value == 100
        follows = hundred or self._kind_at(self.position + 1) in (TokenKind.UNIT, TokenKind.NOUN)
        alone = not follows and self._symbol_at(self.position + 1) != "and"
        if not (first.value == 1 and first.end - first.start == 3 and alone):
            return False
        if not _is_pronoun_one(self.output):
            return False
        self.output.append(LexToken("it", TokenKind.MODIFIER, first.start, first.end))
        self.position += 1
        return True

    def _parse_ordinal(self, amount: float, end: int) -> None:
        """第2 is an ordinal, 第5秒 a point of time."""
        prefix = self.output.pop()
        unit = self._token_at(self.position)
        if unit is not None and unit.kind == TokenKind.UNIT and unit.symbol in TIME_UNITS:
            word = "first" if amount == 1 else "at"
            self.output.append(LexToken(word, TokenKind.MODIFIER, prefix.start, prefix.end))
            self._parse_measure(amount, prefix.start)
        else:
            self._add_slot(Slot.ORDINAL, prefix.start, end, amount)

    def _parse_ratio_by(self, width: float, first: LexToken) -> None:
        """`16 by 9` is an aspect ratio."""
        height = self.tokens[self.position + 1]
        ratio = f"{width:g}:{float(height.value):g}"
        if ratio in ASPECT_RATIOS:
            self._add_slot(Slot.ASPECT_RATIO, first.start, height.end, ratio)
            self.position += 2
        else:
            self._add_slot(Slot.NUMBER, first.start, first.end, width)

    def _parse_amount(self) -> float:
        """The value of the number at the position, which moves behind it."""
        amount = float(self.tokens[self.position].value)
        self.position += 1
        while self._kind_at(self.position) == TokenKind.NUMBER:
            value = float(self.tokens[self.position].value)
            if value == 100 and amount < 100:
                amount *= 100
            elif amount in range(20, 100, 10) and 0 < value < 10:
                amount += value
            else:
                break
            self.position += 1
        half = self._skip(self.position + 1)
        if (
            self._symbol_at(self.position) == "and"
            and self._symbol_at(half) == Slot.FRACTION
            and self.tokens[half].value == 0.5
        ):
            self.position = half + 1
            return amount + 0.5
        return amount

    def _parse_measure(self, amount: float, start: int) -> None:
        """A number and its unit, which is at the position."""
        token = self.tokens[self.position]
        unit = "s" if token.symbol == Slot.ORDINAL else token.symbol
        self.position += 1
        if unit == "p" and amount in FRAME_RATES:
            unit = "fps"
        if unit in ("k", "p"):
            height = (RESOLUTION_BY_THOUSANDS if unit == "k" else RESOLUTION_BY_HEIGHT).get(
                int(amount)
            )
            self._add_slot(
                Slot.RESOLUTION if height else Slot.NUMBER, start, token.end, height or amount
            )
            return
        if unit == "min" and self._has_file_sizes and token.end - token.start == 1:
            unit = "mb"
        slot, one = UNITS[unit]
        value = round(amount * one, 6)
        if slot != Slot.TIME:
            self._add_slot(slot, start, token.end, value)
            return
        value += self._parse_rest_of_time(unit, one)
        self._add_slot(
            Slot.TIME, start, self.tokens[self.position - 1].end, min(round(value), MAX_TIME_MS)
        )

    def _parse_rest_of_time(self, unit: str, one: float) -> float:
        """What follows a time and is part of it: "and a half", 半, "20 s", "and 20 seconds"."""
        joined = self._symbol_at(self.position) == "and"
        index = self._skip(self.position + joined)
        token = self._token_at(index)
        if token is None:
            return 0.0
        if (
            token.symbol == Slot.FRACTION
            and token.value == 0.5
            and (joined or token.start == self.tokens[self.position - 1].end)
        ):
            self.position = index + 1
            return one / 2
        if token.kind != TokenKind.NUMBER or unit == "s":
            return 0.0
        before, self.position = self.position, index
        amount = self._parse_amount()
        small = self._token_at(self.position)
        if small is not None and (small.symbol == "s" or self._is_unit_second(self.position)):
            self.position += 1
            return amount * 1000
        if small is not None and unit == "h" and small.symbol == "min":
            self.position += 1
            return amount * 60_000 + self._parse_rest_of_time("min", 60_000)
        if unit == "min" and not joined and token.start == self.tokens[before - 1].end:
            return amount * 1000
        self.position = before
        return 0.0

    def _parse_lone_unit(self, token: LexToken) -> None:
        """A unit without a number: "a minute" is one minute, "x3" a factor."""
        edge = self._previous_symbol() in ("first", "last")
        article = edge or self._kind_at(self.position - 1) == TokenKind.FILLER
        self.position += 1
        if token.symbol == "x" and self._kind_at(self.position) == TokenKind.NUMBER:
            self.output.append(token)
        elif token.symbol in TIME_UNITS and self._is_number_without_unit():
            self._parse_counted_times(token)
        elif token.symbol in TIME_UNITS and article:
            one = UNITS[token.symbol][1]
            self._add_slot(
                Slot.TIME,
                token.start,
                token.end,
                round(one + self._parse_rest_of_time(token.symbol, one)),
            )
        elif token.symbol == "fps":
            self.output.append(LexToken("framerate", TokenKind.NOUN, token.start, token.end))
        elif token.symbol == "percent":
            self.output.append(LexToken("", TokenKind.FILLER, token.start, token.end))
        else:
            self.output.append(LexToken("measure", TokenKind.MODIFIER, token.start, token.end))


def _parse_fraction(text: str, before: str, after: str) -> float | None:
    """The value of a fraction with a slash: 1/4 speed, the first 2/3. None if it is a ratio.

    `before` and `after` are the symbols beside it.
    """
    part, slash, whole = text.partition("/")
    if not slash or not (part + whole).isdigit() or not 0 < int(part) < int(whole):
        return None
    beside = before in ("first", "last", "middle", "at", "by", "size") or after in ("of", "speed")
    return round(int(part) / int(whole), 9) if part == "1" or beside else None


def _is_pronoun_one(before: list[LexToken]) -> bool:
    """Whether "one" after these tokens is a pronoun: "the last one", "this one"."""
    last = before[-1] if before else None
    if last is None or last.symbol == "it":
        return last is not None and last.value in ("this", "that")
    return last.symbol in _PRONOUN_ANTECEDENTS
