"""Replies to what is not understood: the stand-in that was added, a question, a model's words."""

from nemolocal_contract.describe.labels import Language, parse_language
from nemolocal_contract.describe.text_formats import truncate_text

from ..intents import SimulateEdit
from ..understanding import NoEdit
from .clip_replies import in_language, quote


def describe_simulate_edit(edit: SimulateEdit, language: Language) -> str:
    """What was added, and that it is not the real thing."""
    request = quote(edit.request, language)
    return in_language(
        language,
        f"simulated {request}: the local server cannot do this, so it added a placeholder text",
        f"模拟了{request}：本地服务器做不到，所以添加了一段文字作为占位",
    )


def write_question_reply(no_edit: NoEdit, language: str, message: str, *, gui: bool = True) -> str:
    """Ask what is meant, in the language of the session; without `gui` charges are left out."""
    reply_language = parse_language(language)
    words = " ".join((no_edit.about or message).split())
    request = quote(truncate_text(words), reply_language)
    charged = (", and nothing was charged", "，也没有扣除积分") if gui else ("", "")
    return in_language(
        reply_language,
        f"What should I do for {request}? I can cut and join clips, change their speed, look and "
        f"sound, or add titles, subtitles and music. So far I changed nothing{charged[0]}.",
        f"{request}具体要怎么做？我可以剪辑和合并片段，调整速度、画面和声音，添加标题、字幕和音乐。"
        f"目前没有做任何修改{charged[1]}。",
    )


def write_declined_reply(text: str, language: str, *, gui: bool = True) -> str:
    """What a language model says in place of edits, and that nothing was changed."""
    charged = (", and nothing was charged", "，也没有扣除积分") if gui else ("", "")
    return in_language(
        parse_language(language),
        f"{text} (Nothing was changed{charged[0]}.)",
        f"{text}（没有做任何修改{charged[1]}。）",
    )
