"""Every page of the dashboard in a workspace with 1,000,000 credentials, on both databases; the bytes of a first visit.

Pages are those of the table of screens, so a new one is measured without a word here. One whose address holds an id is
asked for with an id of what the first word of its path names.
"""

import asyncio
import gzip
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from statistics import median, quantiles
from typing import Any

import msgspec
from sqlalchemy import text

from benchmarks.databases import KINDS, fresh_platform, set_up
from benchmarks.report import Report, Target
from testamur.accounts.creating import add_member, create_account
from testamur.accounts.sessions import begin_session
from testamur.app import create_app
from testamur.clock import now
from testamur.credential_templates.editing import create_credential_template
from testamur.credentials.tables import credentials
from testamur.dashboard.routes import SCREENS
from testamur.web.platform import Platform
from testamur.web.starting import settle

SIZE = 1_000_000
TEMPLATES = 50
ROUNDS = 20
WARM_UP = 3
P95_MS_MAX = 50.0
FIRST_VISIT_BYTES_MAX = 150_000
_SLUG = "benchmark"

# Names are two random words; of a hundred credentials seven are drafts, one is scheduled, two are revoked, twenty have
# an expiry date, half of these in the past. Templates are of different sizes, and the oldest days have most.
_FILL = {
    "SQLite": """
        WITH RECURSIVE series(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM series WHERE n + 1 < :size),
        named AS MATERIALIZED (SELECT n, abs(random()) AS r, hex(randomblob(4)) AS a, hex(randomblob(4)) AS b FROM series),
        groups AS MATERIALIZED (SELECT id, row_number() OVER (ORDER BY id) - 1 AS k FROM credential_templates)
        INSERT INTO credentials (workspace_id, id, public_id, credential_template_id, recipient_id, recipient_name,
          recipient_name_key, recipient_email, recipient_email_key, state, issue_date, expiry_date, custom_attributes,
          is_sent_when_issued, delivery_state, issued_at, scheduled_for, revoked_at, created_at, updated_at)
        SELECT :workspace, '01' || printf('%024d', n), printf('%08x-0000-4000-8000-%012x', n, n), groups.id, :recipient,
          a || ' ' || b, lower(a || ' ' || b), lower(a || '.' || b) || '@example.org', lower(a || '.' || b) || '@example.org',
          CASE WHEN r % 100 < 7 THEN 'draft' WHEN r % 100 = 7 THEN 'scheduled' ELSE 'issued' END,
          date(1700000000 + n * 90, 'unixepoch'),
          CASE WHEN r % 100 BETWEEN 8 AND 17 THEN date(1700000000 + n * 90, 'unixepoch', '+1 month')
               WHEN r % 100 BETWEEN 18 AND 27 THEN '2090-01-01' END,
          '{}', 0, CASE WHEN r % 3 = 0 THEN 'sent' WHEN r % 3 = 1 THEN 'opened' ELSE 'not_sent' END,
          CASE WHEN r % 100 > 7 THEN strftime('%Y-%m-%d %H:%M:%S.000000', 1700000000 + n * 90, 'unixepoch') END,
          CASE WHEN r % 100 = 7 THEN '2090-01-01 00:00:00.000000' END,
          CASE WHEN r % 100 > 97 THEN strftime('%Y-%m-%d %H:%M:%S.000000', 1700000000 + n * 90, 'unixepoch') END,
          strftime('%Y-%m-%d %H:%M:%S.000000', 1700000000 + n * 90, 'unixepoch'),
          strftime('%Y-%m-%d %H:%M:%S.000000', 1700000000 + n * 90, 'unixepoch')
        FROM named JOIN groups ON groups.k = (r / 100) % (1 + n % :templates)
    """,
    "PostgreSQL": """
        INSERT INTO credentials (workspace_id, id, public_id, credential_template_id, recipient_id, recipient_name,
          recipient_name_key, recipient_email, recipient_email_key, state, issue_date, expiry_date, custom_attributes,
          is_sent_when_issued, delivery_state, issued_at, scheduled_for, revoked_at, created_at, updated_at)
        SELECT :workspace, '01' || lpad(CAST(n AS text), 24, '0'),
          lpad(to_hex(n), 8, '0') || '-0000-4000-8000-' || lpad(to_hex(n), 12, '0'),
          (ARRAY(SELECT id FROM credential_templates ORDER BY id))[(r / 100) % (1 + n % CAST(:templates AS integer)) + 1],
          :recipient, a || ' ' || b, a || ' ' || b, a || '.' || b || '@example.org', a || '.' || b || '@example.org',
          CASE WHEN r % 100 < 7 THEN 'draft' WHEN r % 100 = 7 THEN 'scheduled' ELSE 'issued' END,
          CAST(made AS date),
          CASE WHEN r % 100 BETWEEN 8 AND 17 THEN CAST(made + interval '1 month' AS date)
               WHEN r % 100 BETWEEN 18 AND 27 THEN date '2090-01-01' END,
          '{}', false, CASE WHEN r % 3 = 0 THEN 'sent' WHEN r % 3 = 1 THEN 'opened' ELSE 'not_sent' END,
          CASE WHEN r % 100 > 7 THEN made END, CASE WHEN r % 100 = 7 THEN timestamptz '2090-01-01' END,
          CASE WHEN r % 100 > 97 THEN made END, made, made
        FROM (SELECT n, CAST(random() * 1000000 AS integer) AS r, substr(md5(CAST(random() AS text)), 1, 8) AS a,
          substr(md5(CAST(random() AS text)), 1, 8) AS b, to_timestamp(1700000000 + n * 90) AS made
          FROM generate_series(0, CAST(:size AS integer) - 1) AS n) AS named
    """,
}
# Every third was viewed.
_VIEWED = """
    INSERT INTO credential_interactions (workspace_id, id, credential_id, event_type, triggered_by, triggered_at)
    SELECT workspace_id, '02' || substr(id, 3), id, 'credential_viewed', 'guest', created_at
    FROM credentials WHERE delivery_state = 'opened'
"""
# What can be asked of the table of credentials: each filter in each order, and texts that few and many match.
_TABLE = tuple(
    f"/credentials?{filter_}{'&' if filter_ else ''}sort={sort}"
    for filter_ in (
        *("", "template={template}", "status=issued", "status=issued&template={template}", "status=draft"),
        *("status=draft&template={template}", "status=scheduled", "status=revoked", "status=expired"),
        *("from=2024-02-01&to=2024-03-01", "from=2024-02-01&to=2024-03-01&template={template}"),
        *("status=revoked&from=2024-02-01&to=2024-03-01", "status=issued&from=2024-02-01&to=2024-03-01"),
        *("q=a", "q={name}", "q=nobody", "q=a&template={template}", "q=a&status=revoked&template={template}"),
    )
    for sort in ("created", "-created", "issued", "-issued", "name", "-name")
)


