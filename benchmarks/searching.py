"""Listing and searching at 10,000 and at 1,000,000 credentials, through the whole API, on both databases."""

import time
from statistics import median
from typing import Any

from sqlalchemy import event, text
from starlette.testclient import TestClient

from benchmarks.databases import KINDS, fresh_platform, set_up
from benchmarks.report import Report, Target
from testamur.app import create_app
from testamur.clock import now
from testamur.credential_templates.editing import create_credential_template
from testamur.db import Database
from testamur.tokens.creating import create_token
from testamur.web.platform import Platform

SIZES = (10_000, 1_000_000)
TEMPLATES = 20
REQUESTS = 60
WARM_UP = 10

# Names are random, so that a prefix finds as many at any size; a tenth are drafts, and each group has its share.
_FILL = {
    "SQLite": """
        WITH RECURSIVE series(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM series WHERE n + 1 < :size),
        named AS MATERIALIZED (SELECT n, lower(hex(randomblob(8))) AS name FROM series),
        groups AS MATERIALIZED (SELECT id, row_number() OVER (ORDER BY id) - 1 AS k FROM credential_templates)
        INSERT INTO credentials (workspace_id, id, public_id, credential_template_id, recipient_id, recipient_name,
          recipient_name_key, state, issue_date, custom_attributes, is_sent_when_issued, delivery_state, created_at,
          updated_at)
        SELECT :workspace, '01' || printf('%024d', n), printf('%08x-0000-4000-8000-%012x', n, n),
          groups.id, :recipient, name, name,
          CASE WHEN (n / 7) % 10 = 0 THEN 'draft' ELSE 'issued' END, '2026-01-01', '{}', 0, 'not_sent',
          strftime('%Y-%m-%d %H:%M:%S.000000', 1700000000 + n, 'unixepoch'),
          strftime('%Y-%m-%d %H:%M:%S.000000', 1700000000 + n, 'unixepoch')
        FROM named JOIN groups ON groups.k = n % :templates
    """,
    "PostgreSQL": """
        INSERT INTO credentials (workspace_id, id, public_id, credential_template_id, recipient_id, recipient_name,
          recipient_name_key, state, issue_date, custom_attributes, is_sent_when_issued, delivery_state, created_at,
          updated_at)
        SELECT :workspace, '01' || lpad(CAST(n AS text), 24, '0'),
          lpad(to_hex(n), 8, '0') || '-0000-4000-8000-' || lpad(to_hex(n), 12, '0'),
          (ARRAY(SELECT id FROM credential_templates ORDER BY id))[n % CAST(:templates AS integer) + 1], :recipient, name, name,
          CASE WHEN (n / 7) % 10 = 0 THEN 'draft' ELSE 'issued' END, '2026-01-01', '{}', false, 'not_sent',
          to_timestamp(1700000000 + n), to_timestamp(1700000000 + n)
        FROM (SELECT n, substr(md5(CAST(random() AS text)), 1, 16) AS name FROM generate_series(0, CAST(:size AS integer) - 1) AS n) AS named
    """,
}


def measure(*, quick: bool) -> Report:
    sizes = (1_000, 20_000) if quick else SIZES
    rows, targets, plans = [], [], []
    for kind in KINDS:
        found: dict[str, list[float]] = {}
        for size in sizes:
            with fresh_platform(kind) as platform:
                times, size_plans = _measure(platform, kind, size)
            for name, seconds in times.items():
                found.setdefault(name, []).append(seconds)
        plans += [f"{kind}, {name}: {plan}" for name, plan in size_plans.items()]
        for name, (small, large) in found.items():
            rows.append((kind, name, f"{small * 1000:.1f}", f"{large * 1000:.1f}", f"{large / small:.2f}"))
            targets.append(Target(name=f"{name} on {kind}, large over small", measured=large / small, at_most=1.5))
    return Report(
        name="search",
        title="Listing and searching credentials",
        headings=("database", "request", f"p50 ms at {sizes[0]:,}", f"p50 ms at {sizes[1]:,}", "ratio"),
        rows=rows,
        targets=targets,
        notes=plans,
    )


