"""The public pages in the visitor's language, and what stays as it is."""

import json
import re
from html import unescape
from html.parser import HTMLParser
from itertools import chain

import pytest
from badge_server import BadgeServer
from browsers import scrolls_sideways
from sqlalchemy import text

from testamur.change_requests.asking import make_link as make_confirming_link
from testamur.clock import now
from testamur.recipient_accounts.signing_in import make_link, sign_in
from testamur.web.translating import use_locale
from tools.messages import texts_of_pages

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
PAGE = {"Accept": "text/html", "Origin": "http://testserver"}
ARABIC = {**PAGE, "Accept-Language": "ar-EG,ar;q=0.9,en;q=0.8"}


class Texts(HTMLParser):
    """What a page says: its texts, and the attributes that are read or shown to people."""

    def __init__(self, page):
        super().__init__()
        self.said = []
        self._is_code = False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self._is_code = tag in {"script", "style"}
        self.said += [
            text for name, text in attrs if name in {"alt", "aria-label", "placeholder"} or name[:5] == "data-"
        ]

    def handle_endtag(self, _tag):
        self._is_code = False

    def handle_data(self, data):
        if not self._is_code:
            self.said.append(data)


@pytest.fixture(scope="module")
def english():
    """Each text of the pages whose Arabic is another one, without elements and without what is filled in."""
    use_locale("ar")
    ids = chain.from_iterable(
        [message.id] if isinstance(message.id, str) else message.id for message in texts_of_pages()
    )
    parts = {part.strip() for id_ in ids for part in re.split(r"<[^>]+>|%\(\w+\)s", id_)}
    use_locale(None)
    # Single words may be what somebody called a thing.
    return {part for part in parts if part.count(" ") >= 1 and len(part) > 6}


@pytest.fixture
def arabic(client, english):
    """A page as an Arabic browser gets it; states that it is in Arabic through and through."""

    def run(method, path, status=200, **options):
        answer = client.request(method, path, headers={**ARABIC, **options.pop("headers", {})}, **options)
        assert answer.status_code == status, answer.text
        assert '<html lang="ar" dir="rtl"' in answer.text
        said = " \n ".join(" ".join(unescape(text or "").split()) for text in Texts(answer.text).said)
        assert [part for part in english if part in said] == []
        return answer

    return run


@pytest.fixture
def elsewhere():
    made = BadgeServer()
    yield made
    made.close()


def test_the_page_of_a_credential_follows_the_browser_and_the_cookie(api, issue, client, arabic):
    issued = issue(designs=("certificate_id", "badge_id"), expiryDate="2030-01-31")
    path = f"/credentials/{issued['publicId']}"
    shown = arabic("GET", path)
    assert shown.headers["vary"] == "Accept, Accept-Encoding, Accept-Language, Cookie"
    for expected in ("صادر", "20 نوفمبر 2026", "مُنح إلى", "<bdi>Zoë 🙂</bdi>", "<bdi>Financial Markets</bdi>"):
        assert expected in shown.text
    # What others read of the page does not depend on who looked at it first.
    assert 'property="og:description" content="Meridian Institute awarded Financial Markets to Zoë 🙂."' in shown.text
    api("POST", f"/credentials/{issued['id']}/revoke", {"reason": "Plagiarism"})
    shown = arabic("GET", path)
    assert "مُبطَل" in shown.text
    assert "<bdi>Plagiarism</bdi>" in shown.text
    for headers in ({"Accept-Language": "de"}, {"Accept-Language": "ar", "Cookie": "language=en"}, {}):
        page = client.get(path, headers={**PAGE, **headers}).text
        assert '<html lang="en" dir="ltr"' in page
        assert "20 November 2026" in page
    assert 'lang="ar"' in client.get(path, headers={**PAGE, "Cookie": "language=ar"}).text
    assert 'lang="ar"' in client.get(path, headers={**ARABIC, "Cookie": "language=nonsense"}).text


def test_what_programs_read_stays_in_english(issue, client, elsewhere):
    issued = issue()
    path = f"/credentials/{issued['publicId']}"
    for address in (f"{path}.json", f"{path}/verify", f"/oembed?url=http://testserver{path}", "/credentials/none.json"):
        answers = [
            client.get(address, headers={"Accept": "application/json", "Accept-Language": language})
            for language in ("ar", "en")
        ]
        assert answers[0].content == answers[1].content
    told_to_programs = client.post(
        "/verify",
        data={"url": f"http://testserver{path}"},
        headers={"Accept": "application/json", "Accept-Language": "ar"},
    ).json()
    assert told_to_programs["title"] == "Valid"
    assert {"title": "Valid from", "text": "20 November 2026"} in told_to_programs["shownFacts"]
    assert '<html lang="en" dir="ltr"' in client.get("/docs", headers=ARABIC).text


