"""The summary of a comparison in a few sentences."""

from collections.abc import Sequence

from nemolocal_contract.plurals import pluralize

from .cloud import PUBLISHED_LABEL, PublishedTime
from .report import Comparison
from .variants import VariantResult

# A published time is only compared with clips between half and twice as long as its clip.
_ALIKE = 2.0


def write_headline(comparison: Comparison, target: float) -> str:
    """Return the summary: the recommended encode with its figures, compared with the cloud."""
    best = _best(comparison, target)
    if best is None:
        return f"On this machine, no tested encode reaches VMAF {target:g} on this clip."
    size, vmaf = f"{100 - best.saved:.0f} % of the size", describe_vmaf(best)
    pace = f"{best.seconds / comparison.source.seconds:.2g} s per second of video"
    sentences = [
        f"On this machine, {best.name} gives {size} at {vmaf} in {best.seconds:.1f} s, {pace}.",
        *_smaller(best, comparison, target),
        *_against_cloud(best, comparison),
    ]
    return " ".join(sentences)


def describe_vmaf(result: VariantResult) -> str:
    """Return the mean VMAF with its model and height, and the spread of samples."""
    facts = [f"{result.scores[0].model} at {result.scores[0].height} lines"]
    if result.sampled:
        facts.append(describe_samples(result))
    return f"VMAF {result.vmaf:.1f} ({'; '.join(facts)})"


def describe_samples(result: VariantResult) -> str:
    """Return the number of samples, and the lowest and highest mean VMAF of a sample."""
    scores = result.sample_scores
    if not scores:
        return "sampled"
    return f"{pluralize(len(scores), 'sample')}, {min(scores):.1f} to {max(scores):.1f}"


def _best(comparison: Comparison, target: float) -> VariantResult | None:
    """Return the smallest local file at or above the target that the contract could export.

    A result measured on the whole clip takes precedence over samples.
    """
    reached = [
        result
        for result in comparison.results
        if result.where == "local" and not result.note and (result.vmaf or 0.0) >= target
    ]
    return min(reached, key=lambda result: (result.sampled, result.size), default=None)


def _smaller(best: VariantResult, comparison: Comparison, target: float) -> list[str]:
    """Return which smaller results reach the target, and whether only one preset was searched."""
    others = [
        result
        for result in comparison.results
        if result.name != best.name
        and (result.vmaf or 0.0) >= target
        and 0 < result.size < best.size
    ]
    sentences = []
    if others:
        sentences.append(f"Smaller at VMAF {target:g} or more: {_listed(others)}.")
    found = comparison.found
    if found is not None and found.chosen == best.name:
        sentences.append(
            f"Only preset {found.preset} was searched; slower presets make smaller files."
        )
    return sentences


def _listed(results: Sequence[VariantResult]) -> str:
    return ", ".join(
        f"{result.name} ({100 - result.saved:.0f} % at VMAF {result.vmaf:.1f}"
        f"{', sampled' if result.sampled else ''})"
        for result in sorted(results, key=lambda result: result.size)
    )


def _against_cloud(best: VariantResult, comparison: Comparison) -> list[str]:
    sentences = []
    for result in comparison.results:
        if result.where == "cloud" and result.vmaf is not None:
            quality = f"{100 - result.saved:.0f} % of the size at VMAF {result.vmaf:.1f}"
            factor = f"{result.seconds / best.seconds:.2g} times as long as here"
            sentences.append(
                f"The {result.name} took {result.seconds:.1f} s, {factor}, and gives {quality}."
            )
            if not result.note:
                return sentences
    # The time of a local server says nothing about the cloud.
    sentences.append(_against_published(best, comparison.published[0], comparison.source.seconds))
    return sentences


def _against_published(best: VariantResult, published: PublishedTime, seconds: float) -> str:
    least, most = published.least_seconds, published.most_seconds
    claim = f"{least:.0f}–{most:.0f} s for {published.what} ({published.source}, {PUBLISHED_LABEL})"
    if not published.clip_seconds / _ALIKE <= seconds <= published.clip_seconds * _ALIKE:
        return f"The cloud's own figure is {claim}, which cannot be compared with {seconds:.3g} s."
    pace = f"{least / published.clip_seconds:.2g} to {most / published.clip_seconds:.2g} s"
    own = best.seconds / seconds
    times = (
        f"{least / published.clip_seconds / own:.2g} to {most / published.clip_seconds / own:.2g}"
    )
    compared = f"{pace} per second of video: {times} times as long as here"
    return f"The cloud's own figure is {claim}, {compared}."
