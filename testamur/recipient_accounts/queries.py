from typing import Any

from sqlalchemy import bindparam, func, select

from testamur.credentials.model import Credential
from testamur.credentials.queries import COLUMNS, to_credential
from testamur.credentials.tables import credentials
from testamur.db import Transaction
from testamur.db.paging import Cursor, Page, Pager, map_page
from testamur.text import account_address, fold_email

_FOLDED = (credentials.c.recipient_email_key == bindparam("folded"), credentials.c.state == "issued")
_OF_ADDRESS = (*_FOLDED, credentials.c.recipient_email.in_(bindparam("spellings", expanding=True)))
_SPELLINGS = (
    select(credentials.c.recipient_email)
    .where(*_FOLDED)
    .group_by(credentials.c.recipient_email)
    .order_by(func.max(credentials.c.id).desc())
)
_PAGER = Pager(select(*COLUMNS).where(*_OF_ADDRESS), credentials.c.issue_date, credentials.c.id)
_COUNT = select(func.count()).select_from(credentials).where(*_OF_ADDRESS)


def find_spellings(tx: Transaction, address: str) -> list[str]:
    """How issued credentials of any workspace spell this address, the newest first; none if there are none."""
    found = tx.execute(_SPELLINGS, {"folded": fold_email(address)}).scalars()
    return [spelling for spelling in found if account_address(spelling) == account_address(address)]


def list_credentials_of_address(tx: Transaction, address: str, cursor: Cursor | None, limit: int) -> Page[Credential]:
    """The issued credentials of an address in every workspace, the newest award first: for its owner only."""
    page = _PAGER.rows(tx, _of_address(tx, address), cursor, limit)
    return map_page(page, lambda rows: [to_credential(row) for row in rows])


def count_credentials_of_address(tx: Transaction, address: str) -> int:
    return int(tx.execute(_COUNT, _of_address(tx, address)).scalar_one())


def _of_address(tx: Transaction, address: str) -> dict[str, Any]:
    return {"folded": fold_email(address), "spellings": find_spellings(tx, address)}
