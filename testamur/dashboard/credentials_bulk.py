"""The same done to many credentials: a question first, then steps of some hundred, each a transaction of its own.

A step answers with the form of the next one, which a script sends at once: so no request takes long, what was done
stays done if the browser is closed, and the page tells how far it is.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import msgspec
from anyio.to_thread import run_sync
from starlette.responses import Response

from testamur.clock import today
from testamur.credentials.acting import ACTS, Act, Outcome, act_on_credentials
from testamur.credentials.browsing import (
    Browse,
    BrowseOrder,
    CredentialRow,
    ShownStatus,
    count_matching,
    cursor_type,
    find_rows,
    next_matching,
)
from testamur.credentials.renderings import delete_files
from testamur.credentials.revoking import REASON_LENGTH_MAX
from testamur.dashboard.credentials import TICKED_MAX, Shown, read_browse, ticked_ids
from testamur.dashboard.screens import in_workspace
from testamur.dashboard.visits import Form, Undo, WorkspaceVisit, faults_of
from testamur.db import Transaction
from testamur.db.paging import Cursor
from testamur.errors import Forbidden, Invalid, NotFound
from testamur.ids import new_id, normalize_id
from testamur.text import checked, clean_text
from testamur.web.translating import gettext as _
from testamur.web.translating import marked, ngettext
from testamur.workspaces.allowance import plan_of

STEP = 100
BULK_MAX = 10_000
# As many fit into what the next page is told.
_UNDONE_MAX = 50
_REASONS_MAX = 5

TITLES: Mapping[Act, str] = {
    "issue": marked("Issue credentials"),
    "issue_send": marked("Issue and send credentials"),
    "send": marked("Send credentials"),
    "revoke": marked("Revoke credentials"),
    "reinstate": marked("Reinstate credentials"),
    "delete": marked("Delete credentials"),
}
AUDITED: Mapping[Act, str] = {
    "issue": "credential.issued",
    "issue_send": "credential.issued",
    "send": "credential.sent",
    "revoke": "credential.revoked",
    "reinstate": "credential.reinstated",
    "delete": "credential.deleted",
}
# Which ones it can be done to: all that match a filter without a status are narrowed to these.
_ONLY: Mapping[Act, ShownStatus] = {"issue": "draft", "issue_send": "draft", "send": "issued", "reinstate": "revoked"}


class _Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run stands; it goes from step to step as a field of the form. Nothing in it can reach beyond the workspace
    or do what the role does not allow.
    """

    occasion: str
    until: datetime
    total: int
    done: int = 0
    refused: dict[str, int] = {}
    # What is left of what was ticked; None if all that match are meant.
    ids: list[str] | None = None
    after: tuple[str, str] | None = None
    tried: int = 0


def _act(visit: WorkspaceVisit, given: str) -> Act:
    """Raises NotFound, Forbidden."""
    act = next((act for act in ACTS if act == given), None)
    if act is None:
        raise NotFound
    # Who may make drafts may delete drafts.
    if act != "delete" and not visit.may("issue_credentials"):
        raise Forbidden(_("Your role in this workspace does not allow this; ask an owner or admin of it"))
    return act


def _narrowed(act: Act, browse: Browse) -> Browse:
    return browse if browse.status or act not in _ONLY else msgspec.structs.replace(browse, status=_ONLY[act])


def _can(act: Act, row: CredentialRow, day: date) -> bool:
    status = row.shown_status(day)
    if act == "send":
        return status == "issued" and row.recipient_email is not None
    if act == "revoke":
        return status in {"issued", "expired"}
    return act == "delete" or status == _ONLY[act]


async def ask(visit: WorkspaceVisit) -> Response:
    """The question before anything is done."""
    try:
        act = _act(visit, visit.query("action"))
    except Forbidden as refusal:
        return visit.page("forbidden.html", {"message": refusal.message}, status=403)
    ids = ticked_ids(visit)
    if ids is None and not visit.query("all"):
        return visit.go(visit.url("/credentials"), _("Tick the credentials first."), kind="bad")
    return await _question(visit, act, ids, read_browse(visit.query))


