"""GUI hints: what the backend tells users to click, open and drag (SSE-10).

The documents name each kind of sentence here. A hint is separate from what was done, so that a
client can drop it without losing information.
"""

from .. import intents
from ..intents import Edit

CUTS: tuple[tuple[str, str], ...] = (
    ("Open the [Timeline] panel to fine-tune the cut.", "打开【时间线】面板可以微调剪辑点。"),
    ("Drag and drop the clips to put them in another order.", "拖拽片段即可调整顺序。"),
    ("Click [Split] to cut it somewhere else.", "点击【分割】可以在别处剪开。"),
)
_SOUND: tuple[tuple[str, str], ...] = (
    ("Open the [Audio] panel to change the volume.", "打开【音频】面板可以调整音量。"),
    ("Drag and drop the end of the music to make it longer.", "拖拽音乐的末端可以延长它。"),
    ("Click [Play] to hear it.", "点击【播放】即可试听。"),
)
_TEXT: tuple[tuple[str, str], ...] = (
    ("Open the [Text] panel to style it.", "打开【文字】面板可以调整样式。"),
    ("Drag and drop the text to another place.", "拖拽文字即可换个位置。"),
    ("Click [Fonts] to choose another font.", "点击【字体】可以更换字体。"),
)
_EFFECTS: tuple[tuple[str, str], ...] = (
    ("Open the [Effects] panel to adjust it.", "打开【特效】面板可以继续调整。"),
    ("Drag and drop another effect onto the clip.", "拖拽其他特效到片段上即可叠加。"),
    ("Click [Compare] to see before and after.", "点击【对比】可以查看前后效果。"),
)
_FORMAT: tuple[tuple[str, str], ...] = (
    ("Open the [Settings] panel to check the format.", "打开【设置】面板可以检查格式。"),
    ("Click [Apply] to use it for all projects.", "点击【应用】可用于所有项目。"),
    ("Drag and drop the frame to move the picture.", "拖拽画框可以移动画面。"),
)
_CLIPS: tuple[tuple[str, str], ...] = (
    ("Open the [Media] panel to see the clip.", "打开【素材】面板可以查看这段视频。"),
    ("Click [Regenerate] for another version.", "点击【重新生成】可以换一个版本。"),
    ("Drag and drop the clip to another place.", "拖拽片段即可换个位置。"),
)
_HISTORY: tuple[tuple[str, str], ...] = (
    ("Open the [History] panel to see every version.", "打开【历史】面板可以查看所有版本。"),
    ("Click [Undo] or [Redo] to go on.", "点击【撤销】或【重做】可以继续。"),
    ("Drag and drop a version onto the timeline.", "拖拽某个版本到时间线即可使用。"),
)
ENDINGS: tuple[tuple[str, str], ...] = (
    ("You can preview in timeline.", "可在时间线中预览效果。"),
    ("When you are happy, use the Export button.", "满意后请使用导出按钮。"),
    ("Click [Export] to download the video.", "点击【导出】即可下载视频。"),
    ("To see what this cost, check your account/billing.", "如需了解费用，请查看您的账户/账单。"),
)

_EDITS_BY_HINTS: dict[tuple[tuple[str, str], ...], tuple[type[Edit], ...]] = {
    _SOUND: (
        intents.SetVolume,
        intents.AddMusic,
        intents.DuckMusic,
        intents.RemoveMusic,
        intents.ApplyAudioEffect,
        intents.RemoveAudioEffects,
        intents.AddSound,
        intents.RemoveSounds,
        intents.ReplaceSound,
    ),
    _TEXT: (
        intents.AddTitle,
        intents.ChangeTitle,
        intents.RemoveTitle,
        intents.AddSubtitles,
        intents.AddCaptions,
        intents.AddSubtitleFile,
    ),
    _EFFECTS: (
        intents.ApplyEffect,
        intents.ApplyLut,
        intents.RemoveEffects,
        intents.AddTransition,
        intents.RemoveTransitions,
        intents.AddOverlay,
        intents.RemoveOverlays,
        intents.Fade,
    ),
    _FORMAT: (
        intents.SetAspect,
        intents.SetFit,
        intents.SetResolution,
        intents.SetFrameRate,
        intents.Compress,
    ),
    _CLIPS: (intents.Generate, intents.PlaceUploads, intents.Slideshow),
    _HISTORY: (intents.Undo, intents.Redo, intents.StartOver),
}
HINTS = {kind: tips for tips, kinds in _EDITS_BY_HINTS.items() for kind in kinds}
