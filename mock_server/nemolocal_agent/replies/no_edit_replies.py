"""Replies when nothing is edited. Most refer to a GUI that does not exist (SSE-10)."""

import re
from collections.abc import Sequence

from nemolocal_contract.describe.labels import Language, parse_language
from nemolocal_contract.describe.text_formats import truncate_text

from ..nlu.unsupported import find_reason, reason_text
from ..understanding import NoEdit, Note, Topic
from .clip_replies import in_language, quote

_GUI_REPLIES: dict[Topic, tuple[str, str]] = {
    "hello": (
        "Hi! I can cut and join clips, change their speed, look and sound, add titles, subtitles "
        "and music, or generate a clip: just tell me what you need. "
        "Drag and drop your footage into the [Media] panel to begin.",
        "你好！我可以剪辑和合并片段，调整速度、画面和声音，添加标题、字幕和音乐，也可以生成视频，"
        "直接告诉我就行。请把素材拖拽到【素材】面板开始。",
    ),
    "declined": (
        "All right, I left the timeline as it is. Nothing was charged. "
        "Click [Undo] if you want to go back further.",
        "好的，时间线保持不变，没有扣除积分。如需继续回退，请点击【撤销】。",
    ),
    "export": (
        "I cannot send files in this chat. Click the Export button to download your video.",
        "我无法在对话中发送文件。请点击【导出】按钮下载视频。",
    ),
    "credits": (
        "I cannot see your credits from this chat. Please check your account/billing.",
        "我无法在对话中看到积分。请查看您的账户/账单。",
    ),
    "status": (
        "Your tracks are all on the timeline. Open the [Timeline] panel to see them, or preview in "
        "timeline.",
        "你的轨道都在时间线上。打开【时间线】面板即可查看，也可在时间线中预览。",
    ),
    "upload": (
        "I cannot take files in this chat. "
        "Open the [Media] panel, then drag and drop your files into it.",
        "我无法在对话中接收文件。请打开【素材】面板，把文件拖拽进去。",
    ),
}
# The same without a GUI and without charges.
_PLAIN_REPLIES: dict[Topic, tuple[str, str]] = {
    "hello": (
        "Hi! I can cut and join clips, change their speed, look and sound, add titles, subtitles "
        "and music, or generate a clip: upload a file and tell me what you need.",
        "你好！我可以剪辑和合并片段，调整速度、画面和声音，添加标题、字幕和音乐，也可以生成视频。"
        "上传文件后直接告诉我就行。",
    ),
    "declined": ("All right, I left the timeline as it is.", "好的，时间线保持不变。"),
    "export": (
        "I cannot send files in this chat: export the timeline to get the video.",
        "我无法在对话中发送文件。",
    ),
    "credits": ("Nothing is charged here.", "这里不收取任何费用。"),
    "status": ("Your tracks are all on the timeline.", "你的轨道都在时间线上。"),
    "upload": (
        "I cannot take files in this chat: upload them, then tell me what to do with them.",
        "我无法在对话中接收文件：请先上传，再告诉我怎么做。",
    ),
}
# A pattern of what a question is about, and an example command in English and Chinese.
_EXAMPLES: tuple[tuple[str, str, str], ...] = (
    (r"title|caption|\btext\b|标题|文字", "add a title 'Hello' for 3 seconds", "添加标题“你好”"),
    (r"music|song|bgm|音乐", "add lo-fi background music", "添加Lo-fi背景音乐"),
    (r"loud|volume|mute|quiet|音量|声音|静音", "set the music to 20% volume", "音乐音量调到20%"),
    (r"speed|fast|slow|快|慢|速", "make it twice as fast", "两倍速播放"),
    (r"transition|crossfade|转场", "add a crossfade between the clips", "在片段之间加转场"),
    (r"fade|淡", "fade out at the end", "结尾淡出"),
    (r"split|分割", "split it at 5 seconds", "在5秒处分割"),
    (r"merge|join|combine|合并|拼接", "merge the clips", "合并所有片段"),
    (r"vertical|portrait|square|aspect|ratio|竖屏|比例", "make it vertical", "改成竖屏"),
    (r"compress|smaller|\bsize|压缩", "compress this video", "压缩视频"),
    (r"bright|dark|colou?r|effect|亮|暗|色|滤镜|特效", "make it brighter", "亮一点"),
    (r"watermark|logo|水印", "add my logo in the bottom right", "在右下角加水印"),
    (r"undo|\bback\b|撤销", "undo", "撤销"),
    (r"generat|生成", "generate a 10-second sunset timelapse", "生成10秒的日落视频"),
    (r"order|move|swap|顺序|移动", "move the second clip to the front", "把第二个片段移到最前面"),
)
_DEFAULT_EXAMPLE = ("trim to the first 10 seconds", "只保留前10秒")


