"""What keeps an index away from a condition changes nothing of what is found."""

from sqlalchemy import select

from testamur.db.planning import off_index
from testamur.workspaces.tables import workspaces


def test_a_value_off_its_index_is_the_same_value(platform, tenant, other_tenant):
    value = off_index(workspaces.c.id)
    with platform.database.read() as tx:
        assert tx.execute(select(value).where(value == tenant.workspace.id)).scalars().all() == [tenant.workspace.id]
