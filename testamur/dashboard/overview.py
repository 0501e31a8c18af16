"""The overview: what happened, what needs attention, and for newcomers the way to the first credential."""

from collections.abc import Sequence
from datetime import UTC, timedelta

import msgspec
from starlette.responses import Response

from testamur.clock import today
from testamur.credential_templates.queries import find_credential_templates, list_credential_templates
from testamur.credentials.model import Credential
from testamur.credentials.queries import has_issued
from testamur.dashboard.charts import Chart, bar_chart, spark_points
from testamur.dashboard.screens import in_workspace
from testamur.dashboard.visits import WorkspaceVisit
from testamur.db import Transaction
from testamur.statistics.attention import get_attention, list_bounced, list_expiring
from testamur.statistics.model import COUNTED_MAX, MEASURES, Attention, Measure, Period, Totals
from testamur.statistics.queries import get_period, get_totals
from testamur.web.translating import gettext as _
from testamur.web.translating import marked, shown_date

# Days of each period; what is longer than a quarter is shown by weeks.
PERIODS = {"7": marked("7 days"), "30": marked("30 days"), "90": marked("90 days"), "365": marked("Year")}
_DEFAULT_PERIOD = "30"
_WEEKS_FROM_DAYS = 100
_DAYS_OF_WEEK = 7
MEASURE_NAMES: dict[Measure, str] = {
    "issued": marked("Issued"),
    "delivered": marked("Delivered"),
    "viewed": marked("Viewed"),
    "shared": marked("Shared"),
    "verified": marked("Verified"),
    "revoked": marked("Revoked"),
}


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """The number of a measure in the period, and how it went."""

    measure: Measure
    name: str
    total: int
    points: str


class Matter(msgspec.Struct, frozen=True, kw_only=True):
    """Something that needs attention: `count` is written out, `path` leads to it."""

    icon: str
    count: str
    text: str
    path: str


class FirstSteps(msgspec.Struct, frozen=True):
    """How far a newcomer has come."""

    has_template: bool


class Seen(msgspec.Struct, frozen=True):
    """What is read for the page."""

    period: Period
    totals: Totals
    attention: Attention
    # None once a credential was issued.
    first_steps: FirstSteps | None


async def show_overview(visit: WorkspaceVisit) -> Response:
    chosen = visit.query("period", _DEFAULT_PERIOD)
    period = chosen if chosen in PERIODS else _DEFAULT_PERIOD
    wanted = visit.query("measure", "issued")
    measure = next((known for known in MEASURES if known == wanted), MEASURES[0])
    last = visit.at.astimezone(UTC).date()
    first = last - timedelta(days=int(period) - 1)

    def read(tx: Transaction) -> Seen:
        workspace = visit.workspace
        has_any = has_issued(tx, workspace.id)
        steps = None if has_any else FirstSteps(bool(list_credential_templates(tx, workspace.id, None, 1).items))
        return Seen(
            get_period(tx, workspace.id, first=first, last=last),
            get_totals(tx, workspace.id),
            get_attention(tx, workspace.id, today=today(workspace.time_zone, visit.at), at=visit.at),
            steps,
        )

    seen = await visit.read(read)
    labels, values = _by_weeks_if_long(seen.period, measure)
    chart = bar_chart(labels, values)
    context = {
        "seen": seen,
        "periods": {days: _(name) for days, name in PERIODS.items()},
        "period": period,
        "measure": measure,
        "measure_name": _(MEASURE_NAMES[measure]),
        "tiles": [_tile(seen.period, item) for item in MEASURES],
        "chart": chart,
        "matters": _matters(visit, seen.attention),
        "marks": _marks(chart),
    }
    return visit.page("overview.html", context)


def _tile(period: Period, measure: Measure) -> Tile:
    _labels, values = _by_weeks_if_long(period, measure)
    return Tile(
        measure=measure, name=_(MEASURE_NAMES[measure]), total=period.total(measure), points=spark_points(values)
    )


def _by_weeks_if_long(period: Period, measure: Measure) -> tuple[list[str], list[int]]:
    days, counts = period.days, period.counts[measure]
    if len(days) < _WEEKS_FROM_DAYS:
        return [shown_date(day) for day in days], list(counts)
    # Weeks that end today, so the last one is whole; what is left over begins the year.
    ends = range(len(days), 0, -_DAYS_OF_WEEK)
    parts = [slice(max(end - _DAYS_OF_WEEK, 0), end) for end in ends][::-1]
    labels = [f"{shown_date(days[part][0])} - {shown_date(days[part][-1])}" for part in parts]
    return labels, [sum(counts[part]) for part in parts]


def _marks(chart: Chart) -> Sequence[str]:
    """What stands below the first, the middle and the last bar."""
    labels = [bar.label.partition(" - ")[0] for bar in chart.bars]
    return [labels[0], labels[len(labels) // 2], labels[-1]]


def _matters(visit: WorkspaceVisit, attention: Attention) -> list[Matter]:
    found = [
        Matter(
            icon="inbox",
            count=_counted(attention.open_requests),
            text=_("Corrections that recipients ask for"),
            path=visit.url("/requests"),
        ),
        Matter(
            icon="mail",
            count=_counted(attention.bounced_credentials),
            text=_("Credentials whose mail could not be delivered"),
            path=visit.url("/attention/undelivered"),
        ),
        Matter(
            icon="clock",
            count=_counted(attention.expiring_credentials),
            text=_("Credentials that expire in the next 30 days"),
            path=visit.url("/attention/expiring"),
        ),
    ]
    if visit.may("issue_credentials"):
        matter = Matter(
            icon="file-spreadsheet",
            count=_counted(attention.stopped_imports),
            text=_("Imports that stopped or had faulty rows in the last 30 days"),
            path=visit.url("/issue/imports"),
        )
        found.append(matter)
    if visit.may("manage_integrations"):
        matter = Matter(
            icon="webhook",
            count=_counted(attention.failing_webhooks),
            text=_("Webhooks whose newest event did not arrive"),
            path=visit.url("/developers/webhooks"),
        )
        found.append(matter)
    return [matter for matter in found if matter.count != "0"]


def _counted(number: int) -> str:
    return f"{COUNTED_MAX - 1}+" if number >= COUNTED_MAX else str(number)


async def show_undelivered(visit: WorkspaceVisit) -> Response:
    """The credentials behind a number of the overview, as many as it counts."""
    rows = await visit.read(lambda tx: _named(tx, visit, list_bounced(tx, visit.workspace_id)))
    return visit.page("attention.html", {"rows": rows, "what": "undelivered", "counted_max": COUNTED_MAX})


async def show_expiring(visit: WorkspaceVisit) -> Response:
    day = today(visit.workspace.time_zone, visit.at)
    rows = await visit.read(lambda tx: _named(tx, visit, list_expiring(tx, visit.workspace_id, today=day)))
    return visit.page("attention.html", {"rows": rows, "what": "expiring", "counted_max": COUNTED_MAX})


def _named(tx: Transaction, visit: WorkspaceVisit, found: Sequence[Credential]) -> list[tuple[Credential, str]]:
    """Credentials, each with the name of its template."""
    ids = {credential.credential_template_id for credential in found}
    templates = find_credential_templates(tx, visit.workspace_id, ids)
    return [(credential, templates[credential.credential_template_id].name) for credential in found]


SCREENS = (
    in_workspace("GET", "", show_overview, "view"),
    in_workspace("GET", "/attention/undelivered", show_undelivered, "view"),
    in_workspace("GET", "/attention/expiring", show_expiring, "view"),
)
