"""What all observations of one server together show of values, with their source and age."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date

import msgspec

from nemolocal_contract.plurals import pluralize

from .observations import STABLE_DAYS, CountObservation, ObservationLine, ValueObservation
from .values import SeenValue, summarize


class ValueOrigin(msgspec.Struct, frozen=True):
    """Where a value comes from: recordings, runs of `conform`, and the days of both."""

    recordings: int
    days: tuple[str, ...]
    runs: int = 0

    @property
    def is_stable(self) -> bool:
        """Whether it was seen on at least two days."""
        return len(self.days) >= STABLE_DAYS

    @property
    def last_day(self) -> str:
        """The day on which it was seen last."""
        return self.days[-1]

    def describe(self, today: str) -> str:
        """Return source and age in words; `today` is a day as `2026-01-31`."""
        return f"{self.source} ({self.describe_age(today)})"

    @property
    def source(self) -> str:
        """The recordings, the runs and their days in words."""
        first, last = self.days[0], self.last_day
        span = f"on {last}" if first == last else f"from {first} to {last}"
        parts = [pluralize(self.recordings, "recording")] if self.recordings else []
        parts += [f"{pluralize(self.runs, 'run')} of conform"] if self.runs else []
        return f"{' and '.join(parts)} {span}"

    def describe_age(self, today: str) -> str:
        """Return in words how long ago it was seen last, and whether it is stable."""
        days = f", stable: {len(self.days)} days" if self.is_stable else ""
        return f"{age_in_words(self.last_day, today)}{days}"


class LearnedValue(msgspec.Struct, frozen=True):
    """What was seen of a value, and where."""

    seen: SeenValue
    origin: ValueOrigin

    def describe(self) -> str:
        """Return the value in words: `14.9 to 15.2 s, median 15 s, seen 12 times`."""
        one = self.seen
        span = f"{one.least:g} {one.unit}"
        if one.least != one.greatest:
            span = f"{one.least:g} to {one.greatest:g} {one.unit}, median {one.median:g} {one.unit}"
        return f"{span}, seen {pluralize(one.count, 'time')}"


class LearnedCounts(msgspec.Struct, frozen=True):
    """How often each variant was seen, and where."""

    counts: Mapping[str, int]
    origin: ValueOrigin

    def describe(self) -> str:
        """Return the counts in words: `adk 12 times, typed once`."""
        return ", ".join(
            f"{name} seen {pluralize(count, 'time')}" for name, count in self.counts.items()
        )


class LearnedValues(msgspec.Struct, frozen=True):
    """All values and variants that were seen of a server, by name."""

    values: Mapping[str, LearnedValue]
    counts: Mapping[str, LearnedCounts]

    @property
    def origin(self) -> ValueOrigin | None:
        """All recordings from which something was learnt; None if there are none."""
        origins = [one.origin for one in self.values.values()]
        origins += [one.origin for one in self.counts.values()]
        if not origins:
            return None
        days = tuple(sorted({day for one in origins for day in one.days}))
        most = max(one.recordings for one in origins)
        return ValueOrigin(most, days, max(one.runs for one in origins))


def learn_values(lines: Iterable[ObservationLine]) -> LearnedValues:
    """Return what these observations show together; nothing is weighed or averaged."""
    values: dict[str, list[ValueObservation]] = {}
    counts: dict[str, list[CountObservation]] = {}
    for line in lines:
        if isinstance(line, ValueObservation) and line.seen:
            values.setdefault(line.name, []).append(line)
        elif isinstance(line, CountObservation):
            counts.setdefault(line.name, []).append(line)
    return LearnedValues(
        {name: _learned_value(found) for name, found in values.items()},
        {name: _learned_counts(found) for name, found in counts.items()},
    )


def age_in_words(day: str, today: str) -> str:
    """Return how long ago a day is: `today`, `1 day old`; `today` is a day, too."""
    try:
        days = (date.fromisoformat(today) - date.fromisoformat(day)).days
    except ValueError:
        return "of unknown age"
    return f"{pluralize(days, 'day')} old" if days > 0 else "today"


def _learned_value(found: list[ValueObservation]) -> LearnedValue:
    held = [number for one in found for number in one.seen]
    return LearnedValue(summarize(found[0].name, found[0].unit, held), _origin(found))


def _learned_counts(found: list[CountObservation]) -> LearnedCounts:
    total: Counter[str] = Counter()
    for one in found:
        total[one.variant] += one.count
    return LearnedCounts(dict(total.most_common()), _origin(found))


def _origin(found: list[ValueObservation] | list[CountObservation]) -> ValueOrigin:
    days = tuple(sorted({one.day for one in found}))
    sources = {one.recording for one in found}
    runs = {one.recording for one in found if isinstance(one, CountObservation) and one.is_run}
    return ValueOrigin(len(sources - runs), days, len(runs))