class _Filled(msgspec.Struct, frozen=True):
    """Where to ask, and what there is to ask for."""

    cookie: str
    credential_ids: list[str]
    template_ids: list[str]
    design_ids: list[str]
    names: list[str]


class _Answer(msgspec.Struct, frozen=True):
    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float
    # Of this process: on SQLite that is all there is.
    processor_seconds: float


def measure(*, quick: bool) -> Report:
    size = 20_000 if quick else SIZE
    rows: list[tuple[str, ...]] = []
    targets: list[Target] = []
    left_out: list[str] = []
    notes: list[str] = []
    for kind in KINDS:
        with fresh_platform(kind) as platform:
            filled = _fill(platform, kind, size)
            found, skipped = asyncio.run(_measure(platform, filled, rounds=5 if quick else ROUNDS))
            if kind == "SQLite":
                left_out, notes = skipped, asyncio.run(_first_visit(platform, filled))
                sent = sum(int(note.partition(" ")[0]) for note in notes)
                targets.append(Target(name="bytes of a first visit", measured=sent, at_most=FIRST_VISIT_BYTES_MAX))
        rows += [(kind, path, *(f"{figure:.1f}" for figure in figures)) for path, figures in found.items()]
        worst, (_, p95, _, _) = max(found.items(), key=lambda item: item[1][1])
        targets.append(Target(name=f"slowest p95 on {kind} in ms ({worst})", measured=p95, at_most=P95_MS_MAX))
    return Report(
        name="dashboard",
        title=f"Pages of the dashboard with {size:,} credentials in the workspace",
        headings=("database", "page", "p50 ms", "p95 ms", "p50 ms of a processor", "KiB sent"),
        rows=rows,
        targets=targets,
        left_out=left_out,
        notes=notes,
    )


async def _measure(
    platform: Platform, filled: _Filled, *, rounds: int
) -> tuple[dict[str, tuple[float, ...]], list[str]]:
    app = create_app(platform)
    # As a server does before its first request.
    settle()
    found: dict[str, tuple[float, ...]] = {}
    left_out: list[str] = []
    for name, paths in _pages(filled):
        if not paths:
            left_out.append(f"{name}: needs an id of what this benchmark has none of")
            continue
        taken: list[tuple[float, float]] = []
        answer = None
        for number in range(WARM_UP + rounds):
            answer = await _ask(app, paths[number % len(paths)], filled.cookie)
            if "content-disposition" in answer.headers or answer.status != 200:
                break
            taken.append((answer.seconds * 1000, answer.processor_seconds * 1000))
        assert answer is not None
        if len(taken) <= WARM_UP:
            left_out.append(f"{name}: answers {answer.status}{' with a file' if answer.status == 200 else ''}")
            continue
        cuts = quantiles([wall for wall, _ in taken[WARM_UP:]], n=20, method="inclusive")
        processor = median(used for _, used in taken[WARM_UP:])
        found[name] = (cuts[9], cuts[18], processor, len(answer.body) / 1024)
    return found, left_out


