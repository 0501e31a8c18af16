"""What a credential's renderings record: typed values, the language, and digests that stay what they were."""

import io
from base64 import urlsafe_b64encode
from datetime import date
from decimal import Decimal
from hashlib import sha256

import msgspec
import pytest
from PIL import Image
from pypdf import PdfReader
from sqlalchemy import text

from testamur.credentials.queries import get_credential
from testamur.credentials.renderings import current_renderings, get_recorded, record_renderings

DOCUMENT = {
    "version": 1,
    "page": {"width": 200, "height": 60},
    "elements": [
        {
            "type": "text", "x": 5, "y": 5, "width": 190, "height": 30, "size": 12, "fit": "wrap",
            "text": "[recipient.name]: [certificate.issued_on], [custom.passed|full] ([custom.score|number] of "
            '[custom.maximum|or "100"]) [custom.score]',
        }
    ],
}  # fmt: skip


@pytest.fixture
def credential(api, tenant):
    for name, type_ in (("Passed", "date"), ("Score", "number"), ("Maximum", "number")):
        api("POST", "/attributes", {"name": name, "type": type_}, status=201)
    design = api("POST", "/designs", {"name": "D", "type": "certificate", "document": DOCUMENT}, status=201)
    group = api("POST", "/groups", {"name": "Markets", "designIds": [design["id"]]}, status=201)
    body = {
        "groupId": group["id"],
        "recipient": {"name": "[custom.score]"},
        "issueDate": "2026-11-24",
        "customAttributes": {"custom.passed": "20-11-2026", "custom.score": "1234,50"},
    }
    made = api("POST", "/credentials/create-issue-send", body, status=201)
    assert made["customAttributes"] == {"custom.passed": "2026-11-20", "custom.score": "1234.50"}
    return made


def rendering_of(platform, tenant, credential):
    with platform.database.read() as tx:
        found = get_credential(tx, tenant.workspace.id, credential["id"])
        (rendering,) = current_renderings(tx, tenant.workspace, found, platform.settings.base_url)
    return rendering


def pdf_url(api, credential):
    (design,) = api("GET", f"/credentials/{credential['id']}/designs")
    return next(preview["url"] for preview in design["previews"] if preview["format"] == "pdf")


def shown(client, url):
    """The PDF's text and language."""
    pdf = PdfReader(io.BytesIO(client.get(url).content))
    return " ".join(pdf.pages[0].extract_text().split()), pdf.trailer["/Root"]["/Lang"]


def test_a_credential_is_written_in_its_templates_language_and_old_addresses_keep_theirs(
    api, client, platform, tenant, credential
):
    settings = f"/groups/{credential['groupId']}/settings"
    english = pdf_url(api, credential)
    # Nothing is rendered yet: what an address serves is decided when it is given out.
    assert api("PATCH", settings, {"language": "pt_br"})["language"] == "pt-BR"
    portuguese = pdf_url(api, credential)
    assert portuguese != english
    assert shown(client, english) == (
        "[custom.score]: 24 November 2026, Friday, 20 November 2026 (1,234.50 of 100) 1234.50", "en",
    )  # fmt: skip
    assert shown(client, portuguese) == (
        "[custom.score]: 24 de novembro de 2026, sexta-feira, 20 de novembro de 2026 (1.234,50 of 100) 1234.50", "pt-BR",
    )  # fmt: skip
    assert api("PATCH", settings, {})["language"] == "pt-BR"
    assert api("PATCH", settings, {"language": None})["language"] == "en"
    assert pdf_url(api, credential) == english


def test_values_are_recorded_with_their_types(api, platform, tenant, credential):
    api("PATCH", f"/groups/{credential['groupId']}/settings", {"language": "de"})
    rendering = rendering_of(platform, tenant, credential)
    place = {
        "workspace_id": tenant.workspace.id,
        "credential_id": credential["id"],
        "design_id": rendering.design.id,
        "digest": rendering.digest,
    }
    with platform.database.write() as tx:
        record_renderings(tx, [rendering])
        recorded = get_recorded(tx, **place)
    assert recorded.language == "de"
    assert recorded.values["certificate.issued_on"] == date(2026, 11, 24)
    assert recorded.values["custom.passed"] == date(2026, 11, 20)
    assert str(recorded.values["custom.score"]) == str(Decimal("1234.50"))
    assert recorded.values["custom.maximum"] == ""


def test_in_english_the_digest_is_what_it_was_when_values_were_texts(api, client, platform, tenant):
    group = api("POST", "/groups", {"name": "Markets", "designIds": [tenant.certificate_id]}, status=201)
    body = {"groupId": group["id"], "recipient": {"name": "Ada"}, "issueDate": "2026-11-04"}
    made = api("POST", "/credentials/create-issue-send", body, status=201)
    rendering = rendering_of(platform, tenant, made)
    texts = {tag: value for tag, value in rendering.values.items() if isinstance(value, str)}
    texts["certificate.issued_on"] = "4 November 2026"
    assert texts.keys() == rendering.values.keys()
    content = msgspec.json.encode([rendering.design.id, rendering.design.updated_at, texts], order="sorted")
    assert rendering.digest == urlsafe_b64encode(sha256(content).digest()).decode()[:10]
    # A row of that time holds these texts, and renders as it did.
    url = pdf_url(api, made)
    typed = client.get(url).content
    with platform.database.write() as tx:
        update = text('UPDATE renderings SET "values" = :texts WHERE credential_id = :id')
        tx.execute(update, {"texts": msgspec.json.encode(texts).decode(), "id": made["id"]})
    platform.storage.delete_all(f"credentials/{tenant.workspace.id}/{made['id']}")
    assert client.get(url).content == typed


def test_a_picture_of_another_workspace_is_no_value(api, client, group, other_tenant):
    api("POST", "/attributes", {"name": "Photo", "type": "image"}, status=201)
    picture = io.BytesIO()
    Image.new("RGB", (4, 4), "teal").save(picture, "PNG")
    theirs = client.post("/v1/assets", headers=other_tenant.headers, content=picture.getvalue()).json()["source"]
    body = {"groupId": group["id"], "recipient": {"name": "Ada"}, "customAttributes": {"custom.photo": theirs}}
    error = api("POST", "/credentials", body, status=400)["error"]
    assert error["details"][0]["path"] == ["customAttributes", "custom.photo"]
    assert "no such picture" in error["message"]
    assert api("POST", "/assets", status=201, content=picture.getvalue())["source"] == theirs
    made = api("POST", "/credentials", body, status=201)
    assert made["customAttributes"] == {"custom.photo": theirs}
    changed = api("PATCH", f"/credentials/{made['id']}", {"customAttributes": {"custom.photo": "x"}}, status=400)
    assert changed["error"]["details"][0]["path"] == ["customAttributes", "custom.photo"]
