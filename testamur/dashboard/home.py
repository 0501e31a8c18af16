"""Where the dashboard begins: the address of the server itself."""

from starlette.responses import Response

from testamur.accounts.queries import list_memberships
from testamur.dashboard.screens import for_anybody
from testamur.dashboard.visits import Visit


async def begin(visit: Visit) -> Response:
    """On to the one workspace of whoever is signed in, or to the choice of several, or to the sign-in page."""
    signed_in = await visit.signed_in()
    if signed_in is None:
        return visit.go("/sign-in")
    memberships = await visit.read(lambda tx: list_memberships(tx, signed_in.account.id))
    return visit.go(f"/w/{memberships[0].workspace.slug}" if len(memberships) == 1 else "/workspaces")


SCREENS = (for_anybody("GET", "/", begin),)
