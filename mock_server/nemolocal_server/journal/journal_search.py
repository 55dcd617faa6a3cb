"""Searches the journal for the dashboard: newest entries first, by their content.

A search does not write entries that are still in memory, so that watching does not slow down the
requests: an entry appears a moment after its exchange has ended.
"""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from nemolocal_contract.journal import Entry
from nemolocal_contract.responses import decode_json, encode_json

from ..data.store import Store
from .turn_results import TurnResults

_PAGE = 100
_RECENT = 500
_MAX_TEXT = 200

_Text = Annotated[str, msgspec.Meta(max_length=_MAX_TEXT)]
# What a search for text looks at: not the names of the fields, which are in every entry.
_SEARCHED = " || char(10) || ".join(
    f"coalesce(json_extract(entry, '$.{name}'), '')"
    for name in (
        "url",
        "request_body",
        "response_body",
        "request_headers",
        "response_headers",
        "session_id",
        "render_id",
        "reply",
    )
)
_CLIENT = " || char(10) || ".join(
    f"coalesce(json_extract(entry, '$.request_headers.\"{name}\"'), '')"
    for name in ("x-skill-source", "x-client-id", "user-agent")
)
_SILENT = """turn IS NOT NULL AND (instr(entry, '"silent":true') > 0 OR EXISTS (
    SELECT 1 FROM turns WHERE turns.session_id = journal.session_id
    AND turns.number = journal.turn AND turns.silent))"""
_STATES = {"ok": "code = 0", "failed": "code IS NOT 0", "silent": _SILENT}


