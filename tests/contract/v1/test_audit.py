"""What the API does with the configuration of a workspace stands in its audit log."""

import io
from base64 import b64encode

import pytest
from fontTools.ttLib import TTFont
from PIL import Image

from testamur.api.v1.door import OPERATIONS
from testamur.audit.queries import AuditFilter, list_entries
from testamur.rendering.fonts import BUNDLED_FOLDER

# What is done with a credential stands in the credential; the rest only reads, or delivers once more.
NOT_IN_THE_LOG = {
    "createCredential", "updateCredential", "issueCredential", "sendCredential", "createIssueSendCredential",
    "createCredentials", "scheduleCredential", "searchCredentials", "downloadCredentials", "checkGroup",
    "createCredentialInteraction", "redeliverWebhook",
}  # fmt: skip


@pytest.fixture
def entries(platform):
    """Those that were written since the last call, the oldest first."""
    seen = set()

    def call(tenant):
        with platform.database.read() as tx:
            found = list_entries(tx, tenant.workspace.id, AuditFilter(), None, 100).items[::-1]
        new = [entry for entry in found if entry.id not in seen]
        seen.update(entry.id for entry in new)
        return new

    return call


def test_every_operation_that_writes_is_in_the_log_or_need_not_be():
    unlogged = {item.name for item in OPERATIONS if item.method != "GET" and not item.action}
    assert unlogged == NOT_IN_THE_LOG
    assert not [item.name for item in OPERATIONS if item.method == "GET" and item.action]


def test_what_a_token_does_is_written_with_its_name(api, tenant, other_tenant, group, entries):
    def done(action, subject, *arguments, **options):
        answer = api(*arguments, **options)
        (entry,) = entries(tenant)
        wanted = subject(answer) if callable(subject) else subject
        assert (entry.action, entry.subject, entry.actor.kind, entry.actor.name, entry.client) == (
            action, wanted, "token", "tests", "testclient",
        )  # fmt: skip
        return answer

    def own_id(answer):
        return answer["id"]

    (first,) = entries(tenant)
    assert (first.action, first.subject) == ("credential_template.created", group["id"])
    path = f"/groups/{group['id']}"
    done("credential_template.updated", group["id"], "PATCH", path, {"name": "Bonds"})
    done("credential_template.updated", group["id"], "PATCH", f"{path}/settings", {"criteria": "Passed"})
    attribute = done("attribute.created", own_id, "POST", "/attributes", {"name": "Grade"}, status=201)
    path = f"/attributes/{attribute['id']}"
    done("attribute.updated", attribute["id"], "PATCH", path, {"name": "Mark"})
    done("attribute.deleted", attribute["id"], "DELETE", path, status=204)
    drawn = {
        "name": "D",
        "type": "badge",
        "document": {"version": 1, "page": {"width": 50, "height": 50}, "elements": []},
    }
    design = done("design.created", own_id, "POST", "/designs", drawn, status=201)
    path = f"/designs/{design['id']}"
    done("design.updated", design["id"], "PATCH", path, {"name": "E"})
    done("design.version_restored", design["id"], "POST", f"{path}/versions/1/restore")
    done("design.deleted", design["id"], "DELETE", path, status=204)
    done("design.created", own_id, "POST", "/gallery/ticket/designs", status=201)
    picture = io.BytesIO()
    Image.new("RGB", (4, 4)).save(picture, "PNG")
    done(
        "picture.added", lambda answer: answer["source"].removeprefix("asset:"), "POST", "/assets", status=201,
        content=picture.getvalue(), headers={"Content-Type": "image/png"},
    )  # fmt: skip
    hook = done("webhook.created", own_id, "POST", "/webhooks", {"url": "https://example.com/hook"}, status=201)
    path = f"/webhooks/{hook['id']}"
    done("webhook.updated", hook["id"], "PATCH", path, {"isActive": False})
    done("webhook.secret_rotated", hook["id"], "POST", f"{path}/rotate")
    done("webhook.deleted", hook["id"], "DELETE", path, status=204)
    texts = {"kind": "delivery", "name": "N", "subject": "S", "body": "B"}
    mail = done("email_template.created", own_id, "POST", "/email-templates", texts, status=201)
    path = f"/email-templates/{mail['id']}"
    done("email_template.updated", mail["id"], "PATCH", path, {"name": "M"})
    done("email_template.deleted", mail["id"], "DELETE", path, status=204)
    sheet = b"recipient.name\nAda\n"
    made = done(
        "import.created", own_id, "POST", f"/imports?groupId={group['id']}", status=201, content=sheet,
        headers={"Content-Type": "text/csv"},
    )  # fmt: skip
    for verb, action in (("start", "started"), ("pause", "paused"), ("resume", "resumed"), ("cancel", "cancelled")):
        done(f"import.{action}", made["id"], "POST", f"/imports/{made['id']}/{verb}")
    body = {"groupId": group["id"], "recipient": {"name": "Ada", "email": "ada@example.com"}}
    issued = api("POST", "/credentials/create-issue-send", body, status=201)
    api("PATCH", f"/credentials/{issued['id']}", {"recipient": {"name": "Ada L."}})
    assert entries(tenant) == []
    path = f"/credentials/{issued['id']}"
    done("credential.revoked", issued["id"], "POST", f"{path}/revoke", {"reason": "Ada cheated"})
    done("credential.reinstated", issued["id"], "POST", f"{path}/unrevoke")
    done("credential.deleted", issued["id"], "DELETE", path, status=204)
    assert entries(other_tenant) == []


def test_fonts_archives_and_certificates_are_in_the_log_too(api, tenant, entries, authority):
    font = io.BytesIO()
    with TTFont(BUNDLED_FOLDER / "Cinzel-Regular.ttf") as file:
        for record in file["name"].names:
            record.string = str(record).replace("Cinzel", "Acme Capitals")
        file.save(font)
    font = api("POST", "/fonts", content=font.getvalue(), headers={"Content-Type": "font/ttf"}, status=201)
    api("DELETE", f"/fonts/{font['id']}", status=204)
    key = authority.new_key("rsa-2048")
    pkcs12 = b64encode(authority.pkcs12(key, authority.certificate(key))).decode()
    api("POST", "/workspace/pdf-certificate", {"pkcs12": pkcs12, "password": "geheim ü"})
    api("DELETE", "/workspace/pdf-certificate", status=204)
    assert [(entry.action, entry.subject) for entry in entries(tenant)] == [
        ("font.added", font["id"]),
        ("font.deleted", font["id"]),
        ("pdf_certificate.set", None),
        ("pdf_certificate.removed", None),
    ]


def test_what_is_refused_is_not_in_the_log(api, tenant, group, entries):
    entries(tenant)
    api("PATCH", f"/groups/{group['id']}", {"name": ""}, status=400)
    api("DELETE", "/groups/01fpwtztwf7sacca5r0c483mnm", status=404)
    body = {"groupId": group["id"], "recipient": {"name": "Ada"}}
    api("POST", "/credentials", body, status=201)
    api("DELETE", f"/groups/{group['id']}", status=409)
    assert entries(tenant) == []