async def _question(
    visit: WorkspaceVisit,
    act: Act,
    ids: list[str] | None,
    browse: Browse,
    refused: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {}),
) -> Response:
    """`refused`: what is wrong with what was typed, and what that was."""
    faults, typed = refused
    day = today(visit.workspace.time_zone, visit.at)

    def read() -> tuple[list[CredentialRow], int, bool]:
        with visit.platform.database.read() as tx:
            if ids is not None:
                rows = find_rows(tx, visit.workspace_id, ids)
                return rows, len(rows), True
            narrowed = _narrowed(act, browse)
            count, is_all = count_matching(tx, visit.workspace_id, narrowed, today=day, until=visit.at, most=BULK_MAX)
            first = next_matching(tx, visit.workspace_id, narrowed, today=day, until=visit.at, cursor=None, limit=STEP)
            return first.rows, count, is_all

    rows, count, is_all = await run_sync(read)
    progress = _Progress(
        occasion=new_id(), until=visit.at, total=count, ids=None if ids is None else [row.id for row in rows]
    )
    shown = Shown(browse=browse, order=BrowseOrder())
    context = {
        "act": act,
        "title": _(TITLES[act]),
        "shown": shown,
        "rows": rows[:5],
        "count": count,
        "is_all": is_all,
        "possible": sum(_can(act, row, day) for row in rows) if ids is not None else None,
        "most": BULK_MAX,
        "progress": _encoded(progress),
        "faults": faults,
        "typed": typed,
        "reason_max": REASON_LENGTH_MAX,
    }
    return visit.page("credentials/bulk.html", context, status=422 if faults else 200)


async def go_on(visit: WorkspaceVisit) -> Response:
    """A step. Sent twice it does nothing twice: what was done is refused, and nobody is mailed again."""
    form = await visit.form()
    browse = read_browse(form.text)
    try:
        act = _act(visit, form.text("action"))
    except Forbidden as refusal:
        return visit.page("forbidden.html", {"message": refusal.message}, status=403)
    if act == "issue" and form.has("send"):
        act = "issue_send"
    progress = _decoded(form)
    try:
        reason = checked("reason", clean_text, form.text("reason"), length_max=REASON_LENGTH_MAX)
    except Invalid as failure:
        return await _question(visit, act, progress.ids, browse, (faults_of(failure), form.values()))
    day = today(visit.workspace.time_zone, visit.at)
    ids, after_step = await run_sync(lambda: _next(visit, _narrowed(act, browse), progress, day))
    outcome = await _done(visit, act, ids, reason, progress.occasion)
    refused = _added(progress.refused, outcome.refused)
    after_step = msgspec.structs.replace(after_step, done=progress.done + len(outcome.done), refused=refused)
    is_over = outcome.stopped is not None or (
        not after_step.ids if after_step.ids is not None else not after_step.after
    )
    shown = Shown(browse=browse, order=BrowseOrder())
    if not is_over and after_step.tried < BULK_MAX:
        context = {
            "act": act,
            "title": _(TITLES[act]),
            "shown": shown,
            "reason": reason,
            "state": after_step,
            "progress": _encoded(after_step),
        }
        return visit.page("credentials/bulk_running.html", context)
    text = _told(act, after_step, outcome.stopped)
    if not is_over:
        text += " " + _("At most %(most)s are done at once; there may be more.") % {"most": BULK_MAX}
    undo = None
    if act == "revoke" and outcome.done and after_step.done == len(outcome.done) <= _UNDONE_MAX:
        fields = {"action": "reinstate", "ids": " ".join(outcome.done)}
        undo = Undo(visit.url("/credentials/bulk"), fields)
    kind = "good" if after_step.done and outcome.stopped is None else "bad"
    return visit.go(visit.url("/credentials", **shown.filters), text, kind=kind, undo=undo)


def _next(visit: WorkspaceVisit, browse: Browse, progress: _Progress, day: date) -> tuple[list[str], _Progress]:
    """The ids of this step, and where the next one begins."""
    if progress.ids is not None:
        ids, left = progress.ids[:STEP], progress.ids[STEP:]
        return ids, msgspec.structs.replace(progress, ids=left, tried=progress.tried + len(ids))
    cursor = None
    if progress.after is not None:
        value, row_id = progress.after
        cursor = Cursor("next", msgspec.convert(value, cursor_type(browse)), row_id)
    with visit.platform.database.read() as tx:
        batch = next_matching(
            tx, visit.workspace_id, browse, today=day, until=progress.until, cursor=cursor, limit=STEP
        )
    after = None if batch.next is None else (batch.next.value.isoformat(), batch.next.id)
    return [row.id for row in batch.rows], msgspec.structs.replace(
        progress, after=after, tried=progress.tried + len(batch.rows)
    )


