"""What was cut, moved and timed, in words; and what was taken back."""

from nemolocal_contract.summary.words import Tongue

from ..intents import (
    Keep,
    Loop,
    Merge,
    MoveClip,
    PlaceUploads,
    Redo,
    Remove,
    RemoveClip,
    ReverseOrder,
    SetSpeed,
    Slideshow,
    Split,
    StartOver,
    SwapClips,
    Undo,
)
from .reach import clip_words, either, length_words, moment_words, span_words, which_words


def tell_place(edit: PlaceUploads, tongue: Tongue) -> str:
    """Uploads put on the timeline."""
    what = which_words(edit.which, tongue, "upload", ("your footage", "素材"))
    return either(tongue, f"put {what} on the timeline", f"把{what}放到了时间线上")


def tell_keep(edit: Keep, tongue: Tongue) -> str:
    """A trim to a span."""
    span, whose = span_words(edit.span, tongue), clip_words(edit.which, tongue)
    return either(
        tongue,
        f"kept {span} of {whose} and removed the rest",
        f"保留了{whose}的{span}，其余部分已移除",
    )


def tell_remove(edit: Remove, tongue: Tongue) -> str:
    """A span cut out."""
    span, whose = span_words(edit.span, tongue), clip_words(edit.which, tongue)
    return either(tongue, f"removed {span} of {whose}", f"移除了{whose}的{span}")


def tell_remove_clip(edit: RemoveClip, tongue: Tongue) -> str:
    """Clips taken away."""
    what = which_words(edit.which, tongue, "clip", ("every clip", "所有片段"))
    return either(tongue, f"removed {what}", f"移除了{what}")


def tell_split(edit: Split, tongue: Tongue) -> str:
    """Clips cut in two, or into equal parts."""
    if edit.parts is not None:
        return either(
            tongue,
            f"split the video into {edit.parts} equal parts",
            f"把视频平均分成了{edit.parts}段",
        )
    places = [moment_words(moment, tongue) for moment in edit.at]
    if not places:
        return either(tongue, "split the video", "分割了视频")
    listed = ("、" if tongue == "zh" else ", ").join(places)
    return either(tongue, f"split the video at {listed}", f"在{listed}处分割了视频")


def tell_move(edit: MoveClip, tongue: Tongue) -> str:
    """A clip brought to another place."""
    what = which_words(edit.which, tongue, "clip", ("every clip", "所有片段"))
    if edit.to == -1:
        return either(tongue, f"moved {what} to the end", f"把{what}移到了最后")
    if edit.to == 1:
        return either(tongue, f"moved {what} to the beginning", f"把{what}移到了最前面")
    return either(tongue, f"moved {what} to place {edit.to}", f"把{what}移到了第{edit.to}位")


def tell_swap(edit: SwapClips, tongue: Tongue) -> str:
    """Two clips exchanged."""
    everything = ("every clip", "所有片段")
    one, other = (which_words(w, tongue, "clip", everything) for w in (edit.one, edit.other))
    return either(tongue, f"swapped {one} and {other}", f"交换了{one}和{other}的位置")


def tell_reverse_order(_edit: ReverseOrder, tongue: Tongue) -> str:
    """The clips in the opposite order."""
    return either(tongue, "reversed the order of the clips", "把片段的顺序反转了")


def tell_merge(_edit: Merge, tongue: Tongue) -> str:
    """All clips joined."""
    return either(tongue, "joined the clips one after another", "把所有片段依次合并了")


def tell_loop(edit: Loop, tongue: Tongue) -> str:
    """A repetition."""
    what = clip_words(edit.which, tongue)
    if edit.duration_ms is not None:
        length = length_words(edit.duration_ms, tongue)
        return either(
            tongue, f"looped {what} until it lasts {length}", f"循环播放{what}，总长{length}"
        )
    times = edit.times or 2
    return either(tongue, f"looped {what} {times} times", f"让{what}循环播放{times}次")


def tell_slideshow(edit: Slideshow, tongue: Tongue) -> str:
    """Pictures one after another."""
    if edit.each_ms is not None:
        length = length_words(edit.each_ms, tongue)
        return either(
            tongue,
            f"made a slideshow of your pictures, {length} each",
            f"用图片制作了幻灯片，每张{length}",
        )
    if edit.total_ms is not None:
        length = length_words(edit.total_ms, tongue)
        return either(
            tongue,
            f"made a slideshow of your pictures, {length} in all",
            f"用图片制作了幻灯片，总长{length}",
        )
    return either(tongue, "made a slideshow of your pictures", "用图片制作了幻灯片")


def tell_speed(edit: SetSpeed, tongue: Tongue) -> str:
    """Another speed."""
    what, factor = clip_words(edit.which, tongue), f"{edit.factor:g}"
    return either(tongue, f"set the speed of {what} to {factor}x", f"把{what}的速度设为{factor}倍")


def tell_undo(edit: Undo, tongue: Tongue) -> str:
    """Edits taken back."""
    if edit.steps == 1:
        return either(tongue, "undid the last edit", "撤销了上一次修改")
    return either(tongue, f"undid the last {edit.steps} edits", f"撤销了最近{edit.steps}次修改")


def tell_redo(edit: Redo, tongue: Tongue) -> str:
    """Edits done again."""
    if edit.steps == 1:
        return either(tongue, "did the edit again that was undone", "恢复了刚才撤销的修改")
    return either(
        tongue,
        f"did the {edit.steps} edits again that were undone",
        f"恢复了撤销的{edit.steps}次修改",
    )


def tell_start_over(_edit: StartOver, tongue: Tongue) -> str:
    """Everything away."""
    return either(
        tongue, "cleared the timeline; your uploads are still there", "清空了时间线，素材仍然保留"
    )
