"""Replies to edits: first what was done, then a GUI hint (SSE-10)."""

import re
from typing import get_args

import pytest
from hypothesis import given, strategies as st

from nemolocal_agent.intents import (
    SELECT_ALL,
    AddCaptions,
    AddCard,
    AddCountdown,
    AddMusic,
    AddOverlay,
    AddProgressBar,
    AddSound,
    AddSubtitleFile,
    AddSubtitles,
    AddTimer,
    AddTitle,
    AddTransition,
    ApplyAudioEffect,
    ApplyEffect,
    ApplyLut,
    Boomerang,
    ChangeTitle,
    Compress,
    Cue,
    CutSilence,
    DuckMusic,
    Edit,
    Fade,
    FreezeFrame,
    Generate,
    InsertGap,
    KeepHighlights,
    KeepSpan,
    KeyOut,
    Loop,
    Merge,
    MoveClip,
    PatchDraft,
    PlaceUploads,
    Redo,
    RemoveAudioEffects,
    RemoveClip,
    RemoveEffects,
    RemoveMusic,
    RemoveOverlays,
    RemoveProgressBar,
    RemoveSounds,
    RemoveSpan,
    RemoveTimer,
    RemoveTitle,
    RemoveTransitions,
    RemoveWatermark,
    ReplaceClip,
    ReplaceDraft,
    ReplaceSound,
    ReverseOrder,
    ReverseSound,
    SeamlessLoop,
    Selector,
    SetAspect,
    SetFit,
    SetFrameRate,
    SetResolution,
    SetSpeed,
    SetVolume,
    ShuffleClips,
    SimulateEdit,
    Slideshow,
    SpeedRamp,
    Split,
    SplitScreen,
    StartOver,
    SwapClips,
    TimelinePoint,
    TimelineSpan,
    Undo,
    first_span,
    last_span,
    span_after,
    span_between,
)
from nemolocal_agent.replies import write_edit_reply
from nemolocal_client.gui_translation import Translation, translate
from nemolocal_contract.draft import Draft, Segment, Track, TrackType
from nemolocal_contract.effects import (
    Blur,
    BlurRegion,
    Brightness,
    Grayscale,
    RemoveLogo,
    Reverse,
    Stabilize,
    preset_effect,
)

SECOND = Selector(number=2)
BEACH = Selector(name="beach")