def _measure(platform: Platform, kind: str, size: int) -> tuple[dict[str, float], dict[str, str]]:
    token, template_ids, names = _fill(platform, kind, size)
    headers = {"Authorization": f"Bearer {token}", "Certifier-Version": "2022-10-26"}
    times: dict[str, float] = {}
    plans: dict[str, str] = {}
    with TestClient(create_app(platform), headers=headers) as client:

        def search(number: int) -> Any:
            name, template_id = names[number % len(names)]
            filter_ = {
                "AND": [
                    {"recipient": {"name": {"startsWith": name[:6]}}},
                    {"groupId": {"equals": template_id}},
                    {"status": {"equals": "issued"}},
                ]
            }
            answer = client.post("/v1/credentials/search", json={"filter": filter_}).json()
            assert answer["data"], answer
            return answer

        def list_page(_number: int) -> Any:
            answer = client.get("/v1/credentials?limit=100").json()
            assert len(answer["data"]) == 100
            return answer

        def by_group(number: int) -> Any:
            filter_ = {"groupId": {"equals": template_ids[number % TEMPLATES]}, "status": {"equals": "issued"}}
            answer = client.post("/v1/credentials/search", json={"filter": filter_}).json()
            assert len(answer["data"]) == 20
            return answer

        for name, request in {
            "list of 100": list_page,
            "search by prefix, group and status": search,
            "newest of a group that are issued": by_group,
        }.items():
            taken = []
            for number in range(WARM_UP + REQUESTS):
                began = time.perf_counter()
                request(number)
                taken.append(time.perf_counter() - began)
            times[name] = median(taken[WARM_UP:])
            plans[name] = _plan(platform.database, lambda request=request: request(1))
    return times, plans


def _fill(platform: Platform, kind: str, size: int) -> tuple[str, list[str], list[tuple[str, str]]]:
    """A token, the groups, and names with their groups to search for."""
    at = now()
    workspace, template = set_up(platform)
    with platform.database.write() as tx:
        for number in range(TEMPLATES - 1):
            create_credential_template(tx, workspace.id, name=f"Group {number}", design_ids=template.design_ids, at=at)
        _, token = create_token(tx, workspace.id, name="benchmark", at=at)
        recipient = {"workspace": workspace.id, "id": "01" + "0" * 24, "at": at.isoformat()}
        tx.execute(
            text(
                "INSERT INTO recipients (workspace_id, id, name, created_at, updated_at)"
                " VALUES (:workspace, :id, 'x', :at, :at)"
            ),
            recipient,
        )
        values = {"size": size, "workspace": workspace.id, "templates": TEMPLATES, "recipient": recipient["id"]}
        tx.execute(text(_FILL[kind]), values)
        sample = text(
            "SELECT recipient_name, credential_template_id FROM credentials WHERE state = 'issued' ORDER BY public_id"
            " LIMIT 50"
        )
        names = [(row.recipient_name, row.credential_template_id) for row in tx.execute(sample)]
        ids = list(tx.execute(text("SELECT id FROM credential_templates")).scalars())
    with platform.database.write() as tx:
        tx.exec_driver_sql("ANALYZE")
    return token, ids, names


def _plan(database: Database, request: Any) -> str:
    """What the database says of the last statement that read credentials."""
    seen: list[tuple[str, Any]] = []

    def watch(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if "FROM credentials" in statement:
            seen.append((statement, parameters))

    event.listen(database._engine, "before_cursor_execute", watch)
    request()
    event.remove(database._engine, "before_cursor_execute", watch)
    statement, parameters = seen[-1]
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
    with database.read() as tx:
        lines = [str(row[-1]) for row in tx.exec_driver_sql(explain + statement, parameters)]
    scans = [line.strip(" ->") for line in lines if "Scan" in line or "SEARCH" in line or "SCAN" in line]
    return "; ".join(scan.partition("  (cost")[0] for scan in scans)
