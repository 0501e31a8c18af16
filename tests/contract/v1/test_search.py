"""Search: the whole grammar agrees with a plain Python filter over the same rows, page by page.

The long form: SEARCH_TEST_EXAMPLES=5000 make test TEST_ARGS="tests/contract/v1/test_search.py".
"""

import os
from datetime import date, datetime, timedelta

import pytest
from databases import on_one_database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("SEARCH_TEST_EXAMPLES", "150"))
NAMES = ["John Doe", "JOHN SMITH", "Zoë 100%", "a_b", "Straße", "İpek", "o'Brien", "back\\slash", "Ωmega", "[x] {y}"]
EMAILS = ["john@example.com", "JANE@Example.COM", None, "zoë@example.org", "a_b%c@example.com"]
DAYS = ["2020-01-01", "2026-06-30", "2026-11-24", "2031-12-31"]


@pytest.fixture
def search(client, tenant):
    def call(body, status=200):
        answer = client.post("/v1/credentials/search", headers=tenant.headers, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    return call


@pytest.fixture
def rows(client, platform, tenant, other_tenant):
    """Credentials of two templates in all states, and some of another workspace that must never be found."""
    for owner in (other_tenant, tenant):
        made = []
        groups = [
            client.post("/v1/groups", headers=owner.headers, json={"name": n, "designIds": [owner.badge_id]}).json()[
                "id"
            ]
            for n in "AB"
        ]
        for number in range(24):
            day = date.fromisoformat(DAYS[number % 4])
            body = {
                "groupId": groups[number % 2],
                "recipient": {"name": NAMES[number % len(NAMES)], "email": EMAILS[number % len(EMAILS)]},
                "issueDate": str(day),
                "expiryDate": None if number % 3 == 0 else str(day + timedelta(days=number * 30)),
            }
            item = client.post("/v1/credentials", headers=owner.headers, json=body).json()
            if number % 4:
                item = client.post(f"/v1/credentials/{item['id']}/issue", headers=owner.headers).json()
            made.append(item)
    return made


def field_of(row, path):
    for step in path:
        row = row[step]
    return row


def matches(filter_, row):
    """The grammar of the contract, as plainly as it can be said."""
    results = []
    for name, value in filter_.items():
        if name == "AND":
            results.append(all(matches(part, row) for part in value))
        elif name == "OR":
            results.append(any(matches(part, row) for part in value))
        elif name == "NOT":
            parts = value if isinstance(value, list) else [value]
            results.append(not any(matches(part, row) for part in parts))
        elif name == "recipient":
            results += [compares(("recipient", field), op, row) for field, ops in value.items() for op in ops.items()]
        else:
            results += [compares((name,), op, row) for op in value.items()]
    return all(results)


def compares(path, operation, row):
    operator, wanted = operation
    have = field_of(row, path)
    if path[-1] in {"createdAt", "updatedAt"}:
        have = have[:10] if len(wanted) == 10 else datetime.fromisoformat(have)
        wanted = wanted if len(wanted) == 10 else datetime.fromisoformat(wanted)
    if wanted is None:
        return have is None
    if have is None:
        return False
    folds = path[-1] != "name"
    if operator in {"contains", "startsWith", "endsWith"}:
        have, wanted = have.casefold(), wanted.casefold()
        return {"contains": wanted in have, "startsWith": have.startswith(wanted), "endsWith": have.endswith(wanted)}[
            operator
        ]
    if folds and isinstance(have, str):
        have = have.casefold()
        wanted = [item.casefold() for item in wanted] if isinstance(wanted, list) else wanted.casefold()
    return {
        "equals": lambda: have == wanted,
        "in": lambda: have in wanted,
        "lt": lambda: have < wanted,
        "lte": lambda: have <= wanted,
        "gt": lambda: have > wanted,
        "gte": lambda: have >= wanted,
    }[operator]()


PIECES = st.sampled_from(["", "o", "JO", "john", "%", "_", "\\", "ss", "ß", "example.com", "@", "İ", "Ω", "'", "[x]"])
DATES = st.sampled_from([*DAYS, "2026-07-01", "2027-01-01"])


def leaves(rows):
    def texts(values):
        return st.sampled_from([value for value in values if value] + ["nothing"]) | PIECES

    def text_ops(values):
        one = st.sampled_from(["equals", "contains", "startsWith", "endsWith"])
        single = st.tuples(one, texts(values))
        several = st.tuples(st.just("in"), st.lists(texts(values), max_size=4))
        return st.lists(single | several, min_size=1, max_size=2).map(dict)

    def date_ops(strategy):
        return st.dictionaries(st.sampled_from(["equals", "lt", "lte", "gt", "gte"]), strategy, min_size=1, max_size=2)

    statuses = st.sampled_from(["draft", "scheduled", "issued", "expired"])
    today = datetime.fromisoformat(rows[0]["createdAt"]).date()
    moments = st.sampled_from([row["createdAt"] for row in rows] + [str(today), str(today - timedelta(days=1))])
    return st.one_of(
        *[
            text_ops([row[name] for row in rows]).map(lambda ops, name=name: {name: ops})
            for name in ("id", "publicId", "groupId")
        ],
        st.fixed_dictionaries(
            {}, optional={"name": text_ops(NAMES), "email": text_ops([email for email in EMAILS if email])}
        ).map(lambda fields: {"recipient": fields}),
        statuses.map(lambda status: {"status": {"equals": status}}),
        st.lists(statuses, max_size=3).map(lambda several: {"status": {"in": several}}),
        date_ops(DATES).map(lambda ops: {"issueDate": ops}),
        date_ops(DATES).map(lambda ops: {"expiryDate": ops}),
        st.just({"expiryDate": {"equals": None}}),
        date_ops(moments).map(lambda ops: {"createdAt": ops}),
        date_ops(moments).map(lambda ops: {"updatedAt": ops}),
    )


def filters(rows):
    return st.recursive(
        leaves(rows),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda parts: {"AND": parts}),
            st.lists(inner, max_size=3).map(lambda parts: {"OR": parts}),
            st.lists(inner, max_size=3).map(lambda parts: {"NOT": parts}),
            inner.map(lambda part: {"NOT": part}),
            st.tuples(inner, inner).map(lambda both: {**both[0], **both[1]}),
        ),
        max_leaves=6,
    )