# An edit, and its description in English and in Chinese.
SAID: list[tuple[Edit, str, str]] = [
    (PlaceUploads(), "put your footage on the timeline", "把素材放到了时间线上"),
    (PlaceUploads(BEACH), 'put the upload "beach" on the timeline', "把素材“beach”放到了时间线上"),
    (KeepSpan(first_span(10_000)), "kept the first 10s of the video and removed the rest",
     "保留了视频的前10秒，其余部分已移除"),
    (KeepSpan(first_span(4000), SECOND), "kept the first 4s of clip 2", "保留了第2个片段的前4秒"),
    (RemoveSpan(last_span(2500)), "removed the last 2.5s of the video", "移除了视频的最后2.5秒"),
    (RemoveSpan(span_between(5000, 8000), BEACH),
    'removed the part from 5s to 8s of the clip "beach"',
     "移除了片段“beach”的5-8秒"),
    (RemoveClip(Selector(number=-1)), "removed the last clip", "移除了最后一个片段"),
    (RemoveClip(Selector(number=-2)), "removed clip 2 from the end", "移除了倒数第2个片段"),
    (RemoveClip(SELECT_ALL), "removed every clip", "移除了所有片段"),
    (Split(parts=3), "split the video into 3 equal parts", "把视频平均分成了3段"),
    (Split((TimelinePoint(5000), TimelinePoint(share=0.5))), "split the video at 5s, the middle",
     "在5秒、正中间处分割了视频"),
    (Split((TimelinePoint(share=0.3), TimelinePoint(3000, before_end=True))),
     "split the video at 30%, 3s before the end", "在30%、结尾前3秒处分割了视频"),
    (Split(), "split the video", "分割了视频"),
    (MoveClip(SECOND, 1), "moved clip 2 to the beginning", "把第2个片段移到了最前面"),
    (MoveClip(SECOND, -1), "moved clip 2 to the end", "把第2个片段移到了最后"),
    (MoveClip(BEACH, 3), 'moved the clip "beach" to place 3', "把片段“beach”移到了第3位"),
    (SwapClips(Selector(number=1), SECOND), "swapped clip 1 and clip 2",
     "交换了第1个片段和第2个片段的位置"),
    (ReverseOrder(), "reversed the order of the clips", "把片段的顺序反转了"),
    (Merge(), "joined the clips one after another", "把所有片段依次合并了"),
    (Loop(times=3), "looped the video 3 times", "让视频循环播放3次"),
    (Loop(duration_ms=30_000), "looped the video until it lasts 30s", "循环播放视频，总长30秒"),
    (Slideshow(each_ms=3000), "made a slideshow of your pictures, 3s each",
     "用图片制作了幻灯片，每张3秒"),
    (Slideshow(total_ms=9000), "slideshow of your pictures, 9s in all", "总长9秒"),
    (Slideshow(), "made a slideshow of your pictures", "用图片制作了幻灯片"),
    (SetSpeed(0.5), "set the speed of the video to 0.5x", "把视频的速度设为0.5倍"),
    (SetVolume(0.5), "set the sound to 50% volume", "把整体的音量调到50%"),
    (SetVolume(0, target="video"), "muted the video's own sound", "把视频原声静音了"),
    (SetVolume(change=1.5, target="music"), "made the background music 1.5 times as loud",
     "把背景音乐的音量调到原来的1.5倍"),
    (SetVolume(0.2, selector=SECOND), "set the sound of clip 2 to 20% volume",
     "把第2个片段的音量调到20%"),
    (AddMusic("lofi", 0.35), "added Lo-fi background music at 35% volume",
     "添加了Lo-fi背景音乐，音量35%"),
    (AddMusic(), "added background music", "添加了背景音乐"),
    (AddMusic(name="song.mp3", duck=True),
     'added "song.mp3" as background music, quieter under the voice',
     "添加了背景音乐“song.mp3”，有人声时自动降低"),
    (DuckMusic(), "quieter while the clips have sound", "让背景音乐在有人声时自动降低"),
    (RemoveMusic(), "removed the background music", "移除了背景音乐"),
    (Fade("both", 2000), "gave the video a fade in and a fade out of 2s",
     "给视频加了2秒的淡入和淡出"),
    (Fade("out", target="music"), "gave the background music a fade out", "给背景音乐加了淡出"),
    (Fade("in", selector=SECOND), "gave clip 2 a fade in", "给第2个片段加了淡入"),
    (AddTitle("Hi"), 'added the title "Hi"', "添加了标题“Hi”"),
    (AddTitle("Hi", last_span(4000), "red", "bottom-left", 96),
     'added the title "Hi" (red, bottom-left, size 96, the last 4s)',
     "添加了标题“Hi”（红色，左下角，字号96，最后4秒）"),
    (ChangeTitle(text="Yo", grow=1.5, span=first_span(2000)),
     'changed the title (now "Yo", 1.5 times as large, the first 2s)',
     "修改了标题（现为“Yo”，大小为原来的1.5倍，前2秒）"),
    (ChangeTitle(animation="typewriter"), "changed the title (now typewriter)",
     "修改了标题（现为打字机效果）"),
    (ChangeTitle(SECOND), "changed title 2", "修改了第2个标题"),
    (RemoveTitle(), "removed the titles", "移除了标题"),
    (RemoveTitle(subtitles=True), "removed the subtitles", "移除了字幕"),
    (AddSubtitles((Cue(1000, 3000, "a"), Cue(3000, 3500, "b"))), "added 2 subtitles (1-3.5s)",
     "添加了2条字幕（1-3.5秒）"),
    (AddSubtitles((Cue(0, 6500, "a"), Cue(4000, 5000, "b"), Cue(2000, 1000, "c"))),
     "added 1 subtitle (0-4s), 1 of them cut at the end, and left out 1 that comes after the end "
     "and 1 that ends before it begins",
     "添加了1条字幕（0-4秒），其中1条在视频结尾处截断，未添加：1条在视频结尾之后，1条的时间是倒着的"),
    (AddSubtitles((*[Cue(0, 900, "a")] * 8, *[Cue(0, 900, " ")] * 2)),
     "added 6 subtitles (0-0.9s), and left out 2 that have no words and 2 that would be more than "
     "6 at once",
     "添加了6条字幕（0-0.9秒），未添加：2条没有文字，2条会使同时显示的超过6条"),
    (AddSubtitles((Cue(0, 3000, "a"),)), "added 1 subtitle (0-3s)", "添加了1条字幕（0-3秒）"),
    (SetAspect(9, 16), "changed the aspect ratio to 9:16", "把画面比例改为9:16"),
    (SetAspect(1, 1, "blur"), "to 1:1 (a blurred background fills the rest)",
     "改为1:1（空白处用模糊背景填充）"),
    (SetFit("pad"), "changed how clips fit the picture: black bars fill the rest",
     "调整了画面适配：空白处加黑边"),
    (SetResolution("4k"), "set the resolution to 4K", "把分辨率设为4K"),
    (SetResolution("720p"), "set the resolution to 720p", "把分辨率设为720p"),
    (SetFrameRate(24), "set the frame rate to 24 frames/s", "把帧率设为每秒24帧"),
    (ApplyEffect(Brightness(0.25)), "changed the video: brightness +25 %",
     "调整了视频：亮度 +25 %"),
    (ApplyEffect(Brightness(0)), "brightness as recorded", "亮度恢复原样"),
    (ApplyEffect(Grayscale(), SECOND), "changed clip 2: black and white", "调整了第2个片段：黑白"),
    (ApplyEffect(Reverse()), "changed the video: played backwards", "调整了视频：倒放"),
    (ApplyEffect(Blur(), Selector(span=first_span(3000))), "changed the first 3s: blur 50 %",
     "调整了前3秒：模糊 50 %"),
    (RemoveEffects(), "removed all effects of the video", "移除了视频的所有效果"),
    (RemoveEffects("blur", BEACH), 'removed the blur of the clip "beach"',
     "移除了片段“beach”的模糊"),
    (AddTransition("fade-black", 500), "put a dip to black of 0.5s between the clips",
     "在片段之间加了0.5秒的黑场过渡"),
    (AddTransition(selector=SECOND), "put a crossfade after clip 2", "在第2个片段之后加了叠化"),
    (RemoveTransitions(), "removed the transitions", "移除了转场"),
    (AddOverlay("picture-in-picture", SECOND), "showed clip 2 as a picture in the picture",
     "把第2个片段设为画中画"),
    (AddOverlay("watermark", Selector(name="logo.png"), "bottom-right", 0.2, 0.5, first_span(3000)),
     'showed the clip "logo.png" as a watermark (bottom-right, 20 % wide, 50 % opaque, '
     "the first 3s)", "设为水印（右下角，宽20 %，不透明度50 %，前3秒）"),
    (RemoveWatermark(RemoveLogo()), "removed the watermark", "移除了水印"),
    (KeyOut("blue"), "made blue areas transparent", "把蓝色部分变为透明"),
    (KeyOut("green", "white"), "made green areas transparent, over white",
     "把绿色部分变为透明，背景为白色"),
    (SplitScreen("rows"), "placed the clips one above the other", "让片段上下排列"),
    (ApplyEffect(preset_effect("vhs", 0.25)), "VHS tape look 25 %", "VHS录像带 25 %"),
    (ApplyEffect(preset_effect("border", None, "red")), "border (red) 40 %", "边框（红色） 40 %"),
    (ApplyEffect(preset_effect("white-balance")), "white balance (the colours of each frame",
     "白平衡校正（每帧颜色"),
    (ApplyEffect(BlurRegion(0.65, 0.75)), "blurred area (35 % x 25 % at 65 %, 75 %) (the area is",
     "局部模糊（35 % x 25 %，位于65 %, 75 %）（位置固定"),
    (ApplyEffect(Stabilize()), "stabilization 50 %", "防抖 50 %"),
    (RemoveEffects("vhs"), "removed the VHS tape look of", "VHS录像带"),
    (RemoveEffects(colors_only=True), "removed the colour changes of", "的调色"),
    (SetResolution("4k", upscale=True), "set the resolution to 4K (scaled up",
     "把分辨率设为4K（放大"),
    (RemoveOverlays(), "removed the picture-in-picture clips", "移除了画中画和水印"),
    (Compress(), "set up RTK compression", "设置了RTK压缩"),
    (Compress("size", 10), "the finished file will be at most 10 MB", "成片不超过10 MB"),
    (Compress("quality", quality="low"), "compression at low quality", "设置了低质量的压缩"),
    (Generate("ocean", 5.0, "ocean at dawn"), "generated a 5s clip: ocean at dawn",
     "生成了一段5秒的视频：ocean at dawn"),
    (Fade("out", target="sound"), "gave the sound a fade out", "给声音加了淡出"),
    (ApplyAudioEffect("reverb"), "changed the sound of the video: reverb",
     "调整了视频的声音：混响"),
    (ApplyAudioEffect("bass", 6.0, selector=SECOND), "changed the sound of clip 2: bass +6 dB",
     "调整了第2个片段的声音：低音 +6 dB"),
    (ApplyAudioEffect("echo", 200.0, "music"), "the sound of the background music: echo 200 ms",
     "调整了背景音乐的声音：回声 200 ms"),
    (ApplyAudioEffect("no-vocals"), "so some of it stays)", "所以会有残留）"),
    (RemoveAudioEffects("echo"), "removed echo from the video", "移除了视频的回声"),
    (RemoveAudioEffects(), "removed all audio effects of the video", "移除了视频的所有音频效果"),
    (AddSound("ding", TimelinePoint(5000)), "added a ding at 5s", "在5秒加了叮声"),
    (AddSound("boom", TimelinePoint(before_end=True)), "added a boom at the end",
     "在结尾加了轰鸣声"),
    (AddSound("whoosh", at_cuts=True), "added a whoosh at each cut", "在每个剪辑点加了嗖声"),
    (RemoveSounds(), "removed the sound effects", "移除了音效"),
    (RemoveSounds("ding"), "removed a ding", "移除了叮声"),
    (ReplaceSound("a.mp4"), 'muted the clips and put the sound of "a.mp4" in its place',
     "把片段静音，换成了“a.mp4”的声音"),
    (CutSilence(place="ends"), "cut out parts of the start and the end of the video that are "
     "quieter than -35 dB for 0.5s or longer", "剪掉了视频首尾里低于-35 dB且不短于0.5秒的部分"),
    (CutSilence(), "cut out parts of the video that are quieter than -35 dB for 0.5s or longer",
     "剪掉了视频里低于-35 dB且不短于0.5秒的部分"),
    (AddCaptions(), "their words are placeholders", "文字只是占位"),
    (AddCaptions(by_word=True), "added word captions where there is sound", "添加了逐字字幕"),
    (AddCaptions(words=("Hi",)), "I added captions where there is sound. ", "添加了字幕。"),
    (AddSubtitleFile("a.srt"), 'added the subtitles from "a.srt"', "添加了“a.srt”的字幕"),
    (AddSubtitleFile(), "added the uploaded subtitles", "添加了上传的字幕"),
    (ApplyLut(), "applied the LUT to the video", "用LUT调整了视频的颜色"),
    (ApplyLut("a.cube", 0.5), 'applied the LUT "a.cube" to the video (50 %)',
     "用LUT“a.cube”调整了视频的颜色（强度50 %）"),
    (KeepHighlights(30_000), "kept 30s of the loudest parts and those after scene changes",
     "保留了30秒声音最响和场景变化之后的部分"),
    (KeepHighlights(), "kept the loudest parts", "保留了声音最响"),
    (FreezeFrame(), "froze the last frame for 2s", "把最后一帧定格了2秒"),
    (FreezeFrame(TimelinePoint(4200), 1500), "froze the frame at 4.2s for 1.5s",
     "把4.2秒处的画面定格了1.5秒"),
    (FreezeFrame(selector=SECOND), "froze the last frame of clip 2 for 2s",
     "把第2个片段最后一帧定格了2秒"),
    (Boomerang(), "played the video forwards and then backwards", "让视频正放后再倒放"),
    (SpeedRamp(1, 3, SECOND), "ramped the speed of clip 2 from 1x to 3x",
     "让第2个片段的速度从1倍渐变到3倍"),
    (SeamlessLoop(), "crossfaded the end into the start", "让结尾叠化到开头"),
    (ShuffleClips(), "shuffled the clips", "打乱了片段的顺序"),
    (InsertGap(2000, selector=SECOND), "inserted 2s of black after clip 2",
     "在第2个片段之后插入了2秒黑屏"),
    (InsertGap(), "inserted 1s of black between all clips", "在所有片段之间插入了1秒黑屏"),
    (ReplaceClip(SECOND, "new.mov"), 'replaced clip 2 with "new.mov"',
     "把第2个片段换成了“new.mov”"),
    (ReplaceClip(SECOND), "replaced clip 2 with the other upload", "把第2个片段换成了另一个素材"),
    (ReverseSound(), "reversed the sound of the video", "把视频的声音倒放，画面不变"),
    (AddCard(role="intro"), "added an intro card with the name of the video at the start",
     "在开头添加了写着视频名称的片头卡片"),
    (AddCard("Bye", "outro", 4000, "blue"), 'added an end card in blue that says "Bye" at the end '
     "for 4s", "在结尾添加了写着“Bye”的蓝色片尾卡片（4秒）"),
    (AddCard("2", selector=SECOND), 'added a card that says "2" after clip 2',
     "在第2个片段之后添加了写着“2”的卡片"),
    (AddCard("2", at=TimelinePoint(5000)), 'added a card that says "2" at 5s',
     "在5秒处添加了写着“2”的卡片"),
    (AddCard(role="outro"), "added an end card at the end", "在结尾添加了片尾卡片"),
    (AddCountdown(), "added a countdown from 3 to 1 at the start", "在开头添加了从3到1的倒计时"),
    (AddTimer(), "added a running timer", "添加了计时器"),
    (AddTimer(down=True), "added a timer that shows the time left", "添加了剩余时间的倒计时"),
    (AddProgressBar(), "added a red progress bar at the bottom", "在底部添加了红色进度条"),
    (RemoveTimer(), "removed the timer", "移除了计时器"),
    (RemoveProgressBar(), "removed the progress bar", "移除了进度条"),
    (Undo(), "undid the last edit", "撤销了上一次修改"),
    (Undo(3), "undid the last 3 edits", "撤销了最近3次修改"),
    (Redo(), "did the edit again that was undone", "恢复了刚才撤销的修改"),
    (Redo(2), "did the 2 edits again that were undone", "恢复了撤销的2次修改"),
    (StartOver(), "cleared the timeline", "清空了时间线"),
    (SimulateEdit("x"), 'I simulated "x": the local server cannot do this', "我模拟了“x”"),
    (ReplaceDraft({}), "I replaced the timeline", "我替换了整个时间线"),
    (PatchDraft(()), "I changed the timeline", "我修改了时间线"),
]  # fmt: skip

