"""The audit log: who did what, filtered, and as a table to take away."""

from collections.abc import Generator, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec
from starlette.responses import Response

from testamur.audit.model import AuditEntry
from testamur.audit.queries import EXPORTED_AT_ONCE, AuditFilter, export_rows, list_actors, list_entries
from testamur.dashboard.screens import in_workspace
from testamur.dashboard.visits import WorkspaceVisit
from testamur.db.paging import Cursor, Page
from testamur.text import csv_line
from testamur.web.files import FileStream, attachment
from testamur.web.translating import gettext as _
from testamur.web.translating import marked
from testamur.wire.v1.paging import read_cursor, to_page

ROWS = 50
_LINES_AT_ONCE = 200
ACTOR_KINDS = {
    "account": marked("Person"),
    "token": marked("Access token"),
    "operator": marked("Operator of the server"),
}
# What can be asked for: the beginnings of actions, and what they are about.
SUBJECTS = {
    "": marked("Everything"),
    "credential.": marked("Credentials"),
    "recipient.": marked("Recipients"),
    "change_request.": marked("Change requests"),
    "credential_template.": marked("Credential templates"),
    "design.": marked("Designs"),
    "attribute.": marked("Attributes"),
    "email_template.": marked("Emails"),
    "import.": marked("Imports"),
    "access_token.": marked("Access tokens"),
    "webhook.": marked("Webhooks"),
    "signing_key.": marked("Signing keys"),
    "member.": marked("Members of the team"),
    "invitation.": marked("Invitations"),
    "workspace.": marked("Workspace"),
}
# What is not here is shown as it is written.
ACTIONS = {
    "access_token.created": marked("Access token made"),
    "access_token.revoked": marked("Access token revoked"),
    "attribute.created": marked("Attribute defined"),
    "attribute.deleted": marked("Attribute deleted"),
    "attribute.updated": marked("Attribute changed"),
    "change_request.applied": marked("Correction applied"),
    "change_request.declined": marked("Change request declined"),
    "change_request.resolved": marked("Change request closed"),
    "credential.corrected": marked("Credential corrected"),
    "credential.created": marked("Draft made"),
    "credential.deleted": marked("Credential deleted"),
    "credential.issued": marked("Credential issued"),
    "credential.reinstated": marked("Revocation taken back"),
    "credential.revoked": marked("Credential revoked"),
    "credential.sent": marked("Credential sent"),
    "credential.updated": marked("Draft changed"),
    "credential_template.created": marked("Credential template made"),
    "credential_template.deleted": marked("Credential template deleted"),
    "credential_template.updated": marked("Credential template changed"),
    "design.created": marked("Design made"),
    "design.deleted": marked("Design deleted"),
    "design.imported": marked("Design imported"),
    "design.renamed": marked("Design renamed"),
    "design.updated": marked("Design changed"),
    "design.version_restored": marked("Version of a design restored"),
    "email_template.created": marked("Text of an email made"),
    "email_template.deleted": marked("Text of an email deleted"),
    "email_template.updated": marked("Text of an email changed"),
    "font.added": marked("Font added"),
    "font.deleted": marked("Font deleted"),
    "import.cancelled": marked("Import cancelled"),
    "import.checked": marked("Import checked"),
    "import.created": marked("Import uploaded"),
    "import.hurried": marked("Import started before its time"),
    "import.mended": marked("Rows of an import mended"),
    "import.paused": marked("Import paused"),
    "import.resumed": marked("Import resumed"),
    "import.started": marked("Import started"),
    "invitation.accepted": marked("Invitation accepted"),
    "invitation.made": marked("Invitation sent"),
    "invitation.sent_again": marked("Invitation sent again"),
    "invitation.withdrawn": marked("Invitation withdrawn"),
    "member.added": marked("Member added"),
    "member.left": marked("Member left"),
    "member.removed": marked("Member removed"),
    "member.role_changed": marked("Role of a member changed"),
    "pdf_certificate.removed": marked("Certificate for PDFs removed"),
    "pdf_certificate.set": marked("Certificate for PDFs set"),
    "picture.added": marked("Picture added"),
    "recipient.erased": marked("Recipient erased"),
    "signing_key.compromised": marked("Signing key marked as compromised"),
    "signing_key.retired": marked("Signing key retired"),
    "signing_key.rotated": marked("Signing key rotated"),
    "webhook.created": marked("Webhook added"),
    "webhook.deleted": marked("Webhook deleted"),
    "webhook.redelivered": marked("Event delivered again"),
    "webhook.secret_rotated": marked("Secret of a webhook replaced"),
    "webhook.switched_off": marked("Webhook switched off"),
    "webhook.switched_on": marked("Webhook switched on"),
    "webhook.tested": marked("Webhook tested"),
    "webhook.updated": marked("Webhook changed"),
    "workspace.created": marked("Workspace made"),
    "workspace.exported": marked("All data exported"),
    "workspace.plan_changed": marked("Plan changed"),
    "workspace.updated": marked("Settings changed"),
}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the filters say, as it was typed; what cannot be used is as if it were not there."""

    actor: str = ""
    action: str = ""
    first: str = ""
    last: str = ""

    def filter(self, zone: ZoneInfo) -> AuditFilter:
        kind, _separator, actor_id = self.actor.partition(":")
        is_known = kind in ACTOR_KINDS
        first, last = _day(self.first), _day(self.last)
        return AuditFilter(
            actor_kind=kind if is_known else None,
            actor_id=actor_id if is_known else None,
            action=self.action,
            since=_midnight(first, zone) if first else None,
            before=_midnight(last + timedelta(days=1), zone) if last else None,
        )


async def show(visit: WorkspaceVisit) -> Response:
    wanted = _wanted(visit)
    list_name = f"audit:{visit.workspace_id}:{'|'.join(msgspec.structs.astuple(wanted))}"[:150]
    cursor = read_cursor(visit.query("cursor") or None, list_name)
    filter_ = wanted.filter(ZoneInfo(visit.workspace.time_zone))
    page, actors = await visit.read(
        lambda tx: (
            list_entries(tx, visit.workspace_id, filter_, cursor, ROWS),
            list_actors(tx, visit.workspace_id),
        )
    )
    shown = to_page(page, list_name, lambda entry: entry)
    context = {
        "rows": shown.data,
        "pages": shown.pagination,
        "wanted": wanted,
        "query": msgspec.structs.asdict(wanted),
        "is_filtered": wanted != Wanted(),
        "actors": [("", _("Everybody")), *((f"{item.kind}:{item.id}", item.name) for item in actors)],
        "subjects": [(beginning, _(name)) for beginning, name in SUBJECTS.items()],
        "kinds": {kind: _(name) for kind, name in ACTOR_KINDS.items()},
        "actions": {action: _(name) for action, name in ACTIONS.items()},
    }
    return visit.page("audit_log.html", context)


async def export(visit: WorkspaceVisit) -> Response:
    """The same entries as CSV, written while it is sent: a page of them at a time is held."""
    filter_ = _wanted(visit).filter(ZoneInfo(visit.workspace.time_zone))
    database, workspace_id = visit.platform.database, visit.workspace_id

    def read(cursor: Cursor | None) -> Page[AuditEntry]:
        with database.read() as tx:
            return list_entries(tx, workspace_id, filter_, cursor, EXPORTED_AT_ONCE)

    name = f"audit-log-{visit.workspace.slug}-{visit.at.astimezone(UTC).date()}.csv"
    headers = {
        "Content-Disposition": attachment(name),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return FileStream(_lines(export_rows(read)), 200, headers, "text/csv; charset=utf-8")


def _lines(rows: Iterator[tuple[str, ...]]) -> Generator[bytes, None, None]:
    lines: list[str] = []
    for row in rows:
        lines.append(csv_line(row))
        if len(lines) >= _LINES_AT_ONCE:
            yield "".join(lines).encode()
            lines.clear()
    yield "".join(lines).encode()


def _wanted(visit: WorkspaceVisit) -> Wanted:
    action = visit.query("action")
    return Wanted(
        actor=visit.query("actor")[:100],
        action=action if action in SUBJECTS else "",
        first=visit.query("first") if _day(visit.query("first")) else "",
        last=visit.query("last") if _day(visit.query("last")) else "",
    )


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text) if len(text) == len("2026-11-26") else None
    except ValueError:
        return None
    # Within what both databases and all time zones can hold.
    return found if found is not None and 1970 <= found.year <= 9000 else None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


SCREENS = (
    in_workspace("GET", "/audit-log", show, "read_audit_log"),
    in_workspace("GET", "/audit-log.csv", export, "read_audit_log"),
)