def write_no_edit_reply(no_edit: NoEdit, language: str, message: str, *, gui: bool = True) -> str:
    """The reply to a message that asks for no edit, in the language of the session.

    Without `gui` it mentions neither a GUI nor charges.
    """
    reply_language = parse_language(language)
    if no_edit.topic == "how":
        return _reply_to_how(reply_language, message, gui)
    if no_edit.topic == "unknown":
        return _reply_to_unknown(no_edit, reply_language, gui, message)
    return in_language(reply_language, *(_GUI_REPLIES if gui else _PLAIN_REPLIES)[no_edit.topic])


def write_failure_reply(reason: str, language: str, *, gui: bool = True) -> str:
    """The reply when an edit is rejected; `reason` is already in this language."""
    why = reason.rstrip(" .。")
    charged = (" and nothing was charged", "，也没有扣除积分") if gui else ("", "")
    return in_language(
        parse_language(language),
        f"I could not do that: {why}. Nothing was changed{charged[0]}.",
        f"无法完成：{why}。没有做任何修改{charged[1]}。",
    )


def _reply_to_how(language: Language, message: str, gui: bool) -> str:
    example = quote(in_language(language, *_example(message)), language)
    screen = (" You can also open the [Edit] panel.", "也可以打开【编辑】面板。")
    said = in_language(
        language,
        f"Just tell me what you want, for example {example}, and I will do it.",
        f"直接告诉我你的需求即可，例如{example}。",
    )
    return said + (in_language(language, *screen) if gui else "")


def _example(message: str) -> tuple[str, str]:
    for words, english, chinese in _EXAMPLES:
        if re.search(words, message, re.IGNORECASE):
            return english, chinese
    return _DEFAULT_EXAMPLE


def _reply_to_unknown(no_edit: NoEdit, language: Language, gui: bool, message: str) -> str:
    """Name the words that were not understood, on one line, and the reason if there is one."""
    words = quote(_on_one_line(no_edit.about or message), language)
    charged, screen = (" and charged nothing", " You can also open the [Effects] panel.")
    if language == "zh":
        charged, screen = "，也没有扣除积分", "也可以打开【特效】面板。"
    if not gui:
        charged = screen = ""
    if reason := reason_text(no_edit.reason, language):
        return in_language(
            language,
            f"I could not do {words}: {reason}. So I changed nothing{charged}.{screen}",
            f"无法完成{words}：{reason}。所以没有做任何修改{charged}。{screen}",
        )
    return in_language(
        language,
        f"I did not understand {words}. So I changed nothing{charged}. Try something "
        'concrete: "trim to the first 10 seconds", "add a title \'Hello\'", "make it brighter".'
        f"{screen}",
        f"我没有理解{words}。所以没有做任何修改{charged}。请说得具体一些，"
        f"例如“只保留前10秒”“添加标题”“亮一点”。{screen}",
    )


_NOTES = {
    "no_such_music": (
        "there is no {said} here, so I chose the nearest",
        "没有{said}，选了最接近的",
    ),
    "no_such_resolution": (
        "{said} cannot be exported, so I chose the nearest size",
        "无法导出{said}，选了最接近的尺寸",
    ),
    "no_box": ("titles have no box or background here", "这里的标题没有背景框"),
    "no_such_scene": (
        "there is no scene for {said} here, so I made an abstract one",
        "没有{said}的场景，生成了抽象画面",
    ),
}


def write_remarks(left_out: Sequence[str], notes: Sequence[Note], language: str) -> str:
    """What a reply to an edit adds: what was not understood, and what differs from the words."""
    reply_language = parse_language(language)
    remarks = []
    for note in notes:
        text = in_language(reply_language, *_NOTES[note.code])
        remarks.append(text.format(said=quote(_on_one_line(note.said), reply_language)))
    if left_out:
        words = ", ".join(quote(_on_one_line(part), reply_language) for part in left_out[:3])
        why = reason_text(find_reason(" ".join(left_out)), reply_language)
        reason = in_language(reply_language, f": {why}", f"：{why}") if why else ""
        remarks.append(
            in_language(
                reply_language,
                f"I did not understand {words} and left that out{reason}",
                f"没有理解{words}，没有处理这部分{reason}",
            )
        )
    return "".join(
        in_language(reply_language, f" {text[:1].upper()}{text[1:]}.", f"{text}。")
        for text in remarks
    )


def _on_one_line(text: str) -> str:
    return truncate_text(" ".join(text.split()))
