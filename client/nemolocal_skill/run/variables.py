"""What goes into the holes of a document: what earlier answers gave, and what the runner has."""

import uuid

from nemolocal_contract.clock import Clock
from nemolocal_contract.endpoints import SKILL_PLATFORM, SKILL_SOURCE, SKILL_VERSION, Attribution

from ..parse.document import Skill
from ..parse.templates import fill_template, template_from_word

SAMPLE_MESSAGE = "trim to the first 2 seconds"
_ALIASES = {
    "token": "token nemotoken authtoken accesstoken yourtoken apitoken bearertoken",
    "base": "api baseurl nemoapiurl apiurl base apibase nemoapi host",
    "session": "sid session sessionid yoursessionid nemosession savedsessionid",
    "client": "uuid clientid nemoclientid cid",
    "task": "taskid task",
    "user": "userid bind",
    "render": "render renderid jobid exportid rid",
    "ts": "ts timestamp now epoch unix time random rand",
    "message": "msg message text prompt usermessage usertext instruction query yourmessage",
    "draft": "json draft draftjson currentdraft draftobject",
    "language": "lang language detected detectedlanguage locale userlang",
    "url": "url fileurl videourl mediaurl",
    "output": "outputurl downloadurl videolink",
    "source": "skillname name",
    "version": "skillversion version ver",
    "platform": "skillplatform platform skillsource source",
    "file": "path file video clip input filepath videofile",
}
_VARIABLE_BY_ALIAS = {
    word: meaning for meaning, words in _ALIASES.items() for word in words.split()
}
# What these headers hold, whatever a document calls it: $SKILL_SOURCE is a platform to some.
_VARIABLE_BY_HEADER = {
    SKILL_SOURCE.lower(): "source",
    SKILL_VERSION.lower(): "version",
    SKILL_PLATFORM.lower(): "platform",
}
_MAX_DEPTH, _MAX_VALUE_LENGTH = 16, 20_000
# Their values are known better than any document knows them.
_NEVER_OVERRIDDEN = ("token", "base", "session", "draft", "output")


class SkillVariables:
    """The values known so far, by meaning; `lookup` is what templates ask.

    `unset` are the names that stand for nothing: a shell would put nothing there, too.
    """

    def __init__(
        self, skill: Skill, attribution: Attribution, base_url: str, fixture: str, clock: Clock
    ) -> None:
        self._skill = skill
        self._clock = clock
        self._assigned: dict[str, str] = {}
        self._depth = 0
        self.render_count = 0
        self.unset: list[str] = []
        self.values: dict[str, object] = {
            "base": base_url,
            "client": str(uuid.uuid5(uuid.NAMESPACE_URL, f"nemolocal:{skill.name}")),
            "message": SAMPLE_MESSAGE,
            "language": "en",
            "url": fixture,
            "file": "clip.mp4",
            "source": attribution.source,
            "version": attribution.version,
            "platform": attribution.platform,
        }

    def variable_for(self, name: str, place: str = "") -> str:
        """What a name stands for, "" where nobody knows; `<id>` depends on its place."""
        plain = "".join(character for character in name.lower() if character.isalnum())
        if plain == "id":
            return "render" if place == "path" else "ts"
        if plain in _VARIABLE_BY_ALIAS:
            return _VARIABLE_BY_ALIAS[plain]
        # A substitution: $(uuidgen), $(date +%s), $(cat ~/.config/nemovideo/client_id)
        marks = {"uuid": "client", "clientid": "client", "date": "ts", "token": "token"}
        inside = (meaning for mark, meaning in marks.items() if mark in plain)
        return next(inside, "") if " " in name or plain.startswith(("uuid", "date")) else ""

    def lookup(self, name: str, place: str = "") -> object:
        """The value of a hole."""
        meaning = _VARIABLE_BY_HEADER.get(place.lower(), self.variable_for(name, place))
        assigned = self._skill.assignments.get(name)
        if meaning not in _NEVER_OVERRIDDEN and assigned is not None:
            return self._assignment(name)
        if meaning == "ts":
            return str(int(self._clock.time()) + self.render_count)
        if meaning not in self.values:
            self.unset.append(name)
        return self.values.get(meaning, "")

    def _assignment(self, name: str) -> str:
        """What `NAME=value` gives, worked out once; a name in its own value is nothing.

        Values that name values neither nest nor grow without bound.
        """
        if name not in self._assigned:
            self._assigned[name] = ""
            template = template_from_word(self._skill.assignments[name])
            self._depth += 1
            if self._depth <= _MAX_DEPTH:
                self._assigned[name] = fill_template(template, self.lookup)[:_MAX_VALUE_LENGTH]
            self._depth -= 1
        return self._assigned[name]
