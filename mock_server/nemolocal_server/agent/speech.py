"""What the backend says: texts that believe in a screen with buttons (SSE-10), in two languages.

What was done is said first and plainly; the GUI talk around it is what clients must translate.
"""

from nemolocal_contract.draft import Draft
from nemolocal_contract.summary import seconds, timeline

from .edits import MUSIC_TITLES
from .intents import (
    AddMusic,
    AddTitle,
    Compress,
    Edit,
    Generate,
    Keep,
    PlaceUploads,
    Remove,
    SetVolume,
    Span,
    Talk,
)

_CLOSING = {
    "en": (
        "Click [Play] to preview in timeline, or open the [Media] panel to fine-tune it. "
        "When you are happy, use the Export button."
    ),
    "zh": "点击【播放】即可预览时间线，或打开【素材】面板继续微调。满意后请点击【导出】按钮。",
}

_TALK = {
    "en": {
        "hello": (
            "Hi! Drag and drop your footage into the [Media] panel and tell me what you need: "
            "I can trim it, add a title or background music, or compress it."
        ),
        "how": (
            'Just tell me what you want and I will do it. For example: "trim to the first 10 '
            'seconds", "add a title \'Hello\' for 3 seconds", "add lo-fi background music at '
            '35% volume", "compress this video". You can also open the [Edit] panel.'
        ),
        "declined": "All right, I left the timeline as it is. Nothing was charged.",
        "unknown": (
            "I did not understand that, so I changed nothing and charged nothing. Try something "
            'concrete: "trim to the first 10 seconds", "add a title \'Hello\'", "add calm '
            'background music" or "compress this video".'
        ),
    },
    "zh": {
        "hello": (
            "你好！把素材拖拽到【素材】面板，然后告诉我你想怎么剪："
            "裁剪、加标题、加背景音乐或压缩都可以。"
        ),
        "how": (
            "直接告诉我你的需求即可，例如“只保留前10秒”“添加标题”"
            "“添加背景音乐”“压缩视频”。也可以打开【编辑】面板。"
        ),
        "declined": "好的，时间线保持不变，没有扣除积分。",
        "unknown": (
            "我没有理解你的意思，所以没有做任何修改，也没有扣除积分。"
            "请说得具体一些，例如“只保留前10秒”。"
        ),
    },
}

_DONE = {
    "en": {
        Generate: "generated a {seconds}s clip: {prompt}",
        PlaceUploads: "put your footage on the timeline",
        Keep: "kept {span} of the video and removed the rest",
        Remove: "removed {span}",
        AddTitle: 'added the title "{text}"',
        AddMusic: "added {mood} background music at {volume}% volume",
        SetVolume: "set the background music to {volume}% volume",
        Compress: "set up RTK compression, so the export will be smaller without visible loss",
    },
    "zh": {
        Generate: "生成了一段{seconds}秒的视频：{prompt}",
        PlaceUploads: "把素材放到了时间线上",
        Keep: "保留了视频的{span}，其余部分已移除",
        Remove: "移除了{span}",
        AddTitle: "添加了标题“{text}”",
        AddMusic: "添加了{mood}背景音乐，音量{volume}%",
        SetVolume: "把背景音乐的音量调到{volume}%",
        Compress: "设置了RTK压缩，导出的文件会更小且没有可见损失",
    },
}

_FAILED = {
    "en": "I could not do that: {reason}. Nothing was changed and nothing was charged.",
    "zh": "无法完成：{reason}。没有做任何修改，也没有扣除积分。",
}


def _spoken(language: str) -> str:
    return "zh" if language.lower().startswith("zh") else "en"


def say_done(edits: tuple[Edit, ...], draft: Draft, language: str) -> str:
    """What was done, the timeline that came of it, and what to click next."""
    tongue = _spoken(language)
    did = [_DONE[tongue][type(edit)].format(**_words(edit, tongue)) for edit in edits]
    if tongue == "zh":
        return f"完成！我{'，并'.join(did)}。{timeline(draft)}。{_CLOSING[tongue]}"
    return f"Done! I {', then '.join(did)}. {timeline(draft)}. {_CLOSING[tongue]}"


def say_talk(talk: Talk, language: str) -> str:
    """The answer where there is nothing to do."""
    answers = _TALK[_spoken(language)]
    return answers.get(talk.topic, answers["how"])


def say_failed(reason: str, language: str) -> str:
    """The answer where an edit is not possible."""
    return _FAILED[_spoken(language)].format(reason=reason)


def _words(edit: Edit, tongue: str) -> dict[str, object]:
    match edit:
        case Keep(span) | Remove(span):
            return {"span": _span(span, tongue)}
        case Generate(_, length, prompt):
            return {"seconds": f"{length:g}", "prompt": prompt}
        case AddTitle(text):
            return {"text": text}
        case AddMusic(mood, volume):
            return {"mood": MUSIC_TITLES[mood or "calm"], "volume": round((volume or 0.35) * 100)}
        case SetVolume(volume):
            return {"volume": round((volume or 0) * 100)}
    return {}


def _span(span: Span, tongue: str) -> str:
    chinese = tongue == "zh"
    if span.start.before_end:
        length = seconds(span.start.ms)
        return f"最后{length}秒" if chinese else f"the last {length}s"
    start = seconds(span.start.ms)
    if span.end.before_end:
        return f"{start}秒之后的部分" if chinese else f"everything after {start}s"
    end = seconds(span.end.ms)
    if not span.start.ms:
        return f"前{end}秒" if chinese else f"the first {end}s"
    return f"{start}-{end}秒" if chinese else f"the part from {start}s to {end}s"
