"""Replies about clips, their order and speed, and undo and redo."""

from nemolocal_contract.describe.descriptions import Language

from ..intents import (
    KeepSpan,
    Loop,
    Merge,
    MoveClip,
    PlaceUploads,
    Redo,
    RemoveClip,
    RemoveSpan,
    ReverseOrder,
    SetSpeed,
    Slideshow,
    Split,
    StartOver,
    SwapClips,
    Undo,
)
from .phrasing import (
    format_clips,
    format_length,
    format_point,
    format_selector,
    format_span,
    in_language,
)


def describe_place_uploads(edit: PlaceUploads, language: Language) -> str:
    """Uploads on the timeline."""
    what = format_selector(edit.selector, language, "upload", ("your footage", "素材"))
    return in_language(language, f"put {what} on the timeline", f"把{what}放到了时间线上")


def describe_keep_span(edit: KeepSpan, language: Language) -> str:
    """A trim."""
    span, whose = format_span(edit.span, language), format_clips(edit.selector, language)
    return in_language(
        language,
        f"kept {span} of {whose} and removed the rest",
        f"保留了{whose}的{span}，其余部分已移除",
    )


def describe_remove_span(edit: RemoveSpan, language: Language) -> str:
    """A removed span."""
    span, whose = format_span(edit.span, language), format_clips(edit.selector, language)
    return in_language(language, f"removed {span} of {whose}", f"移除了{whose}的{span}")


def describe_remove_clip(edit: RemoveClip, language: Language) -> str:
    """Removed clips."""
    what = format_selector(edit.selector, language, "clip", ("every clip", "所有片段"))
    return in_language(language, f"removed {what}", f"移除了{what}")


def describe_split(edit: Split, language: Language) -> str:
    """A split."""
    if edit.parts is not None:
        return in_language(
            language,
            f"split the video into {edit.parts} equal parts",
            f"把视频平均分成了{edit.parts}段",
        )
    places = [format_point(point, language) for point in edit.at]
    if not places:
        return in_language(language, "split the video", "分割了视频")
    listed = ("、" if language == "zh" else ", ").join(places)
    return in_language(language, f"split the video at {listed}", f"在{listed}处分割了视频")


def describe_move_clip(edit: MoveClip, language: Language) -> str:
    """A moved clip."""
    what = format_selector(edit.selector, language, "clip", ("every clip", "所有片段"))
    if edit.to == -1:
        return in_language(language, f"moved {what} to the end", f"把{what}移到了最后")
    if edit.to == 1:
        return in_language(language, f"moved {what} to the beginning", f"把{what}移到了最前面")
    return in_language(language, f"moved {what} to place {edit.to}", f"把{what}移到了第{edit.to}位")


def describe_swap_clips(edit: SwapClips, language: Language) -> str:
    """Two swapped clips."""
    everything = ("every clip", "所有片段")
    one, other = (format_selector(w, language, "clip", everything) for w in (edit.one, edit.other))
    return in_language(language, f"swapped {one} and {other}", f"交换了{one}和{other}的位置")


def describe_reverse_order(_edit: ReverseOrder, language: Language) -> str:
    """The reversed order."""
    return in_language(language, "reversed the order of the clips", "把片段的顺序反转了")


def describe_merge(_edit: Merge, language: Language) -> str:
    """Merged clips."""
    return in_language(language, "joined the clips one after another", "把所有片段依次合并了")


def describe_loop(edit: Loop, language: Language) -> str:
    """A loop."""
    what = format_clips(edit.selector, language)
    if edit.duration_ms is not None:
        length = format_length(edit.duration_ms, language)
        return in_language(
            language, f"looped {what} until it lasts {length}", f"循环播放{what}，总长{length}"
        )
    times = edit.times or 2
    return in_language(language, f"looped {what} {times} times", f"让{what}循环播放{times}次")


def describe_slideshow(edit: Slideshow, language: Language) -> str:
    """A slideshow."""
    if edit.each_ms is not None:
        length = format_length(edit.each_ms, language)
        return in_language(
            language,
            f"made a slideshow of your pictures, {length} each",
            f"用图片制作了幻灯片，每张{length}",
        )
    if edit.total_ms is not None:
        length = format_length(edit.total_ms, language)
        return in_language(
            language,
            f"made a slideshow of your pictures, {length} in all",
            f"用图片制作了幻灯片，总长{length}",
        )
    return in_language(language, "made a slideshow of your pictures", "用图片制作了幻灯片")


def describe_set_speed(edit: SetSpeed, language: Language) -> str:
    """A speed."""
    what, factor = format_clips(edit.selector, language), f"{edit.factor:g}"
    return in_language(
        language, f"set the speed of {what} to {factor}x", f"把{what}的速度设为{factor}倍"
    )


def describe_undo(edit: Undo, language: Language) -> str:
    """An undo."""
    if edit.steps == 1:
        return in_language(language, "undid the last edit", "撤销了上一次修改")
    return in_language(
        language, f"undid the last {edit.steps} edits", f"撤销了最近{edit.steps}次修改"
    )


def describe_redo(edit: Redo, language: Language) -> str:
    """A redo."""
    if edit.steps == 1:
        return in_language(language, "did the edit again that was undone", "恢复了刚才撤销的修改")
    return in_language(
        language,
        f"did the {edit.steps} edits again that were undone",
        f"恢复了撤销的{edit.steps}次修改",
    )


def describe_start_over(_edit: StartOver, language: Language) -> str:
    """An empty timeline."""
    return in_language(
        language, "cleared the timeline; your uploads are still there", "清空了时间线，素材仍然保留"
    )