SORTS = st.sampled_from(["id", "createdAt", "updatedAt", "issueDate", "expiryDate"])


def test_any_search_agrees_with_a_plain_filter_page_by_page(search, rows):
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(filters(rows), SORTS, st.sampled_from(["asc", "desc"]), st.integers(3, 30))
    def check(filter_, property_, order, limit):
        body = {"filter": filter_, "sort": {"property": property_, "order": order}, "limit": limit}
        found, cursor = [], None
        while True:
            page = search({**body, "cursor": cursor})
            found += page["data"]
            cursor = page["pagination"]["next"]
            if cursor is None:
                break
        expected = [row for row in rows if matches(filter_, row)]
        expected.sort(key=lambda row: (row[property_] or "9999-12-31", row["id"]), reverse=order == "desc")
        assert [row["id"] for row in found] == [row["id"] for row in expected]

    check()


def test_an_empty_search_finds_everything_newest_first(client, tenant, rows):
    for body in (None, {}, {"filter": None}, {"filter": {}}, {"filter": {"AND": []}}):
        options = {} if body is None else {"json": body}
        found = client.post("/v1/credentials/search", headers=tenant.headers, **options).json()
        assert len(found["data"]) == 20, body
        assert found["pagination"]["prev"] is None, body
        assert [row["id"] for row in found["data"]] == [row["id"] for row in rows[::-1][:20]], body


def nested(depth):
    filter_ = {"status": {"equals": "issued"}}
    for _ in range(depth - 1):
        filter_ = {"AND": [filter_]}
    return filter_


