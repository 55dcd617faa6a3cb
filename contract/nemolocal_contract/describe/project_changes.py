"""What changed of a project as a whole: its shape, its export, its length."""

from collections.abc import Callable, Mapping
from math import gcd
from typing import Any

import msgspec

from ..draft import Draft, Metadata
from .labels import Language, clamp_number, format_seconds, truncate_text

_FITS = {
    "pad": ("black bars around clips of another shape", "其他比例的片段加黑边"),
    "crop": ("clips of another shape fill the picture, cut off", "其他比例的片段裁切填满画面"),
    "blur": ("clips of another shape before a blurred background", "其他比例的片段使用模糊背景"),
}
_QUALITIES = {"low": "低", "medium": "中", "high": "高"}


def describe_project_changes(before: Draft, after: Draft, tongue: Language) -> list[str]:
    """A sentence for each setting that is another one, and for the length."""
    old, new = before.metadata or Metadata(), after.metadata or Metadata()
    said = _canvas(old, new, tongue) + _settings(old, new, tongue)
    lengths = [draft.duration_ms or 0 for draft in (before, after)]
    if lengths[0] != lengths[1] and before.tracks:
        was, now = map(format_seconds, lengths)
        said.append(
            f"总时长由{was}秒变为{now}秒"
            if tongue == "zh"
            else f"Total length changed from {was}s to {now}s"
        )
    return said


def _canvas(old: Metadata, new: Metadata, tongue: Language) -> list[str]:
    if (old.width, old.height) == (new.width, new.height):
        return []
    size = _size(new)
    if not size:
        return ["画面比例恢复为素材的比例" if tongue == "zh" else "Aspect ratio: that of the clips"]
    return [f"画面比例：{size}" if tongue == "zh" else f"Aspect ratio: {size}"]


def _size(metadata: Metadata) -> str:
    """`9:16 (1080x1920)`, or nothing where no canvas is named."""
    width, height = (int(clamp_number(side or 0)) for side in (metadata.width, metadata.height))
    if width <= 0 or height <= 0:
        return ""
    divisor = gcd(width, height)
    return f"{width // divisor}:{height // divisor} ({width}x{height})"


def _settings(old: Metadata, new: Metadata, tongue: Language) -> list[str]:
    tellers: dict[str, Callable[[Any, Language], str]] = {
        "title": _title, "fps": _rate, "fit": _fit, "resolution": _resolution,
        "compression": _compression,
    }  # fmt: skip
    said = [
        tell(getattr(new, name), tongue)
        for name, tell in tellers.items()
        if getattr(old, name) != getattr(new, name)
    ]
    return said + _others(old.extra, new.extra, tongue)


def _others(old: Mapping[str, Any], new: Mapping[str, Any], tongue: Language) -> list[str]:
    """Settings that we do not know, by their names."""
    changed = {n: v for n, v in new.items() if n not in old or old[n] != v}
    is_now = "项目设置{}现为{}" if tongue == "zh" else "Project {} is now {}"
    return [
        is_now.format(truncate_text(n, 40), truncate_text(_value(v))) for n, v in changed.items()
    ]


def _value(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _title(title: str | None, tongue: Language) -> str:
    name = truncate_text(title or "")
    return f"项目名称：{name}" if tongue == "zh" else f"Project title: {name}"


def _rate(fps: float | None, tongue: Language) -> str:
    if fps is None:
        return "帧率恢复为素材的帧率" if tongue == "zh" else "Frame rate: that of the clips"
    rate = f"{clamp_number(fps):g}"
    return f"帧率：每秒{rate}帧" if tongue == "zh" else f"Frame rate: {rate} frames/s"


def _fit(fit: str | None, tongue: Language) -> str:
    words = _FITS.get(fit or "pad", (fit, fit))[tongue == "zh"]
    return f"画面适配：{words}" if tongue == "zh" else f"Fit: {words}"


def _resolution(resolution: str | None, tongue: Language) -> str:
    if resolution is None:
        return "分辨率恢复默认" if tongue == "zh" else "Export resolution: the usual"
    name = "4K" if resolution == "4k" else truncate_text(resolution, 40)
    return f"分辨率：{name}" if tongue == "zh" else f"Export resolution: {name}"


def _compression(wanted: dict[str, Any] | None, tongue: Language) -> str:
    chinese = tongue == "zh"
    match wanted:
        case None:
            return "已取消压缩" if chinese else "Compression: off"
        case {"mode": "rtk"}:
            what = "RTK，无可见损失" if chinese else "RTK, smaller without visible loss"
        case {"mode": "size", "megabytes": int() | float() as megabytes}:
            size = f"{clamp_number(megabytes):g}"
            what = f"不超过{size} MB" if chinese else f"at most {size} MB"
        case {"mode": "quality", "quality": str(quality)}:
            what = f"{_QUALITIES.get(quality, quality)}质量" if chinese else f"{quality} quality"
        case _:
            what = truncate_text(_value(wanted))
    return f"压缩：{what}" if chinese else f"Compression: {what}"
