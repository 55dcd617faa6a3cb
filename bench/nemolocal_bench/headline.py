"""The result of a comparison in one sentence."""

from .cloud import PUBLISHED_LABEL, PublishedTime
from .report import Comparison
from .variants import VariantResult

_LONG = 30.0


def write_headline(comparison: Comparison, target: float) -> str:
    """Return one sentence, two if there is a figure of the cloud itself."""
    best = _best(comparison, target)
    if best is None:
        return f"On this machine nothing that was tried reaches VMAF {target:g} on this clip."
    share = 100 - best.saved
    smaller = f"{share:.0f} % of the size"
    time = f"in {best.seconds:.1f} s ({best.speed:.2g} × real time)"
    model = f"{best.scores[0].model} at {best.scores[0].height} lines"
    vmaf = f"VMAF {best.vmaf:.1f} ({model})"
    cloud = _against_cloud(best, comparison)
    return f"On this machine {best.name} gives {smaller} at {vmaf} {time}{cloud}."


def _best(comparison: Comparison, target: float) -> VariantResult | None:
    """Return the smallest local file at or above the target that the contract could export."""
    reached = [
        result
        for result in comparison.results
        if result.where == "local" and not result.note and (result.vmaf or 0.0) >= target
    ]
    return min(reached, key=lambda result: result.size, default=None)


def _against_cloud(best: VariantResult, comparison: Comparison) -> str:
    text = ""
    for result in comparison.results:
        if result.where == "cloud" and result.vmaf is not None:
            factor = best.seconds / result.seconds
            quality = f"{100 - result.saved:.0f} % of the size at VMAF {result.vmaf:.1f}"
            text = f", {factor:.2g} × the time of the {result.name}, which gives {quality}"
            if not result.note:
                return text
    # A local server says nothing about the cloud's speed.
    published = comparison.published[0]
    return text + _against_published(best, published, comparison.source.seconds)


def _against_published(best: VariantResult, published: PublishedTime, seconds: float) -> str:
    least, most = published.least_seconds, published.most_seconds
    claim = f"{least:.0f}–{most:.0f} s for {published.what} ({published.source}, {PUBLISHED_LABEL})"
    # A published time for a short clip says nothing about a long one.
    if seconds > _LONG:
        return f"; the cloud's own figure is {claim}"
    shares = f"{best.seconds / most:.2g} to {best.seconds / least:.2g}"
    return f", {shares} × the cloud's own figure of {claim}"
