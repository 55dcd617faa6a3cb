"""The reasons why an edit is rejected, in English and Chinese."""

from typing import Any

from nemolocal_contract.describe.labels import parse_language
from nemolocal_contract.plurals import format_counts


class EditRejected(Exception):
    """The draft or the media do not allow an edit, or the message leaves an important choice open.

    `code` is a key of the tables below, `values` fill the placeholders of the text: numbers, texts
    and lists of names. `str()` of the exception is English.
    """

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(_format_message(_ENGLISH[code], values, ", "))
        self.code = code
        self.values = values

    def message_in(self, language: str) -> str:
        """The reason in Chinese if the language is a `zh` one, else in English."""
        if parse_language(language) == "zh":
            return _format_message(_CHINESE[self.code], self.values, "、")
        return str(self)


def _format_message(text: str, values: dict[str, Any], comma: str) -> str:
    joined = {
        name: comma.join(value) if isinstance(value, list) else value
        for name, value in values.items()
    }
    return format_counts(text, joined)


_ENGLISH = {
    "no_video": "there is no video to work on yet: upload one first",
    "all_placed": "everything that was uploaded is on the timeline already",
    "sound_is_no_clip": "{name} is audio: ask for it as background music",
    "no_such_upload": "no upload has that name; I found {count:file}: {names}",
    "which_upload": "which one do you mean: {names}?",
    "no_pictures": "a slideshow needs pictures: upload some first",
    "no_such_clip": "there is no such clip; I found {count:clip}: {names}",
    "which_clip": "which one do you mean: {names}?",
    "one_clip": "that needs two clips or more, and there is only one: {names}",
    "no_such_place": "there is no place {place}; I found {count:clip}: {names}",
    "same_order": "the clips are in that order already",
    "merged": "the clips follow one another without a gap already",
    "past_end": "the video ends before {at}s",
    "empty_span": "that part has no length: its end is not after its start",
    "nothing_left": 'that would remove everything; say which part should stay, or "start over"',
    "where_to_split": "say where to split: at a time, or into how many equal parts",
    "split_already": "there is a cut already",
    "no_picture_there": "there is no frame at {at}s to freeze",
    "past_end_of_clip": "the clip ends before {at}s",
    "flat_ramp": "a ramp needs two speeds, such as from 1x to 3x",
    "no_replacement": "say which upload takes its place, or upload one more",
    "no_timer": "there is no timer",
    "no_progress_bar": "there is no progress bar",
    "once": "it is played once already: say how often or how long it should play",
    "too_many_clips": "that would make more than {most:clip}",
    "too_long": "that would be longer than {hours} hours",
    "too_short": "a clip would become too short to be seen",
    "speed_limits": "a clip would play at {speed}x, and only {slowest}x to {fastest}x are possible",
    "no_music": "there is no background music yet: ask for some first",
    "no_such_sound": "no such sound was uploaded; I found {count:sound}: {names}",
    "no_sounds": "no sound was uploaded: upload one, or ask for calm or upbeat music",
    "how_loud": "say how loud it should be: 50%, louder, quieter or muted",
    "no_louder": "it is off, or as loud as it can be: say how loud it should be, such as 50%",
    "past_end_of_sound": "the sound ends before {at}s",
    "at_the_edge": "the title is at the edge already",
    "no_title": "there is no title yet: ask for one first",
    "no_such_title": "there is no such title; I found {count:title}: {names}",
    "no_subtitles": "there are no subtitles yet: send some as SRT first",
    "no_lut": "no LUT was uploaded: upload a .cube file (the server accepts it with "
    "--extra-uploads cube), or ask for a look, such as cinematic, teal and orange, vintage film "
    "or moody",
    "no_subtitle_file": "no subtitles were uploaded: paste the SRT into the message, or upload a "
    ".srt or .vtt file (the server accepts it with --extra-uploads srt,vtt)",
    "unreadable_subtitles": "{name} could not be read: upload it again",
    "many_words": "there are {count:caption}, but too little sound for all of them",
    "what_to_change": "say what to change: the words, the time, the colour, the place or the size",
    "empty_text": "there are no words to show",
    "long_text": "a text has at most {most} characters",
    "cues_backwards": "each subtitle must end after it begins",
    "cues_past_end": "all subtitles come after the end of the video, which is {at}s long",
    "no_effect": "there is no such effect on it",
    "no_transition": "there are no transitions",
    "nothing_follows": "there is no cut to another clip: a transition needs two clips in a row",
    "no_overlay": "there is no picture in picture and no watermark;"
    " to hide one that was filmed, say where it is, such as bottom right",
    "nothing_to_overlay": "say which clip to show small, or upload one more",
    "nothing_below": "that is the only clip: a picture in picture needs another one below it",
    "no_watermark": "a watermark needs a picture: upload one, such as logo.png, first",
    "bad_shape": "the aspect ratio can be from 4:1 to 1:4, not {width}:{height}",
    "bad_frame_rate": "the frame rate can be 1 to {most} frames per second, not {fps}",
    "bad_size": "the limit of the file size can be at most {most} MB",
    "cannot_export": "the result could not be exported ({reason})",
    "no_sound": "there is no sound in it: upload a clip with sound, or ask for background music",
    "how_small": "say how small the file should be, such as 10 MB",
    "bad_amount": "the amount can be from {low} to {high}",
    "many_audio_effects": "a clip can have at most {most} audio effects: remove one first",
    "needs_stereo": "the sound of {name} is mono: the voice cannot be told from the rest",
    "no_echo_added": "no echo was added to it, and the echo of a room cannot be removed",
    "which_sound": "say which sound; there are {names}",
    "no_cuts": "there is no cut between two clips yet: split the video first",
    "no_sounds_added": "there is no such sound effect on the timeline",
    "no_sound_in": "{name} has no sound",
    "no_silence": "no part of {seconds}s or more is quieter than {level} dB: name another "
    'length or level, such as "remove silences longer than 0.3 seconds below -30 dB"',
    "all_silent": "all of it is quieter than {level} dB: name a lower level, such as -50 dB",
    "many_silences": "there are {count:silence}, and a video has at most {most:clip}: cut only "
    'the longer ones, such as "remove silences longer than 2 seconds"',
    "no_speech": "it has no audible sound",
    "short_already": "it is only {at}s long already",
    "not_analyzed": "its sound and picture could not be analyzed, or that takes too long: cut "
    "out a part first, or upload the file again",
    "nothing_to_undo": "there is nothing to undo",
    "nothing_to_redo": "there is nothing to redo",
    "few_to_undo": "only {count:step} can be undone",
    "few_to_redo": "only {count:step} can be redone",
    "cannot_patch": "the JSON Patch does not fit the draft ({reason})",
    "empty_already": "the timeline is empty already",
}

