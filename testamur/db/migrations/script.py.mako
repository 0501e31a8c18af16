"""${message}."""

import sqlalchemy as sa
from alembic import op

from testamur.db.schema import JSONText, Timestamp

revision = "${up_revision}"
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
