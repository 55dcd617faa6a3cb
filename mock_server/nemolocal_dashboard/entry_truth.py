"""What really happened in an exchange, as far as its client could not see it."""

import msgspec

from nemolocal_contract.describe.draft_diff import describe_changes
from nemolocal_contract.journal import Credits, Entry
from nemolocal_contract.rules import Rule, rules
from nemolocal_server.faults.catalogue import CATALOGUE, Fault
from nemolocal_server.services import Services

from .replay import price_again


class CreditChange(msgspec.Struct, frozen=True):
    """The credits of a token before and after a request."""

    before: Credits
    after: Credits

    @property
    def spent(self) -> int:
        """Credits no longer available, including frozen ones; negative if credits were added."""
        return self.before.available - self.after.available


class DraftChange(msgspec.Struct, frozen=True):
    """What a turn did to the draft: the versions before and after it, and the change in words.

    `version` is None if the turn made none.
    """

    version: int | None
    changes: tuple[str, ...] = ()


class EntryTruth(msgspec.Struct, frozen=True):
    """Everything that the panel of an entry shows besides the entry itself.

    `price_again` is what the same message would cost now, in credits.
    """

    credits: CreditChange | None
    draft: DraftChange | None
    rules: tuple[Rule, ...]
    faults: tuple[Fault, ...]
    price_again: int


def find_truth(services: Services, entry: Entry, language: str) -> EntryTruth:
    """Collect the truth from the entry and, if the session still exists, from its drafts."""
    known = rules()
    return EntryTruth(
        credits=_credits(entry),
        draft=_draft_change(services, entry, language),
        rules=tuple(known[name] for name in entry.rules if name in known),
        faults=tuple(CATALOGUE[name] for name in entry.faults if name in CATALOGUE),
        price_again=price_again(services, entry),
    )


def _credits(entry: Entry) -> CreditChange | None:
    if entry.credits_before is None or entry.credits_after is None:
        return None
    return CreditChange(entry.credits_before, entry.credits_after)


def _draft_change(services: Services, entry: Entry, language: str) -> DraftChange | None:
    """Compare the version that the turn made with the one before it."""
    sessions = services.context.sessions
    if entry.turn is None or entry.session_id is None or sessions.get(entry.session_id) is None:
        return None
    version = services.context.store.fetch_value(
        "SELECT max(version) FROM drafts WHERE session_id = :session AND turn = :turn",
        session=entry.session_id,
        turn=entry.turn.number,
    )
    if version is None:
        return DraftChange(None)
    first = services.context.store.fetch_value(
        "SELECT min(version) FROM drafts WHERE session_id = :session AND turn = :turn",
        session=entry.session_id,
        turn=entry.turn.number,
    )
    before = sessions.get_version(entry.session_id, first - 1).draft
    after = sessions.get_version(entry.session_id, version).draft
    return DraftChange(version, tuple(describe_changes(before, after, language)))