_CHINESE = {
    "no_video": "还没有可以剪辑的视频，请先上传",
    "all_placed": "上传的素材都已经在时间线上了",
    "sound_is_no_clip": "{name}是音频，可以把它用作背景音乐",
    "no_such_upload": "没有上传过这个名字的文件，现有{count}个：{names}",
    "which_upload": "请说明是哪一个：{names}",
    "no_pictures": "制作幻灯片需要图片，请先上传",
    "no_such_clip": "找不到这个片段，现有{count}个：{names}",
    "which_clip": "请说明是哪一个片段：{names}",
    "one_clip": "这需要至少两个片段，现在只有一个：{names}",
    "no_such_place": "没有第{place}个位置，现有{count}个片段：{names}",
    "same_order": "片段已经是这个顺序了",
    "merged": "片段之间已经没有间隔了",
    "past_end": "视频在{at}秒之前就结束了",
    "empty_span": "这一段没有长度：结束时间不在开始时间之后",
    "nothing_left": "这样会删除全部内容，请说明要保留哪一段，或者说“重新开始”",
    "where_to_split": "请说明在哪里分割：某个时间点，或者平均分成几段",
    "split_already": "那里已经是分割点了",
    "no_picture_there": "{at}秒处没有可以定格的画面",
    "past_end_of_clip": "这个片段在{at}秒之前就结束了",
    "flat_ramp": "变速需要两个不同的速度，例如从1倍到3倍",
    "no_replacement": "请说明用哪个素材替换，或者再上传一个",
    "no_timer": "现在没有计时器",
    "no_progress_bar": "现在没有进度条",
    "once": "现在就是播放一遍，请说明要播放几遍或多长时间",
    "too_many_clips": "这样片段会超过{most}个",
    "too_long": "这样会超过{hours}小时",
    "too_short": "这样有的片段会短得看不见",
    "speed_limits": "这样片段的速度会是{speed}倍，只能在{slowest}到{fastest}倍之间",
    "no_music": "还没有背景音乐，请先添加",
    "no_such_sound": "没有上传过这个音频，现有{count}个：{names}",
    "no_sounds": "还没有上传音频，请先上传，或者添加轻柔或欢快的音乐",
    "how_loud": "请说明音量：50%、大一点、小一点或静音",
    "no_louder": "声音已经关闭或已经是最大，请说明要多大的音量，例如50%",
    "past_end_of_sound": "这个音频在{at}秒之前就结束了",
    "at_the_edge": "标题已经在边缘了",
    "no_title": "还没有标题，请先添加",
    "no_such_title": "找不到这个标题，现有{count}个：{names}",
    "no_subtitles": "还没有字幕，请先发送SRT字幕",
    "no_lut": "还没有上传LUT：请上传.cube文件（服务器需要--extra-uploads cube），也可以改用内置"
    "风格，例如电影感、青橙色调、复古胶片或阴郁色调",
    "no_subtitle_file": "还没有上传字幕：请把SRT粘贴到消息里，或者上传.srt或.vtt文件"
    "（服务器需要--extra-uploads srt,vtt）",
    "unreadable_subtitles": "无法读取{name}，请重新上传",
    "many_words": "字幕有{count}条，而有声音的部分太短，放不下",
    "what_to_change": "请说明要改什么：文字、时间、颜色、位置或大小",
    "empty_text": "没有要显示的文字",
    "long_text": "一段文字最多{most}个字符",
    "cues_backwards": "字幕的时间是倒着的，每条的结束时间必须在开始时间之后",
    "cues_past_end": "视频只有{at}秒，所有字幕都在结尾之后",
    "no_effect": "上面没有这个效果",
    "no_transition": "现在没有转场",
    "nothing_follows": "后面没有相接的片段，转场需要两个相连的片段",
    "no_overlay": "现在没有画中画，也没有水印；要去掉拍进画面的水印，请说明位置，例如右下角",
    "nothing_to_overlay": "请说明要缩小显示哪个片段，或者再上传一个",
    "nothing_below": "只有这一个片段，画中画下面还需要另一个片段",
    "no_watermark": "添加水印需要图片，请先上传，例如logo.png",
    "bad_shape": "画面比例只能在4:1到1:4之间，不能是{width}:{height}",
    "bad_frame_rate": "帧率只能在1到{most}之间，不能是{fps}",
    "bad_size": "文件大小的上限最多为{most} MB",
    "cannot_export": "这样的结果无法导出（{reason}）",
    "no_sound": "里面没有声音，请上传有声音的片段，或者添加背景音乐",
    "how_small": "请说明文件要多小，例如10 MB",
    "bad_amount": "数值只能在{low}到{high}之间",
    "many_audio_effects": "一个片段最多有{most}个音频效果，请先移除一个",
    "needs_stereo": "{name}的声音是单声道，无法区分人声和其他声音",
    "no_echo_added": "没有添加过回声，而录音里房间的回声无法去除",
    "which_sound": "请说明是哪种音效，现有：{names}",
    "no_cuts": "片段之间还没有剪辑点，请先分割视频",
    "no_sounds_added": "时间线上没有这种音效",
    "no_sound_in": "{name}没有声音",
    "no_silence": "没有低于{level} dB且不短于{seconds}秒的部分，请换一个时长或音量，例如“去掉超"
    "过0.3秒的静音部分”",
    "all_silent": "全部内容都低于{level} dB，请说明更低的音量，例如-50 dB",
    "many_silences": "静音部分有{count}处，而视频最多{most}个片段，请只剪较长的，例如“去掉超过2"
    "秒的静音部分”",
    "no_speech": "里面听不到声音",
    "short_already": "视频本来就只有{at}秒",
    "not_analyzed": "无法分析它的声音和画面，请重新发送，或者重新上传文件",
    "nothing_to_undo": "没有可以撤销的操作",
    "nothing_to_redo": "没有可以重做的操作",
    "few_to_undo": "只能撤销{count}步",
    "few_to_redo": "只能重做{count}步",
    "cannot_patch": "JSON Patch 与草稿不符（{reason}）",
    "empty_already": "时间线已经是空的",
}
