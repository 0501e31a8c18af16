"""Access tokens: stored hashed, told apart from any other text, refused from the moment they are revoked."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from testamur.clock import now
from testamur.tokens.creating import create_token
from testamur.tokens.queries import list_tokens
from testamur.tokens.revoking import revoke_token
from testamur.tokens.secrets import is_secret, new_secret


def headers(secret):
    return {"Authorization": f"Bearer {secret}", "Certifier-Version": "2022-10-26"}


def test_a_token_is_refused_from_the_next_request_on(platform, tenant, other_tenant, client):
    with platform.database.write() as tx:
        token, secret = create_token(tx, tenant.workspace.id, name="Shop", at=now())
    assert client.get("/v1/groups", headers=headers(secret)).status_code == 200
    with pytest.raises(Exception, match="no such access token"), platform.database.write() as tx:
        revoke_token(tx, other_tenant.workspace.id, token.id, at=now())
    assert client.get("/v1/groups", headers=headers(secret)).status_code == 200
    with platform.database.write() as tx:
        revoke_token(tx, tenant.workspace.id, token.id, at=now())
    answer = client.get("/v1/groups", headers=headers(secret))
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
    assert client.get("/v1/groups", headers=tenant.headers).status_code == 200


def test_the_last_use_is_recorded(platform, tenant, client):
    began = now()
    client.get("/v1/groups", headers=tenant.headers)
    with platform.database.read() as tx:
        (token,) = list_tokens(tx, tenant.workspace.id)
    assert began <= token.last_used_at <= began + timedelta(minutes=1)


def test_no_table_holds_a_secret(platform, tenant):
    with platform.database.read() as tx:
        for table in ("access_tokens", "workspaces"):
            rows = [tuple(map(str, row)) for row in tx.execute(text(f"SELECT * FROM {table}"))]
            assert rows
            assert not any(tenant.token in cell for row in rows for cell in row)


def test_a_secret_passes_its_own_check():
    secret = new_secret()
    assert secret.startswith("tst_")
    assert is_secret(secret)
    assert new_secret() != secret


@given(st.text(max_size=50))
def test_no_other_text_passes(other):
    assert not is_secret(other)


@given(st.integers(4, 39), st.characters(codec="ascii"))
def test_a_mistyped_character_is_noticed(position, char):
    secret = new_secret()
    mistyped = secret[:position] + char + secret[position + 1 :]
    assert is_secret(mistyped) == (mistyped == secret)