def _pages(filled: _Filled) -> Iterator[tuple[str, list[str]]]:
    """The name of each page, and addresses of it."""
    ids = {
        "credentials": filled.credential_ids,
        "templates": filled.template_ids,
        "designs": filled.design_ids,
    }
    for screen in SCREENS:
        if screen.method != "GET" or screen.asker == "anybody":
            continue
        known = ids.get(screen.path.strip("/").partition("/")[0], [])
        path = screen.full_path.replace("{workspace}", _SLUG)
        if "{" not in path:
            yield screen.path or "/", [path]
        else:
            is_known = path.count("{") == 1
            yield screen.path, [re.sub(r"\{[^}]+\}", id_, path) for id_ in known if is_known]
    for path in _TABLE:
        values = list(zip(filled.template_ids, filled.names, strict=False))
        yield path, [f"/w/{_SLUG}" + path.format(template=template, name=name[:6]) for template, name in values]


async def _ask(app: Any, path: str, cookie: str) -> _Answer:
    """One request, straight to the app: what is measured is the server's own time, without a network."""
    where, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": where,
        "raw_path": where.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [
            *((b"host", b"localhost"), (b"accept", b"text/html"), (b"accept-encoding", b"gzip")),
            (b"cookie", cookie.encode()),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
        "state": {},
    }
    started: dict[str, Any] = {}
    body = bytearray()
    gone = asyncio.Event()
    asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        message = next(asked, None)
        if message is None:
            await gone.wait()
            return {"type": "http.disconnect"}
        return message

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            started.update(message)
        else:
            body.extend(message.get("body", b""))
            # Of a file that is made while it is sent, the beginning is enough.
            if len(body) > 2_000_000 or (message.get("more_body") and len(body) > 0):
                gone.set()

    began, began_processor = time.perf_counter(), time.process_time()
    await app(scope, receive, send)
    seconds, processor_seconds = time.perf_counter() - began, time.process_time() - began_processor
    headers = {name.decode().lower(): value.decode() for name, value in started["headers"]}
    return _Answer(started["status"], headers, bytes(body), seconds, processor_seconds)


async def _first_visit(platform: Platform, filled: _Filled) -> list[str]:
    """What a browser that has nothing yet is sent for the table of credentials, compressed."""
    app = create_app(platform)
    page = await _ask(app, f"/w/{_SLUG}/credentials", filled.cookie)
    parts = {"the page": len(page.body)}
    if page.status == 200:
        html = gzip.decompress(page.body) if page.headers.get("content-encoding") == "gzip" else page.body
        for path in dict.fromkeys(re.findall(r'(?:href|src)="(/static/[^"]+)"', html.decode())):
            answer = await _ask(app, path, "")
            parts[path.partition("?")[0].removeprefix("/static/")] = len(answer.body)
    return [f"{number} bytes of a first visit to /credentials: {name}" for name, number in parts.items()]


def _fill(platform: Platform, kind: str, size: int) -> _Filled:
    at = now()
    workspace, template = set_up(platform)
    with platform.database.write() as tx:
        for number in range(TEMPLATES - 1):
            create_credential_template(tx, workspace.id, name=f"Group {number}", design_ids=template.design_ids, at=at)
        account = create_account(tx, email="owner@example.org", name="Owner", password_hash=None, at=at)
        add_member(tx, workspace.id, account.id, "owner", at=at)
        secret = begin_session(tx, account.id, user_agent="benchmark", client="127.0.0.1", at=at)
        recipient = {"workspace": workspace.id, "id": "01" + "0" * 24, "at": (at - timedelta(days=1)).isoformat()}
        tx.execute(
            text(
                "INSERT INTO recipients (workspace_id, id, name, created_at, updated_at)"
                " VALUES (:workspace, :id, 'x', :at, :at)"
            ),
            recipient,
        )
        values = {"size": size, "workspace": workspace.id, "templates": TEMPLATES, "recipient": recipient["id"]}
        # Indexes are made at the end, at once: a row at a time they take a quarter of an hour.
        for index in credentials.indexes:
            index.drop(tx)
        if kind == "SQLite":
            tx.exec_driver_sql("PRAGMA cache_size = -500000")
        tx.execute(text(_FILL[kind]), values)
        tx.execute(text(_VIEWED))
        for index in credentials.indexes:
            index.create(tx)
        if kind == "SQLite":
            tx.exec_driver_sql("PRAGMA cache_size = -2000")
        sample = text(
            "SELECT id, recipient_name FROM credentials WHERE public_id LIKE '%00' ORDER BY public_id LIMIT 40"
        )
        found = tx.execute(sample).all()
        template_ids = list(tx.execute(text("SELECT id FROM credential_templates ORDER BY id")).scalars())
    if kind == "PostgreSQL":
        with platform.database.read() as tx:
            # By itself it does so within a minute; SQLite goes without anything of the kind, as it does for users.
            tx.exec_driver_sql("VACUUM ANALYZE")
    if kind == "SQLite":
        with platform.database.read() as tx:
            # What was written at once lies in the log; a server that runs takes it into the file bit by bit.
            tx.exec_driver_sql("ROLLBACK")
            tx.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            tx.exec_driver_sql("BEGIN")
    return _Filled(
        f"session={secret}",
        [row.id for row in found],
        template_ids,
        list(template.design_ids),
        [row.recipient_name.lower() for row in found],
    )
