"""Numbers and units become values: times, percents, factors, ordinals, sizes."""

import re

from .tokens import Token
from .units import (
    BEFORE_A_MOMENT,
    HEIGHTS,
    JOINS,
    LONGEST_MS,
    RATIOS,
    THINGS,
    THOUSANDS,
    TIMES,
    UNITS,
    fraction,
    lend_units,
    names_one,
)


class Evaluation:
    """One walk over the tokens of a message; what it makes of them is in `found`."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.found: list[Token] = []
        self.place = 0
        self._clocks = sum(token.canon == "clock" for token in tokens)
        canons = {token.canon for token in tokens}
        limited = "upload" in canons and not canons.isdisjoint(("max", "under"))
        self._sizes = limited or any(canon.startswith("compress") for canon in canons)

    def run(self) -> list[Token]:
        """The same tokens with slots in the place of numbers and units."""
        while self.place < len(self.tokens):
            token = self.tokens[self.place]
            if token.kind == "number" or (token.canon == "F" and self._halves_a_unit()):
                self._number(token)
            elif token.kind == "value":
                self._value(token)
            elif token.kind == "unit":
                self._lone_unit(token)
            elif token.canon == "O" and self._before() in ("first", "last", "middle"):
                self._after_edge(token)
            elif self._is_second() and self._names_a_moment():
                self.place += 1
                self._put(
                    "T", token.start, self.tokens[self.place].end, round(self._amount() * 1000)
                )
            elif token.kind == "suffix":
                self.place += 1
            else:
                self.found.append(token)
                self.place += 1
        return lend_units(self.found)

    def _at(self, place: int) -> Token | None:
        return self.tokens[place] if 0 <= place < len(self.tokens) else None

    def _canon(self, place: int) -> str:
        token = self._at(place)
        return "" if token is None else token.canon

    def _kind(self, place: int) -> str:
        token = self._at(place)
        return "" if token is None else token.kind

    def _skip(self, place: int) -> int:
        """The next place that is no article."""
        return place + 1 if self._kind(place) == "filler" else place

    def _is_second(self, place: int | None = None) -> bool:
        """Whether this is "second", which is an ordinal or a unit."""
        token = self._at(self.place if place is None else place)
        return token is not None and token.canon == "O" and token.value == 2

    def _is_unit_second(self, place: int) -> bool:
        return self._is_second(place) and self._kind(self._skip(place + 1)) not in THINGS

    def _halves_a_unit(self) -> bool:
        """Whether a half is half of a unit: half a minute, half second, 半分钟."""
        after = self._skip(self.place + 1)
        return (self._kind(after) == "unit" and self._canon(after) in TIMES) or (
            self._is_unit_second(after)
        )

    def _counts_on(self) -> bool:
        """Whether a number follows that is of the unit before it: "seconds 6 to 8"."""
        follows = self._kind(self.place + 1) not in ("unit", "suffix", *THINGS)
        return self._kind(self.place) == "number" and follows

    def _count_on(self, unit: Token) -> None:
        while True:
            amount = self._amount()
            end = self.tokens[self.place - 1].end
            self._put("T", unit.start, end, round(amount * UNITS[unit.canon][1]))
            joint = self._at(self.place)
            self.place += 1
            if joint is None or joint.canon not in JOINS or not self._counts_on():
                self.place -= 1
                return
            self.found.append(joint)

    def _names_a_moment(self) -> bool:
        """Whether it is a moment: "from second 3 to second 8"."""
        return self._before() in BEFORE_A_MOMENT and self._kind(self.place + 1) == "number"

    def _before(self) -> str:
        return self.found[-1].canon if self.found else ""

    def _put(self, canon: str, start: int, end: int, value: object) -> None:
        self.found.append(Token(canon, "slot", start, end, value))

    def _value(self, token: Token) -> None:
        self.place += 1
        text = str(token.value)
        if token.canon == "pixels":
            self._put(
                "Y",
                token.start,
                token.end,
                tuple(int(n) for n in re.split(r"\D+", text)),
            )
        elif share := fraction(text, self._before(), self._canon(self._skip(self.place))):
            self._put("F", token.start, token.end, share)
        elif token.canon == "ratio" or (self._clocks < 2 and text in RATIOS):
            width, height = (float(n) for n in re.split(r"[:/x×比 ]+", text))
            if width and height:
                self._put("R", token.start, token.end, f"{width:g}:{height:g}")
        else:
            seconds = 0.0
            for part in text.split(":"):
                seconds = seconds * 60 + float(part)
            self._put("T", token.start, token.end, min(round(seconds * 1000), LONGEST_MS))

    def _after_edge(self, token: Token) -> None:
        """`the first second`, `the middle third`: a time or a share, unless a thing is counted."""
        if self._kind(self.place + 1) in THINGS or token.value < 2:
            self.found.append(token)
        elif token.value == 2:
            self._put("T", token.start, token.end, 1000)
        else:
            self._put("F", token.start, token.end, 1 / token.value)
        self.place += 1

    def _number(self, first: Token) -> None:
        """A number with all that belongs to it: "twenty five", "1 min 20 s", "2x", "3rd"."""
        if self._is_pronoun(first):
            return
        amount = self._amount()
        unit = self._skip(self.place) if first.canon == "F" else self.place
        end = self.tokens[self.place - 1].end
        if self._before() == "nth":
            self._nth(amount, end)
        elif self._kind(unit) == "suffix":
            self._put("O", first.start, self.tokens[unit].end, amount)
            self.place = unit + 1
        elif self._kind(unit) == "unit" or self._is_second(unit):
            self.place = unit
            self._measure(amount, first.start)
        elif self.found and self.found[-1].kind == "unit":
            self.found[-1] = Token("K", "slot", self.found[-1].start, end, amount)
        elif self._canon(self.place) == "by" and self._kind(self.place + 1) == "number":
            self._by(amount, first)
        else:
            self._put("N", first.start, end, amount)

    def _is_pronoun(self, first: Token) -> bool:
        """Whether it is the "one" of "the last one", which counts nothing."""
        after = self._at(self.place + 1)
        hundred = after is not None and after.kind == "number" and after.value == 100
        follows = hundred or self._kind(self.place + 1) in ("unit", "noun")
        alone = not follows and self._canon(self.place + 1) != "and"
        if not (first.value == 1 and first.end - first.start == 3 and alone):
            return False
        if not names_one(self.found):
            return False
        self.found.append(Token("it", "word", first.start, first.end))
        self.place += 1
        return True

    def _nth(self, amount: float, end: int) -> None:
        """第2: an ordinal; 第5秒 is a moment."""
        prefix = self.found.pop()
        unit = self._at(self.place)
        if unit is not None and unit.kind == "unit" and unit.canon in TIMES:
            word = "first" if amount == 1 else "at"
            self.found.append(Token(word, "word", prefix.start, prefix.end))
            self._measure(amount, prefix.start)
        else:
            self._put("O", prefix.start, end, amount)

    def _by(self, width: float, first: Token) -> None:
        """`16 by 9` is a shape."""
        height = self.tokens[self.place + 1]
        ratio = f"{width:g}:{float(height.value):g}"
        if ratio in RATIOS:
            self._put("R", first.start, height.end, ratio)
            self.place += 2
        else:
            self._put("N", first.start, first.end, width)

    def _amount(self) -> float:
        """The value of the number here; the place moves behind it."""
        amount = float(self.tokens[self.place].value)
        self.place += 1
        while self._kind(self.place) == "number":
            value = float(self.tokens[self.place].value)
            if value == 100 and amount < 100:
                amount *= 100
            elif amount in range(20, 100, 10) and 0 < value < 10:
                amount += value
            else:
                break
            self.place += 1
        half = self._skip(self.place + 1)
        if (
            self._canon(self.place) == "and"
            and self._canon(half) == "F"
            and self.tokens[half].value == 0.5
        ):
            self.place = half + 1
            return amount + 0.5
        return amount

    def _measure(self, amount: float, start: int) -> None:
        """A number and its unit, on which the place is."""
        token = self.tokens[self.place]
        unit = "s" if token.canon == "O" else token.canon
        self.place += 1
        if unit in ("k", "p"):
            height = (THOUSANDS if unit == "k" else HEIGHTS).get(int(amount))
            self._put("Q" if height else "N", start, token.end, height or amount)
            return
        if unit == "min" and self._sizes and token.end - token.start == 1:
            unit = "mb"
        letter, one = UNITS[unit]
        value = round(amount * one, 6)
        if letter != "T":
            self._put(letter, start, token.end, value)
            return
        value += self._more(unit, one)
        self._put("T", start, self.tokens[self.place - 1].end, min(round(value), LONGEST_MS))

    def _more(self, unit: str, one: float) -> float:
        """What follows a time and belongs to it: "and a half", 半, "20 s", "and 20 seconds"."""
        joined = self._canon(self.place) == "and"
        place = self._skip(self.place + joined)
        token = self._at(place)
        if token is None:
            return 0.0
        if (
            token.canon == "F"
            and token.value == 0.5
            and (joined or token.start == self.tokens[self.place - 1].end)
        ):
            self.place = place + 1
            return one / 2
        if token.kind != "number" or unit == "s":
            return 0.0
        before, self.place = self.place, place
        amount = self._amount()
        small = self._at(self.place)
        if small is not None and (small.canon == "s" or self._is_unit_second(self.place)):
            self.place += 1
            return amount * 1000
        if small is not None and unit == "h" and small.canon == "min":
            self.place += 1
            return amount * 60_000 + self._more("min", 60_000)
        if unit == "min" and not joined and token.start == self.tokens[before - 1].end:
            return amount * 1000
        self.place = before
        return 0.0

    def _lone_unit(self, token: Token) -> None:
        """A unit without a number: "a minute" is one; "x3" is a factor; else it says nothing."""
        edge = self._before() in ("first", "last")
        article = edge or self._kind(self.place - 1) == "filler"
        self.place += 1
        if token.canon == "x" and self._kind(self.place) == "number":
            self.found.append(token)
        elif token.canon in TIMES and self._counts_on():
            self._count_on(token)
        elif token.canon in TIMES and article:
            one = UNITS[token.canon][1]
            self._put("T", token.start, token.end, round(one + self._more(token.canon, one)))
        elif token.canon == "fps":
            self.found.append(Token("framerate", "noun", token.start, token.end))
        elif token.canon == "percent":
            self.found.append(Token("", "filler", token.start, token.end))
        else:
            self.found.append(Token("measure", "word", token.start, token.end))


def evaluate(tokens: list[Token]) -> list[Token]:
    """The tokens with slots in the place of numbers and units."""
    return Evaluation(tokens).run()