DRAFT = Draft(
    tracks=(Track(type=TrackType.VIDEO, segments=(Segment(duration_ms=4000, source="a"),)),)
)
GUI = {
    "en": r"(?i)click \[|open the \[|drag and drop|preview in timeline|export button|account/bill",
    "zh": r"点击|打开|拖拽|预览|导出|账户/账单",
}


@pytest.mark.rule("SSE-10")
def test_edit_reply_without_gui_only_lacks_the_hint() -> None:
    for language in ("en", "zh"):
        edit = SetVolume(0.5)
        said, pointing = (
            write_edit_reply((edit,), DRAFT, language, chance) for chance in (None, 0.0)
        )
        assert pointing.startswith(said)
        assert translate([said]) == Translation((said,))


def test_reply_describes_each_edit_exactly(subtests: pytest.Subtests) -> None:
    for edit, english, chinese in SAID:
        with subtests.test(edit=edit, english=english, chinese=chinese):
            for language, said in (("en", english), ("zh-CN", chinese)):
                text = write_edit_reply((edit,), DRAFT, language, 0.0)
                assert said in text
                gui = re.search(GUI[language[:2]], text)
                assert gui is not None
                assert text.index(said) < gui.start()


def test_every_edit_has_a_description() -> None:
    assert {type(edit) for edit, _, _ in SAID} == set(get_args(Edit))


