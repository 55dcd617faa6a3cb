"""What changed of a project as a whole, in both languages (CLI-3)."""

from typing import Any

import pytest

from nemolocal_contract.describe import describe_changes
from nemolocal_contract.draft import Draft, draft_from_wire


def draft(**rest: Any) -> Draft:
    return draft_from_wire({"t": [], **rest})


def both(before: Draft, after: Draft) -> tuple[list[str], list[str]]:
    return describe_changes(before, after), describe_changes(before, after, "zh-CN")


PROJECT: list[tuple[dict[str, Any], str, str]] = [
    ({"width": 1080, "height": 1920}, "Aspect ratio: 9:16 (1080x1920)",
     "画面比例：9:16 (1080x1920)"),
    ({"title": "Trip"}, "Project title: Trip", "项目名称：Trip"),
    ({"fps": 24}, "Frame rate: 24 frames/s", "帧率：每秒24帧"),
    ({"fit": "blur"}, "Fit: clips of another shape before a blurred background",
     "画面适配：其他比例的片段使用模糊背景"),
    ({"resolution": "4k"}, "Export resolution: 4K", "分辨率：4K"),
    ({"compress": {"mode": "rtk"}}, "Compression: RTK, smaller without visible loss",
     "压缩：RTK，无可见损失"),
    ({"compress": {"mode": "size", "megabytes": 10}}, "Compression: at most 10 MB",
     "压缩：不超过10 MB"),
    ({"compress": {"mode": "quality", "quality": "low"}}, "Compression: low quality",
     "压缩：低质量"),
    ({"compress": {"mode": "odd"}}, 'Compression: {"mode":"odd"}', '压缩：{"mode":"odd"}'),
    ({"look": 5}, "Project look is now 5", "项目设置look现为5"),
    ({"look": "warm"}, "Project look is now warm", "项目设置look现为warm"),
]  # fmt: skip


@pytest.mark.parametrize(("metadata", "english", "chinese"), PROJECT)
def test_a_setting_of_the_project_is_told(
    metadata: dict[str, Any], english: str, chinese: str
) -> None:
    assert both(draft(), draft(m=metadata)) == ([english], [chinese])


def test_settings_that_are_no_more_are_told_as_the_usual() -> None:
    metadata = {
        "width": 1080, "height": 1080, "fps": 24, "resolution": "4k", "compress": {"mode": "rtk"},
        "fit": "crop",
    }  # fmt: skip
    assert both(draft(m=metadata), draft()) == (
        [
            "Aspect ratio: that of the clips",
            "Frame rate: that of the clips",
            "Fit: black bars around clips of another shape",
            "Export resolution: the usual",
            "Compression: off",
        ],
        [
            "画面比例恢复为素材的比例",
            "帧率恢复为素材的帧率",
            "画面适配：其他比例的片段加黑边",
            "分辨率恢复默认",
            "已取消压缩",
        ],
    )
