"""Writes generated pages, or checks that they are up to date."""

from collections.abc import Sequence
from pathlib import Path


def write_pages(texts: dict[Path, str], arguments: Sequence[str]) -> int:
    """Write the texts to their paths; with `--check`, return 1 if a page is not up to date."""
    if "--check" in arguments:
        return int(any(not _is_current(path, text) for path, text in texts.items()))
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return 0


def _is_current(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text
