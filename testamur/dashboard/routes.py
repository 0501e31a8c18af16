"""All screens of the dashboard."""

from starlette.routing import Route

from testamur.dashboard import developers, home, imports, issue, signing_in, style
from testamur.dashboard.screens import Screen, route
from testamur.web.platform import Platform

SCREENS: tuple[Screen, ...] = (
    *developers.SCREENS,
    *home.SCREENS,
    *imports.SCREENS,
    *issue.SCREENS,
    *signing_in.SCREENS,
    *style.SCREENS,
)


def routes(platform: Platform) -> list[Route]:
    return [route(platform, screen) for screen in SCREENS]
