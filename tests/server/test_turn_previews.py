"""Turns are previewed in one pass, and commits use the preview where it still holds."""

from collections.abc import Iterable, Iterator, Mapping

import pytest

from nemolocal_agent.edits import MediaPool, apply_edits, place_uploads_if_empty
from nemolocal_agent.edits.apply import build_versions
from nemolocal_agent.intents import (
    AddTitle,
    Compress,
    Edit,
    KeepSpan,
    PlaceUploads,
    Redo,
    SetAspect,
    StartOver,
    Undo,
    first_span,
)
from nemolocal_agent.tool_calls import group_edits
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.draft import Draft
from nemolocal_render.planning.planner import MediaSource, RenderPlan, plan_render
from nemolocal_server import ids
from nemolocal_server.context import ServerContext, open_context
from nemolocal_server.data.sessions import Asset, SessionRecord
from nemolocal_server.data.tokens import NewToken
from nemolocal_server.settings import Settings
from nemolocal_server.turns import draft_service
from nemolocal_server.turns.draft_service import DraftService
from tests.support.clips import CLIP, open_session

TRIM, TITLE = KeepSpan(first_span(1000)), AddTitle("Hi", first_span(1000))
MESSAGES: tuple[tuple[Edit, ...], ...] = (
    (TRIM,),
    (TRIM, TITLE, SetAspect(9, 16), TITLE),
    (TRIM, Undo()),
    (TRIM, Undo(), TITLE, Compress()),
    (TRIM, Undo(2), Redo(), TITLE),
    (StartOver(), TRIM, Undo(), Redo()),
    (StartOver(), PlaceUploads(), SetAspect(1, 1), Undo(), TITLE),
)


@pytest.fixture
def context() -> Iterator[ServerContext]:
    opened = open_context(Settings(), ManualClock())
    yield opened
    opened.store.close()


@pytest.fixture
def session(context: ServerContext) -> SessionRecord:
    _, token, _ = context.tokens.create(NewToken())
    return open_session(context, token)


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> list[Edit]:
    """The edits that are applied from now on."""
    seen: list[Edit] = []

    def counting(edits: Iterable[Edit], draft: Draft, pool: MediaPool) -> Draft:
        seen.extend(edits)
        return apply_edits(edits, draft, pool)

    monkeypatch.setattr(draft_service, "apply_edits", counting)
    return seen


def upload(context: ServerContext, session: SessionRecord) -> None:
    path = context.store.work / ids.new_file_id()
    path.write_bytes(b"another clip")
    context.assets.add([(Asset(ids.new_file_id(), session.id, "upload", "b.mp4", "", CLIP), path)])


def prefix_drafts(
    context: ServerContext, session: SessionRecord, edits: tuple[Edit, ...]
) -> list[Draft]:
    """The draft after each group of edits, each made anew from all edits up to there."""
    newest = context.sessions.newest_and_stamp(session.id)[0]
    (asset,) = context.assets.list_for_session(session.id)
    pool = draft_service._media_pool([asset])
    drafts = [newest.draft]
    done: tuple[Edit, ...] = ()
    for group in group_edits(edits):
        done = (*done, *group)
        versions = build_versions(
            done,
            newest,
            7,
            find=lambda number: context.sessions.get_version(session.id, number),
            apply=lambda some, draft: apply_edits(some, draft, pool),
            place_uploads=lambda some, draft: place_uploads_if_empty(some, draft, pool),
        )
        drafts.append(versions[-1].draft)
    return drafts


@pytest.mark.slow
@pytest.mark.parametrize("edits", MESSAGES)
def test_a_preview_has_the_drafts_of_every_prefix(
    context: ServerContext, session: SessionRecord, edits: tuple[Edit, ...]
) -> None:
    DraftService(context).commit(session, (PlaceUploads(),), 1, {}, None)
    DraftService(context).commit(session, (Compress(),), 2, {}, None)
    drafts = prefix_drafts(context, session, edits)
    (preview,) = DraftService(context).preview(session, [edits], 7)
    assert [call.before for call in preview.calls] == drafts[:-1]
    assert [call.after for call in preview.calls] == drafts[1:]
    assert preview.newest.draft == drafts[-1]


@pytest.mark.slow
def test_each_edit_is_applied_once(
    context: ServerContext, session: SessionRecord, applied: list[Edit]
) -> None:
    """From the plan to the commit: as long as nothing has changed in between."""
    edits = MESSAGES[1]
    service = DraftService(context)
    (preview,) = service.preview(session, [edits], 1)
    service.commit(session, edits, 1, {}, preview)
    assert applied == list(edits)
    assert context.sessions.newest_and_stamp(session.id)[0] == preview.newest


@pytest.mark.slow
def test_an_upload_since_the_preview_is_part_of_the_edit(
    context: ServerContext, session: SessionRecord
) -> None:
    service, edits = DraftService(context), (PlaceUploads(),)
    (preview,) = service.preview(session, [edits], 1)
    upload(context, session)
    service.commit(session, edits, 1, {}, preview)
    (track,) = context.sessions.newest_draft(session.id).tracks or ()
    assert len(track.segments or ()) == 2


@pytest.mark.slow
def test_another_edit_since_the_preview_is_kept(
    context: ServerContext, session: SessionRecord
) -> None:
    service = DraftService(context)
    (preview,) = service.preview(session, [(TRIM,)], 1)
    service.commit(session, (TITLE,), 2, {}, None)
    service.commit(session, (TRIM,), 1, {}, preview)
    assert len(context.sessions.newest_draft(session.id).tracks or ()) == 2


@pytest.mark.slow
def test_a_draft_is_judged_once(
    context: ServerContext, session: SessionRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it can be exported: when it is previewed, and again only if it is another one."""
    judged: list[Draft] = []

    def judge(draft: Draft, sources: Mapping[str, MediaSource]) -> RenderPlan:
        judged.append(draft)
        return plan_render(draft, sources)

    monkeypatch.setattr(draft_service, "plan_render", judge)
    service = DraftService(context)
    (preview,) = service.preview(session, [(TRIM,)], 1)
    service.commit(session, (TRIM,), 1, {}, preview)
    assert judged == [preview.newest.draft]
    service.commit(session, (TRIM,), 2, {}, preview)
    assert len(judged) == 2