class JournalFilter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The entries to find; "" for any.

    - `endpoint`: the name of an endpoint, or "other" for unknown paths.
    - `status`: "ok", "failed", "silent" (turns without a text), or a number: an HTTP status, or a
      code of the envelope.
    - `fault`: "any", or the name of a fault in force.
    - `client`: a user id, or a part of the skill, client id or User-Agent.
    - `session`: the id of a session.
    - `text`: a part of the URL, of a header, of a body or of an id; ASCII letters in any case.
    """

    endpoint: _Text = ""
    status: _Text = ""
    fault: _Text = ""
    client: _Text = ""
    session: _Text = ""
    text: _Text = ""

    def __post_init__(self) -> None:
        """Raise ValueError for an invalid status."""
        if self.status and self.status not in _STATES and not self.status.isdecimal():
            raise ValueError(
                f"status must be {', '.join(_STATES)} or a number, not {self.status!r}"
            )

    def to_sql(self) -> tuple[str, dict[str, Any]]:
        """Return an SQL condition and its values; cheap conditions come first."""
        conditions: list[str] = ["id > :since AND id <= :until"]
        values: dict[str, Any] = {}
        if self.endpoint:
            conditions.append("coalesce(endpoint, 'other') = :endpoint")
            values["endpoint"] = self.endpoint
        if self.session:
            conditions.append("session_id = :session")
            values["session"] = self.session
        if self.status:
            condition, given = self._status_condition()
            conditions.append(condition)
            values |= given
        if self.fault == "any":
            conditions.append("""instr(entry, '"faults":[]') = 0""")
        elif self.fault:
            conditions.append(
                """instr(entry, :fault) > 0 AND EXISTS (
                   SELECT 1 FROM json_each(entry, '$.faults') WHERE value = :fault)"""
            )
            values["fault"] = self.fault
        if self.client:
            found = f"(entry LIKE :client ESCAPE '\\' AND {_CLIENT} LIKE :client ESCAPE '\\')"
            conditions.append(f"(user_id = :user OR {found})")
            values |= {"user": self.client, "client": _like(self.client)}
        if self.text:
            condition, given = self._text_condition()
            conditions.append(condition)
            values |= given
        return " AND ".join(conditions), values

    def _status_condition(self) -> tuple[str, dict[str, Any]]:
        if self.status in _STATES:
            return _STATES[self.status], {}
        number = int(self.status)
        # Bodies are strings in the entry, where quotes are escaped: this is the field itself.
        return (
            "(code = :code OR instr(entry, :status) > 0)",
            {"code": min(number, 2**62), "status": f'"status":{number},'},
        )

    def _text_condition(self) -> tuple[str, dict[str, Any]]:
        """Find a text as it is or escaped as JSON; the whole entry is searched first."""
        forms = (self.text, encode_json(self.text).decode()[1:-1], json.dumps(self.text)[1:-1])
        parts: list[str] = []
        values: dict[str, Any] = {}
        for number, form in enumerate(dict.fromkeys(forms)):
            stored = encode_json(form).decode()[1:-1]
            values |= {f"stored{number}": _like(stored), f"form{number}": _like(form)}
            parts.append(
                f"(entry LIKE :stored{number} ESCAPE '\\' "
                f"AND {_SEARCHED} LIKE :form{number} ESCAPE '\\')"
            )
        return f"({' OR '.join(parts)})", values


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


class JournalSearch:
    """The stored entries of a journal."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turn_results = TurnResults(store)

    @property
    def newest_id(self) -> int:
        """The id of the newest stored entry; 0 if there is none."""
        return int(self._store.fetch_value("SELECT max(id) FROM journal") or 0)

    @property
    def oldest_id(self) -> int:
        """The id of the oldest stored entry; 0 if there is none."""
        return int(self._store.fetch_value("SELECT min(id) FROM journal") or 0)

    def find(self, entry_id: int) -> Entry | None:
        """Return an entry with the result of its turn; None if it does not exist."""
        rows = self._rows("id = :id", "LIMIT 1", id=entry_id)
        return rows[0] if rows else None

    def count(self, wanted: JournalFilter, until: int, since: int = 0) -> int:
        """Return the number of matching entries after the id `since`, up to the id `until`."""
        condition, values = wanted.to_sql()
        query = f"SELECT count(*) FROM journal WHERE {condition}"
        return int(self._store.fetch_value(query, since=since, until=until, **values))

    def page(
        self, wanted: JournalFilter, until: int, offset: int, limit: int, since: int = 0
    ) -> list[Entry]:
        """Return matching entries of these ids, newest first, without the first `offset` ones."""
        condition, values = wanted.to_sql()
        return self._rows(
            condition,
            "ORDER BY id DESC LIMIT :limit OFFSET :offset",
            since=since,
            until=until,
            limit=limit,
            offset=offset,
            **values,
        )

    def read(self, wanted: JournalFilter, until: int) -> Iterator[Entry]:
        """Read matching entries up to this id, oldest first, a page at a time."""
        condition, values = wanted.to_sql()
        last = 0
        while page := self._rows(
            condition,
            "ORDER BY id LIMIT :limit",
            since=last,
            until=until,
            limit=_PAGE,
            **values,
        ):
            yield from page
            last = page[-1].id

    def recent_clients(self) -> list[str]:
        """Return the skills and user ids of the newest entries, each once."""
        rows = self._store.fetch_column(
            f"""SELECT DISTINCT name FROM (
                SELECT json_extract(entry, '$.request_headers."x-skill-source"') AS name, id
                FROM (SELECT id, entry FROM journal ORDER BY id DESC LIMIT {_RECENT})
                UNION ALL
                SELECT user_id, id FROM (SELECT id, user_id FROM journal ORDER BY id DESC
                LIMIT {_RECENT})) WHERE name IS NOT NULL ORDER BY name LIMIT 50"""
        )
        return [str(name) for name in rows]

    def _rows(self, condition: str, order: str, **values: Any) -> list[Entry]:
        rows = self._store.fetch_all(
            dict[str, Any], f"SELECT id, entry FROM journal WHERE {condition} {order}", **values
        )
        entries = (
            msgspec.structs.replace(decode_json(row["entry"], type=Entry), id=row["id"])
            for row in rows
        )
        return [self._turn_results.complete_entry(entry) for entry in entries]
