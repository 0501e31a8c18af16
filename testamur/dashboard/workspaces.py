"""The workspaces of a person, and making a further one."""

from anyio.to_thread import run_sync
from starlette.responses import Response

from testamur.accounts.founding import found_workspace, may_found
from testamur.dashboard.personal import personal_page
from testamur.dashboard.screens import for_signed_in
from testamur.dashboard.team import ROLE_NAMES
from testamur.dashboard.visits import SignedInVisit, faults_of
from testamur.errors import Conflict, Forbidden, Invalid
from testamur.web.translating import gettext as _
from testamur.workspaces.checking import time_zones
from testamur.workspaces.model import Workspace


async def show(visit: SignedInVisit) -> Response:
    return await _page(visit, {"time_zone": "UTC"}, {})


async def make(visit: SignedInVisit) -> Response:
    form = await visit.form()
    platform, values = visit.platform, form.values()

    def work() -> Workspace:
        with platform.database.write() as tx:
            return found_workspace(
                tx,
                visit.account,
                name=form.text("name"),
                time_zone=form.text("time_zone"),
                allowed=platform.settings.new_workspaces,
                storage=platform.storage,
                master_key=platform.master_key,
                client=visit.client,
                at=visit.at,
            )

    try:
        # Keys are made and starter designs drawn, which would keep others waiting.
        workspace = await run_sync(work)
    except Invalid as fault:
        return await _page(visit, values, faults_of(fault))
    except Conflict:
        return await _page(visit, values, {"name": _("There is a workspace of this name; choose another one")})
    except Forbidden as refusal:
        return visit.go("/workspaces", refusal.message, kind="bad")
    return visit.go(f"/w/{workspace.slug}", _("The workspace is made, with two designs to start from."))


async def _page(visit: SignedInVisit, values: dict[str, str], faults: dict[str, str]) -> Response:
    allowed = visit.platform.settings.new_workspaces
    may_make = await visit.read(lambda tx: may_found(tx, visit.account, allowed))
    context = {
        "may_make": may_make,
        "time_zones": [(zone, zone.replace("_", " ")) for zone in sorted(time_zones())],
        "role_names": ROLE_NAMES,
        "values": values,
        "faults": faults,
    }
    return await personal_page(visit, "accounts/workspaces.html", context, status=422 if faults else 200)


SCREENS = (
    for_signed_in("GET", "/workspaces", show),
    for_signed_in("POST", "/workspaces", make),
)
