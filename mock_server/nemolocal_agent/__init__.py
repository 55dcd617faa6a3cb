"""The rule-based editing agent. Pure functions, no I/O.

A chat message becomes edits (`nlu`), edits change a draft (`edits`), and the result is described
(`replies`) and written as tool calls (`tool_calls`). The package imports only the contract.
"""

from .analyses import (
    Analysis,
    AnalysisRequest,
    Moments,
    MomentsRequest,
    SilenceRequest,
    Silences,
    Subtitles,
    SubtitlesRequest,
    requested_analyses,
)
from .edits import (
    DEFAULT_MOOD,
    MAX_MUSIC_MS,
    PENDING,
    Media,
    MediaPool,
    apply_edits,
    choose_music_upload,
    place_uploads_if_empty,
)
from .edits.apply import DraftVersion, build_versions
from .edits.audio_effect_edits import sound_length_ms
from .edits.extra_upload_edits import with_subtitles
from .edits.stand_in_edits import stand_in_for
from .errors import EditRejected
from .intents import AddMusic, AddSound, Edit, Generate
from .nlu import parse_message, understand_message
from .replies import (
    write_declined_reply,
    write_edit_reply,
    write_failure_reply,
    write_no_edit_reply,
    write_question_reply,
    write_remarks,
)
from .timeline import has_length, length_of
from .tool_calls import (
    PlannedToolCall,
    group_edits,
    is_editing,
    is_generation,
    plan_tool_calls,
    split_stages,
)
from .understanding import NoEdit, Understanding

__all__ = [
    "DEFAULT_MOOD",
    "MAX_MUSIC_MS",
    "PENDING",
    "AddMusic",
    "AddSound",
    "Analysis",
    "AnalysisRequest",
    "DraftVersion",
    "Edit",
    "EditRejected",
    "Generate",
    "Media",
    "MediaPool",
    "Moments",
    "MomentsRequest",
    "NoEdit",
    "PlannedToolCall",
    "SilenceRequest",
    "Silences",
    "Subtitles",
    "SubtitlesRequest",
    "Understanding",
    "apply_edits",
    "build_versions",
    "choose_music_upload",
    "group_edits",
    "has_length",
    "is_editing",
    "is_generation",
    "length_of",
    "parse_message",
    "place_uploads_if_empty",
    "plan_tool_calls",
    "requested_analyses",
    "sound_length_ms",
    "split_stages",
    "stand_in_for",
    "understand_message",
    "with_subtitles",
    "write_declined_reply",
    "write_edit_reply",
    "write_failure_reply",
    "write_no_edit_reply",
    "write_question_reply",
    "write_remarks",
]
