"""Runs variants, or takes their results from the cache; keeps encodes for the pictures."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from nemolocal_render import ffmpeg_cli

from .metrics import Instruments
from .result_cache import ResultCache
from .sampling import BenchInput
from .variants import EncodeVariant, VariantResult, encode_clip, run_variant

# The total size of kept encodes; others are encoded again for the pictures.
KEPT_BYTES = 2_000_000_000


@dataclass(frozen=True)
class VariantRunner:
    """Runs variants in a folder; with `fresh`, only results of this run count as known."""

    folder: Path
    instruments: Instruments
    cache: ResultCache
    fresh: bool = False
    _made: set[tuple[str, str]] = field(default_factory=set)

    def is_known(self, variant: EncodeVariant, given: BenchInput) -> bool:
        """Whether a result is in the cache and may be used."""
        return self._known(variant, given) is not None

    def run(self, variant: EncodeVariant, given: BenchInput) -> VariantResult:
        """Return the result from the cache, or run the variant and store what succeeded."""
        known = self._known(variant, given)
        if known is not None:
            return known
        try:
            given.prepare()
        except ffmpeg_cli.FFmpegFailed as failure:
            return VariantResult(name=variant.name, curve=variant.curve, complaint=str(failure))
        keep = self._kept_path(variant, given) if self._has_room() else None
        result = asyncio.run(run_variant(variant, given, self.folder, self.instruments, keep))
        if not result.complaint:
            self.cache.store(result, *self._key(variant, given))
            self._made.add((variant.name, given.video.digest))
        return result

    def kept_encode(self, variant: EncodeVariant, given: BenchInput) -> Path:
        """Return the file of an encode, made again if it was not kept; raises FFmpegFailed."""
        path = self._kept_path(variant, given)
        if not path.exists():
            given.prepare()
            made = asyncio.run(encode_clip(variant, given.video, self.folder))
            made.path.rename(path)
        return path

    def drop_encodes(self) -> None:
        """Delete the kept encodes."""
        for path in self._kept():
            path.unlink()

    def _known(self, variant: EncodeVariant, given: BenchInput) -> VariantResult | None:
        if self.fresh and (variant.name, given.video.digest) not in self._made:
            return None
        return self.cache.find(VariantResult, *self._key(variant, given))

    def _key(self, variant: EncodeVariant, given: BenchInput) -> tuple[object, ...]:
        settings = (msgspec.to_builtins(variant), msgspec.to_builtins(self.instruments))
        return (given.video.digest, *settings)

    def _kept_path(self, variant: EncodeVariant, given: BenchInput) -> Path:
        name = "-".join((variant.encoder, variant.preset, f"{variant.crf:g}"))
        return self.folder / f"kept-{'sample' if given.spans else 'whole'}-{name}.mp4"

    def _kept(self) -> list[Path]:
        return list(self.folder.glob("kept-*.mp4"))

    def _has_room(self) -> bool:
        return sum(path.stat().st_size for path in self._kept()) < KEPT_BYTES
