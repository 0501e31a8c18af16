"""Every screen in a browser, in the middle of an institute's year: what each must be, whoever made it.

`--screens FOLDER` keeps a picture of every screen, to be looked at; `--update-screens` takes anew those of docs/screens.
"""

import io
import re
from pathlib import Path

import pytest
from browsers import NARROW, WIDE, opened_pages, scrolls_sideways
from PIL import Image

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

# Pictures of the documentation: of which place, and whether on a phone in the dark.
PICTURES = {
    "dashboard": ("/w/{workspace}", False),
    "credentials": ("/w/{workspace}/credentials", False),
    "issue": ("/w/{workspace}/issue", False),
    "spreadsheet": ("/w/{workspace}/issue/imports/{id}/columns", False),
    "template": ("/w/{workspace}/templates/{id}/edit", False),
    "gallery": ("/w/{workspace}/designs/gallery", False),
    "credential-page": ("/credentials/{public_id}", False),
    "dashboard-phone": ("/w/{workspace}", True),
    "credentials-phone": ("/w/{workspace}/credentials", True),
    "credential-page-phone": ("/credentials/{public_id}", True),
}
# What is further down is loaded only when somebody looks at it.
LOAD_PICTURES = """Promise.all([...document.images].map((image) => {
  image.loading = "eager";
  return image.decode().catch(() => 0);
}))"""
MISSING_PICTURES = (
    "[...document.images].filter((it) => it.complete && it.currentSrc && !it.naturalWidth).map((it) => it.src)"
)
PICTURES_FOLDER = Path(__file__).parents[2] / "docs" / "screens"
PICTURE_BYTES_MAX = 60_000
# So that two processes share the work.
PARTS = 2
# Of the pictures of all screens, in docs/screens/all.
SMALL_WIDTH_PX = 900


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_screen_is_there_for_everybody(chromium, site, places, violations, request, part):
    """Each page is opened once, and then looked at in each way."""
    faults, kept = [], set()
    folder, is_updating = request.config.getoption("--screens"), request.config.getoption("--update-screens")
    with opened_pages(chromium, site.url) as browse:
        page = browse(has_touch=True)
        # All pages of a screen are in one part, of which the first is the one for the pictures.
        screens = list(dict.fromkeys(place.screen for place in places))
        for number, place in enumerate(places):
            if screens.index(place.screen) % PARTS != part:
                continue
            page.set_viewport_size(WIDE)
            page.emulate_media(color_scheme="light")
            page.context.clear_cookies()
            page.context.add_cookies([{"name": name, "value": value, "url": site.url} for name, value in place.cookies])
            answer = page.goto(place.address, wait_until="load")
            for is_phone in (False, True):
                if is_phone:
                    page.set_viewport_size(NARROW)
                    page.emulate_media(color_scheme="dark")
                page.locator(".htmx-request").first.wait_for(state="detached")
                look = "narrow, dark" if is_phone else "wide, light"
                faults += [f"{place.address} ({look}): {told}" for told in wrong_with(page, answer, site.url, place)]
                faults += [f"{place.address} ({look}): {told}" for told in violations(page)]
                if folder or is_updating:
                    page.evaluate(LOAD_PICTURES)
                if folder:
                    name = re.sub(r"\W+", "-", place.screen).strip("-")
                    path = Path(folder) / f"{number:02}-{name}-{'phone' if is_phone else 'wide'}.png"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    page.screenshot(path=path, full_page=True)
                if is_updating and (place.screen, is_phone) not in kept:
                    for name in [name for name, of in PICTURES.items() if of == (place.screen, is_phone)]:
                        keep_picture(page, name)
                    if not is_phone:
                        keep_picture(page, f"all/{screen_name(place.screen)}", width_px=SMALL_WIDTH_PX)
                kept.add((place.screen, is_phone))
    assert faults == [], "\n".join(faults)


def wrong_with(page, answer, url, place):
    expected = 404 if place.screen == "/nothing" else 410 if "token=over" in place.address else 200
    if answer.status != expected or page.url.partition("#")[0] != url + place.address:
        yield f"answers {answer.status} at {page.url}"
    if page.locator("h1").count() != 1 and place.screen != "/style":
        yield f"has {page.locator('h1').count()} headings of the first rank"
    if scrolls_sideways(page):
        yield "scrolls sideways"
    if missing := page.evaluate(MISSING_PICTURES):
        yield f"shows pictures that are not there: {missing}"


def screen_name(screen):
    return re.sub(r"\W+", "-", screen.replace("/w/{workspace}", "")).strip("-") or "overview"


def keep_picture(page, name, *, width_px=None):
    """The window as it is, small enough for a repository."""
    picture = Image.open(io.BytesIO(page.screenshot()))
    if width_px is not None:
        picture = picture.resize((width_px, picture.height * width_px // picture.width))
    for quality in (86, 74, 60):
        content = io.BytesIO()
        picture.save(content, "WEBP", quality=quality, method=6)
        if content.tell() <= PICTURE_BYTES_MAX:
            break
    path = PICTURES_FOLDER / f"{name}.webp"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.getvalue())
