"""People for the tests of accounts."""

import email
import re
from email.policy import default

import pytest

from testamur.accounts.creating import add_member, create_account
from testamur.accounts.passwords import hash_password
from testamur.accounts.queries import get_membership
from testamur.clock import now
from testamur.worker.work import work_off

PASSWORD = "seven purple otters juggle"


@pytest.fixture(scope="session")
def password_hash():
    return hash_password(PASSWORD)


@pytest.fixture
def person(platform, password_hash):
    """An account, and its role in workspaces: person("ada@example.com", owner=tenant)."""

    def make(address, *, has_password=True, **roles):
        with platform.database.write() as tx:
            name = address.partition("@")[0].title()
            hashed = password_hash if has_password else None
            account = create_account(tx, email=address, name=name, password_hash=hashed, at=now())
            for role, tenant in roles.items():
                add_member(tx, tenant.workspace.id, account.id, role, at=now())
        return account

    return make


@pytest.fixture
def acting(platform):
    """Somebody as a member of a workspace."""

    def of(account, tenant):
        with platform.database.read() as tx:
            return get_membership(tx, tenant.workspace.id, account.id)

    return of


@pytest.fixture
def mails(platform):
    """Sends what waits: for each mail that was not seen before, whom it goes to, its subject and its plain text."""
    seen = set()

    def send():
        work_off(platform)
        files = sorted((platform.settings.data_dir / "mails").glob("*.eml"))
        new = [file for file in files if file not in seen]
        seen.update(new)
        messages = [email.message_from_bytes(file.read_bytes(), policy=default) for file in new]
        return [
            (message["to"].addresses[0].addr_spec, message["subject"], message.get_body(("plain",)).get_content())
            for message in messages
        ]

    return send


@pytest.fixture
def token_in():
    return lambda text: re.search(r"\?token=(\S+)", text)[1]
