"""Pages of somebody who is signed in that are of no workspace."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from testamur.accounts.queries import list_memberships
from testamur.dashboard.visits import SignedInVisit


async def personal_page(
    visit: SignedInVisit, name: str, context: Mapping[str, Any] | None = None, *, status: int = 200
) -> Response:
    """A page with the person's workspaces beside it; the template extends `personal.html`."""
    memberships = await visit.read(lambda tx: list_memberships(tx, visit.account.id))
    return visit.page(name, {"memberships": memberships, **(context or {})}, status=status)
