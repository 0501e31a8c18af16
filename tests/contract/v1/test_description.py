"""The description is what is served: schemathesis sends what it allows and more, and looks at what comes back.

The long form: DESCRIPTION_TEST_EXAMPLES=100 make test TEST_ARGS="tests/contract/v1/test_description.py".
"""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testamur.app import create_app

EXAMPLES = int(os.environ.get("DESCRIPTION_TEST_EXAMPLES", "4"))
CHECKED = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")


@pytest.fixture
def a_bit_of_everything(api, tenant, group):
    """Ids that exist, for the paths that take one."""
    credential = {"groupId": group["id"], "recipient": {"name": "Ada", "email": "ada@example.com"}}
    return {
        "groups": group["id"],
        "designs": tenant.certificate_id,
        "credentials": api("POST", "/credentials", credential, status=201)["id"],
        "webhooks": api("POST", "/webhooks", {"url": "https://example.com/"}, status=201)["id"],
        "attributes": api("POST", "/attributes", {"name": "Grade"}, status=201)["id"],
        "email-templates": api(
            "POST", "/email-templates", {"kind": "delivery", "name": "x", "subject": "x", "body": "x"}, status=201
        )["id"],
        "imports": api("POST", f"/imports?groupId={group['id']}", status=201, content=b"name\nAda\n")["id"],
    }


def test_every_operation_answers_as_described(platform, tenant, a_bit_of_everything):
    import schemathesis  # Takes seconds, which the other tests need not.
    from schemathesis.checks import CHECKS, load_all_checks

    load_all_checks()
    # It knows how to send bytes, and not that an archive or a font is some.
    for kind in ("application/zip", "font/sfnt"):
        schemathesis.serializer.alias(kind, "application/octet-stream")
    checks = [check for check in CHECKS.get_all() if check.__name__ in CHECKED]
    assert len(checks) == len(CHECKED)
    schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(platform))
    called = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        known = a_bit_of_everything.get(operation.path.split("/")[2])
        _check(operation, known, called, lambda case: case.call_and_validate(headers=tenant.headers, checks=checks))
    assert len(called) == len(list(schema.get_all_operations()))


def _check(operation, known, called, call):
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(), uses_known=st.booleans())
    def check(case, uses_known):
        if uses_known and known and "id" in case.path_parameters:
            case.path_parameters["id"] = known
        called.add(case.operation.label)
        call(case)

    check()