@pytest.mark.parametrize(
    ("span", "english", "chinese"),
    [
        (first_span(10_000), "the first 10s", "前10秒"),
        (last_span(4000), "the last 4s", "最后4秒"),
        (span_after(2000), "everything after 2s", "2秒之后的部分"),
        (TimelineSpan(end=TimelinePoint(5000, before_end=True)), "everything but the last 5s",
         "除最后5秒以外的部分"),
        (TimelineSpan(TimelinePoint(2000), TimelinePoint(3000, before_end=True)),
         "the part from 2s to 3s before the end", "2秒到结尾前3秒的部分"),
        (TimelineSpan(), "all of it", "全部内容"),
        (TimelineSpan(end=TimelinePoint(share=0.5)), "the first half", "前半部分"),
        (TimelineSpan(TimelinePoint(share=0.5)), "the second half", "后半部分"),
        (TimelineSpan(TimelinePoint(share=0.5, before_end=True)), "the second half", "后半部分"),
        (TimelineSpan(TimelinePoint(share=1 / 3), TimelinePoint(share=2 / 3)),
        "the middle third", "中间三分之一"),
        (TimelineSpan(TimelinePoint(share=1 / 3, before_end=True)), "the last third", "后三分之一"),
        (TimelineSpan(end=TimelinePoint(share=0.2)), "the first 20%", "前20%"),
        (TimelineSpan(TimelinePoint(share=0.2, before_end=True)), "the last 20%", "后20%"),
        (TimelineSpan(TimelinePoint(share=0.2), TimelinePoint(share=0.6)),
        "the part from 20% to 60%", "20%到60%的部分"),
        (TimelineSpan(TimelinePoint(2000), TimelinePoint(share=0.5)),
        "the part from 2s to the middle",
         "2秒到正中间的部分"),
        (TimelineSpan(TimelinePoint(share=0.3), TimelinePoint(9000)), "the part from 30% to 9s",
        "30%到9秒的部分"),
    ],
)  # fmt: skip
def test_spans_are_described_naturally(span: TimelineSpan, english: str, chinese: str) -> None:
    assert f"removed {english} of" in write_edit_reply((RemoveSpan(span),), DRAFT, "en", 0)
    assert f"移除了视频的{chinese}。" in write_edit_reply((RemoveSpan(span),), DRAFT, "zh", 0)


