"""The page that shows every component in both themes: for whoever makes or changes a screen."""

from starlette.responses import Response

from testamur.dashboard.screens import for_anybody
from testamur.dashboard.visits import Visit


async def show(visit: Visit) -> Response:
    return visit.page("style.html")


SCREENS = (for_anybody("GET", "/style", show),)