@on_one_database
@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"filter": []}, ["filter"]),
        ({"filter": {"colour": {"equals": "x"}}}, ["filter", "colour"]),
        ({"filter": {"id": "x"}}, ["filter", "id"]),
        ({"filter": {"id": {"like": "x"}}}, ["filter", "id", "like"]),
        ({"filter": {"id": {"equals": 5}}}, ["filter", "id", "equals"]),
        ({"filter": {"id": {"in": "x"}}}, ["filter", "id", "in"]),
        ({"filter": {"id": {"in": ["x", None]}}}, ["filter", "id", "in", 1]),
        ({"filter": {"id": {"in": ["x"] * 1001}}}, ["filter", "id", "in"]),
        ({"filter": {"publicId": {"contains": "a\u0000"}}}, ["filter", "publicId", "contains"]),
        ({"filter": {"recipient": {"equals": "x"}}}, ["filter", "recipient", "equals"]),
        ({"filter": {"recipient": {"name": {"gt": "x"}}}}, ["filter", "recipient", "name", "gt"]),
        ({"filter": {"recipient": {"email": {"contains": "x" * 1001}}}}, ["filter", "recipient", "email", "contains"]),
        ({"filter": {"status": {"equals": "revoked"}}}, ["filter", "status", "equals"]),
        ({"filter": {"status": {"contains": "issued"}}}, ["filter", "status", "contains"]),
        ({"filter": {"issueDate": {"equals": "2026-02-30"}}}, ["filter", "issueDate", "equals"]),
        ({"filter": {"issueDate": {"gt": "2026-02-01T00:00:00Z"}}}, ["filter", "issueDate", "gt"]),
        ({"filter": {"issueDate": {"equals": None}}}, ["filter", "issueDate", "equals"]),
        ({"filter": {"createdAt": {"lt": "yesterday"}}}, ["filter", "createdAt", "lt"]),
        ({"filter": {"AND": {"status": {"equals": "issued"}}}}, ["filter", "AND"]),
        ({"filter": {"OR": [{"status": {"equals": "issued"}}, 5]}}, ["filter", "OR", 1]),
        ({"filter": nested(11)}, ["filter", *["AND", 0] * 10]),
        ({"filter": {"AND": [{"id": {"equals": "x"}}] * 201}}, ["filter", "AND", 200, "id"]),
        ({"sort": {"property": "id"}}, ["sort", "order"]),
        ({"sort": {"order": "asc"}}, ["sort", "property"]),
        ({"sort": {"property": "name", "order": "asc"}}, ["sort", "property"]),
        ({"limit": 0}, ["limit"]),
        ({"limit": 101}, ["limit"]),
        ({"limit": "20"}, ["limit"]),
        ({"cursor": "nonsense"}, ["cursor"]),
        ({"cursor": 5}, ["cursor"]),
    ],
)
def test_a_wrong_search_is_told_with_its_place(search, tenant, body, path):
    error = search(body, status=400)["error"]
    assert error["code"] == "validation_error"
    assert error["details"][0]["path"] == path


def test_what_is_just_allowed_passes(search, tenant):
    search({"filter": nested(10)})
    search({"filter": {"OR": [{"id": {"equals": "x"}}] * 200}})
    search({"filter": {"OR": [{"id": {"in": ["x"] * 1000}}] * 20}})


def test_a_cursor_serves_only_its_own_search_and_workspace(search, client, tenant, other_tenant, rows):
    cursor = search({"limit": 5})["pagination"]["next"]
    search({"limit": 7, "cursor": cursor})
    for body in ({"filter": {"status": {"equals": "issued"}}}, {"sort": {"property": "id", "order": "asc"}}):
        assert search({**body, "cursor": cursor}, status=400)["error"]["details"][0]["path"] == ["cursor"]
    answer = client.post("/v1/credentials/search", headers=other_tenant.headers, json={"cursor": cursor})
    assert answer.status_code == 400
    for forged in (cursor[:-4], cursor[::-1], cursor + "A" * 600, "eyJhIjoxfQ"):
        search({"limit": 5, "cursor": forged}, status=400)
