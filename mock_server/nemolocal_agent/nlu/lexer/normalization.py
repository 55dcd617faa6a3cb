"""Normalizes a message without moving a character: case, width, Traditional Chinese, quotes."""

import re

import msgspec

from ...intents import Cue
from .srt import find_subtitles

_TRADITIONAL = (
    "輯頻視畫標題樂聲後個鐘長開頭結刪減調節轉場換動鏡亂順優橫豎壓縮寬圖檔傳輸導載點積餘態層疊邊"
    "圓綠藍黃紅銀對飽濾複復舊淨讓給請幫這裡裏麼樣為與無須還並間從將變淺過閃爍員顯隱靜關閉響輕溫"
    "愛歡傷電腦網紋夢圍繞遠園樹葉陽雲霧風湧濤濕際線組連續製倉庫補銷業務號碼質頁鍵時單雙幾兩萬億"
    "進階幀預覽剛應該說話講簡緩劇體檢狀條張塊滿鋪豐艷鮮銳虛暈燈擊總約項裝戲歷僅隻雜鎖腳煩謝嗎麽"
    "親師斷別夠啟飛噴懷漸擴縱鏈佈內於週訊設護讀寫錄鬆級終絲絕細紹經統緊編練乾夾滾擋畢適當錯讚嘆"
    "棄蓋貼來發兒們塗粵鬧憂鬱慘壯闊偉戰靈強濃專廣灑煙熱聖誕賽龍鳥貓車橋樓鄉異國會現觀賞記憶難報"
    "實處隨爾拋擲捲倆餵擇擬揀據縫攝銜併聯屬誰問術稱臺灣徑維彈鋼嘗試確認輝燦爛穩倫壞價費戶帳賬準"
    "備溝獨擁遞險隊陰陳雖頂頓顏願類顧飾馬駛驚魚齊齡針"
)
_SIMPLIFIED = (
    "辑频视画标题乐声后个钟长开头结删减调节转场换动镜乱顺优横竖压缩宽图档传输导载点积余态层叠边"
    "圆绿蓝黄红银对饱滤复复旧净让给请帮这里里么样为与无须还并间从将变浅过闪烁员显隐静关闭响轻温"
    "爱欢伤电脑网纹梦围绕远园树叶阳云雾风涌涛湿际线组连续制仓库补销业务号码质页键时单双几两万亿"
    "进阶帧预览刚应该说话讲简缓剧体检状条张块满铺丰艳鲜锐虚晕灯击总约项装戏历仅只杂锁脚烦谢吗么"
    "亲师断别够启飞喷怀渐扩纵链布内于周讯设护读写录松级终丝绝细绍经统紧编练干夹滚挡毕适当错赞叹"
    "弃盖贴来发儿们涂粤闹忧郁惨壮阔伟战灵强浓专广洒烟热圣诞赛龙鸟猫车桥楼乡异国会现观赏记忆难报"
    "实处随尔抛掷卷俩喂择拟拣据缝摄衔并联属谁问术称台湾径维弹钢尝试确认辉灿烂稳伦坏价费户帐账准"
    "备沟独拥递险队阴陈虽顶顿颜愿类顾饰马驶惊鱼齐龄针"
)
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_PUNCTUATION = {
    ord(mark): replacement
    for replacement, marks in {
        "'": "‘’ʼ´`",
        '"': "„‟〝〞",
        ".": "。｡",
        ",": "、…—―،",
        "-": "–‐‑‒−~～〜",
        " ": "\t\r\v\f\u00a0\u2002\u2003\u2009\u200a\u200b\u3000\ufeff*|^\\<>{}[]",
        "\n": "\u2028\u2029\x85",
        "%": "％",
    }.items()
    for mark in marks
}
_FOLD = _FULL_WIDTH | str.maketrans(_TRADITIONAL, _SIMPLIFIED) | _PUNCTUATION

# Each pattern stops at the next opening mark: many marks in a row must not take quadratic time.
_QUOTED = re.compile(
    r"\"([^\"]{1,2000})\"|“([^“”]{1,2000})[”\"]|「([^「」]{1,2000})」|『([^『』]{1,2000})』"
    r"|《([^《》]{1,2000})》|«([^«»]{1,2000})»|【([^【】]{1,2000})】|‘([^‘’]{1,200})’"
    r"|(?<!\w)['’]([^\n]{1,100}?)['’](?!\w)"
)
# The number or bullet of a list item.
_LISTED = re.compile(r"(?:^|\n)[ ]{0,8}(?:\(?\d{1,2}[.):,](?=[^\d])|[-•·]) ?")
QUOTE_PLACEHOLDER, QUOTE_PADDING = "\x01", "\x02"
MAX_MESSAGE_LENGTH = 2000


class NormalizedMessage(msgspec.Struct):
    """A normalized message: `text` is as long as the original, with placeholders for quoted parts.

    `quoted_parts` are the quoted texts, or the cues of an SRT, by the index where they start.
    """

    text: str
    original: str
    quoted_parts: dict[int, str | tuple[Cue, ...]]


def normalize_message(message: str) -> NormalizedMessage:
    """Convert to lower case, half width and simplified characters; cut out quoted parts."""
    quoted_parts: dict[int, str | tuple[Cue, ...]] = {}
    without_cues = _replace_subtitles(
        message.replace(QUOTE_PLACEHOLDER, " ").replace(QUOTE_PADDING, " "), quoted_parts
    )

    def dig(match: re.Match[str]) -> str:
        words = next(group for group in match.groups() if group is not None)
        if not words.strip() or QUOTE_PLACEHOLDER in words:
            return match[0]
        quoted_parts[match.start()] = words
        return QUOTE_PLACEHOLDER + QUOTE_PADDING * (len(match[0]) - 1)

    return NormalizedMessage(
        _LISTED.sub(_blank, _fold(_QUOTED.sub(dig, without_cues))), message, quoted_parts
    )


def _blank(match: re.Match[str]) -> str:
    return "\n" + " " * (len(match[0]) - 1)


def _fold(text: str) -> str:
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return lower.translate(_FOLD)


def _replace_subtitles(message: str, quoted_parts: dict[int, str | tuple[Cue, ...]]) -> str:
    """The message with a placeholder for an SRT; its cues go to `quoted_parts`."""
    pasted = find_subtitles(message)
    if pasted is None:
        return message
    quoted_parts[pasted.start] = pasted.cues
    placeholder = QUOTE_PLACEHOLDER + QUOTE_PADDING * (pasted.end - pasted.start - 1)
    return message[: pasted.start] + placeholder + message[pasted.end :]