def test_a_verification_is_told_in_arabic(api, issue, client, arabic, elsewhere):
    issued = issue()
    address = f"http://testserver/credentials/{issued['publicId']}"
    arabic("GET", "/verify")
    valid = arabic("GET", f"/verify?url={address}")
    for expected in (
        "<h2>صالح</h2>",
        "لم تُبطله جهة الإصدار.",
        "20 نوفمبر 2026",
        "وقّعته \u2068did:web:testserver:i:meridian\u2069",
    ):
        assert expected in valid.text
    document = client.get(f"{address}.json").json()
    document["credentialSubject"]["achievement"]["name"] = "Medicine"
    changed = arabic("POST", "/verify", files={"file": ("badge", json.dumps(document).encode())})
    assert "تغيّر المستند أو إثباته بعد التوقيع." in changed.text
    assert "ما يدّعيه، دون إثبات" in changed.text
    unreachable = arabic("POST", "/verify", data={"url": f"{elsewhere.url}/nothing"})
    assert (
        f"تعذّر جلب شيء من \u2068{elsewhere.url}/nothing\u2069: \u2068ردّ الخادم بالرمز \u2068404\u2069\u2069."
        in unreachable.text
    )
    arabic("POST", "/verify", data={"url": "nonsense"})
    api("POST", f"/credentials/{issued['id']}/revoke")
    assert "أبطلته جهة الإصدار." in arabic("GET", f"/verify?url={address}").text


def test_a_recipients_pages_are_in_arabic(issue, client, arabic, platform):
    issue(expiryDate="2030-01-31")
    issue(issueDate="2025-01-01", expiryDate="2025-06-30")
    arabic("GET", "/my")
    arabic("POST", "/my", data={"email": "zoe@example.com"})
    arabic("GET", "/my/sign-in?token=stale", status=410)
    with platform.database.write() as tx:
        token = make_link(tx, "zoe@example.com", at=now()).token
    arabic("GET", f"/my/sign-in?token={token}")
    with platform.database.write() as tx:
        secret = sign_in(tx, token, at=now())
    listed = arabic("GET", "/my/credentials", headers={"Cookie": f"recipient={secret}"})
    assert "اعتمادان، الأحدث أولًا" in listed.text
    assert "منتهي الصلاحية" in listed.text


def test_asking_for_a_correction_is_in_arabic(issue, arabic, platform):
    issued = issue()
    path = f"/credentials/{issued['publicId']}/correction"
    arabic("GET", path)
    arabic("POST", path, data={"kind": "name", "proposed": "Zoë Meyer", "message": "عذرًا"})
    with platform.database.write() as tx:
        workspace_id, request_id = tx.execute(text("SELECT workspace_id, id FROM change_requests")).one()
        token = make_confirming_link(tx, workspace_id, request_id, "Zoe@Example.com", at=now())[1]
    shown = arabic("GET", f"/corrections/confirm?token={token}")
    assert "إرسال إلى <bdi>Meridian Institute</bdi>" in shown.text
    assert '<html lang="ar"' in arabic("POST", "/corrections/confirm", data={"token": token}).text
    arabic("GET", "/corrections/confirm?token=stale", status=410)
    without = issue(recipient={"name": "Ada"})
    arabic("GET", f"/credentials/{without['publicId']}/correction")


def test_an_issuer_and_failures_are_in_arabic(issue, client, arabic):
    issue()
    shown = arabic("GET", "/i/meridian")
    assert shown.headers["vary"] == "Accept, Accept-Encoding, Accept-Language, Cookie"
    assert "خطأ 404" in arabic("GET", "/nowhere", status=404).text
    assert "تعذّر العثور على هذا الاعتماد" in arabic("GET", "/credentials/none", status=404).text
    arabic("POST", "/nowhere", status=404)
    arabic("POST", "/credentials/none", status=405)


def test_in_a_browser_the_pages_read_from_right_to_left(browse, issue, accessible):
    path = f"/credentials/{issue(designs=('certificate_id',))['publicId']}"
    page = browse(locale="ar")
    page.goto(path)
    accessible(page)
    assert not scrolls_sideways(page)
    page.get_by_role("link", name="تحقّق", exact=True).click()
    page.get_by_role("heading", name="صالح", exact=True).wait_for()
    assert page.locator("#verification .steps > li").count() == 5
    accessible(page)
    page.get_by_role("button", name="نسخ الرابط").click()
    page.get_by_text("نُسخ الرابط").wait_for()
    narrow = browse(locale="ar", narrow=True, dark=True)
    narrow.goto("/verify")
    narrow.get_by_label("أو عنوانها").fill("nonsense")
    narrow.get_by_role("button", name="تحقّق").click()
    narrow.get_by_role("heading", name="غير صالح").wait_for()
    accessible(narrow)
    for address in (path, "/my", "/nowhere"):
        narrow.goto(address)
        accessible(narrow)
        assert not scrolls_sideways(narrow)