def test_reply_names_the_edits_in_order_then_the_timeline() -> None:
    edits: tuple[Edit, ...] = (KeepSpan(first_span(4000)), AddMusic("calm"))
    assert write_edit_reply(edits, DRAFT, "en", 0).startswith(
        "Done! I kept the first 4s of the video and removed the rest, then added calm background "
        "music. Timeline (1 track): 1. Video: a (0-4s). Open the [Audio] panel"
    )
    assert write_edit_reply(edits, DRAFT, "zh", 0).startswith(
        "完成！我保留了视频的前4秒，其余部分已移除，并添加了舒缓背景音乐。"
        "时间线（1条轨道）：1. 视频：a（0-4秒）。打开【音频】面板"
    )


@pytest.mark.slow
@pytest.mark.rule("SSE-10")
@pytest.mark.parametrize(
    ("language", "kinds"),
    [
        ("en", ["click [", "open the [", "drag and drop", "preview in timeline", "export button",
                "check your account/billing"]),
        ("zh", ["点击", "打开", "拖拽", "时间线中预览", "导出", "账户/账单"]),
    ],
)  # fmt: skip
def test_every_kind_of_gui_hint_occurs_with_every_kind_of_edit(
    language: str, kinds: list[str]
) -> None:
    for edit, _, _ in SAID:
        texts = [write_edit_reply((edit,), DRAFT, language, n / 24).lower() for n in range(24)]
        assert len(set(texts)) == 12
        for kind in kinds:
            assert any(kind in text for text in texts), (edit, kind)


@pytest.mark.slow
@given(st.floats(0, 1, exclude_max=True), st.sampled_from(SAID), st.sampled_from(["en", "zh"]))
@pytest.mark.rule("SSE-10", "CLI-6")
def test_client_can_remove_the_gui_hint_and_keep_the_rest(
    chance: float, said: tuple[Edit, str, str], language: str
) -> None:
    edit, english, chinese = said
    shown = " ".join(translate([write_edit_reply((edit,), DRAFT, language, chance)]).texts)
    assert (chinese if language == "zh" else english) in shown
    for word in ("click", "open the", "drag", "preview in", "button", "点击", "打开", "拖拽"):
        assert word not in shown.lower()