async def _done(visit: WorkspaceVisit, act: Act, ids: Sequence[str], reason: str, occasion: str) -> Outcome:
    """What was ticked, done. Of what a role may not delete, nothing is deleted."""
    allowed = list(ids)
    if not visit.may("issue_credentials"):
        rows = await visit.read(lambda tx: find_rows(tx, visit.workspace_id, allowed))
        allowed = [row.id for row in rows if row.state == "draft"]
    if not allowed:
        return Outcome([], {_("Your role may delete drafts only"): len(ids)} if ids else {})
    if act == "delete":
        await run_sync(_delete_files, visit, allowed)
    details: dict[str, Any] = {"bulk": True}

    def work(tx: Transaction) -> Outcome:
        outcome = act_on_credentials(
            tx,
            visit.workspace,
            act,
            allowed,
            reason=reason or None,
            occasion=occasion,
            signers=visit.platform.signers,
            plan=plan_of(visit.workspace, visit.platform.settings.plans),
            at=visit.at,
        )
        details["credentials"] = outcome.done
        return outcome

    outcome = await visit.write(work, action=AUDITED[act], details=details, is_long=True)
    if len(allowed) < len(ids):
        refused = _added(outcome.refused, {_("Your role may delete drafts only"): len(ids) - len(allowed)})
        return msgspec.structs.replace(outcome, refused=refused)
    return outcome


def _delete_files(visit: WorkspaceVisit, ids: Sequence[str]) -> None:
    for credential_id in ids:
        delete_files(visit.platform.storage, visit.workspace_id, credential_id)


def _added(before: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Reasons with how often each was given; those beyond a few are counted with the last."""
    total = dict(before)
    for text, count in more.items():
        known = text if text in total or len(total) < _REASONS_MAX else next(reversed(total))
        total[known] = total.get(known, 0) + count
    return total


def _told(act: Act, state: _Progress, stopped: str | None) -> str:
    done = {
        "issue": ngettext("%(num)d credential was issued.", "%(num)d credentials were issued.", state.done),
        "issue_send": ngettext(
            "%(num)d credential was issued and is being sent.",
            "%(num)d credentials were issued and are being sent.",
            state.done,
        ),
        "send": ngettext("%(num)d credential is being sent.", "%(num)d credentials are being sent.", state.done),
        "revoke": ngettext("%(num)d credential was revoked.", "%(num)d credentials were revoked.", state.done),
        "reinstate": ngettext(
            "%(num)d credential is in force again.", "%(num)d credentials are in force again.", state.done
        ),
        "delete": ngettext("%(num)d credential was deleted.", "%(num)d credentials were deleted.", state.done),
    }[act] % {"num": state.done}
    left = [f"{text} ({count})" for text, count in state.refused.items()]
    told = [done, *([_("Left as they are: %(reasons)s.") % {"reasons": "; ".join(left)}] if left else [])]
    return " ".join([*told, *([] if stopped is None else [stopped])])


def _encoded(progress: _Progress) -> str:
    return msgspec.json.encode(progress).decode()


def _decoded(form: Form) -> _Progress:
    """Raises Invalid if it is none of ours."""
    if form.has("ids"):
        ids = [id_ for id_ in map(normalize_id, form.text("ids").split()[:TICKED_MAX]) if id_ is not None]
        return _Progress(occasion=new_id(), until=datetime.now(UTC), total=len(ids), ids=ids)
    try:
        progress = msgspec.json.decode(form.text("progress"), type=_Progress)
        known = [normalize_id(id_) for id_ in progress.ids or []]
        after = progress.after
        if after is not None:
            datetime.fromisoformat(after[0])
        if (
            normalize_id(progress.occasion) is None
            or None in known
            or len(known) > TICKED_MAX
            or (after is not None and normalize_id(after[1]) is None)
            or progress.until.tzinfo is None
        ):
            raise ValueError
    except (ValueError, msgspec.MsgspecError):
        raise Invalid(_("The form cannot be read; open its page again and send it from there")) from None
    return progress


SCREENS = (
    in_workspace("GET", "/credentials/bulk", ask, "draft_credentials"),
    in_workspace("POST", "/credentials/bulk", go_on, "draft_credentials"),
)
