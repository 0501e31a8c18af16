from hashlib import sha256

from testamur.openbadges.open_badges_2 import (
    HostedAssertion,
    HostedBadge,
    assertion_document,
    badge_class_document,
    issuer_document,
    revoked_assertion_document,
)

HOST = "https://a.example/ob2"


def test_an_assertion_tells_all_that_is_given():
    document = assertion_document(
        HostedAssertion(
            id=f"{HOST}/assertions/1",
            badge=f"{HOST}/badges/1",
            email="ann@example.org",
            salt="5a17",
            issued_on="2026-01-31T12:00:00Z",
            expires="2028-01-31T23:59:59Z",
            image=f"{HOST}/1.png",
            narrative="Well done",
            evidence=[{"id": "https://a.example/work", "name": "Work"}],
        )
    )
    assert document == {
        "@context": "https://w3id.org/openbadges/v2",
        "type": "Assertion",
        "id": f"{HOST}/assertions/1",
        "recipient": {
            "type": "email",
            "hashed": True,
            "salt": "5a17",
            "identity": "sha256$" + sha256(b"ann@example.org5a17").hexdigest(),
        },
        "badge": f"{HOST}/badges/1",
        "verification": {"type": "HostedBadge"},
        "issuedOn": "2026-01-31T12:00:00Z",
        "expires": "2028-01-31T23:59:59Z",
        "image": {"id": f"{HOST}/1.png"},
        "narrative": "Well done",
        "evidence": [{"id": "https://a.example/work", "name": "Work"}],
    }


def test_members_without_a_value_are_left_out():
    short = assertion_document(
        HostedAssertion(id="a:1", badge="a:2", email="a@b.example", salt="s", issued_on="2026-01-31T12:00:00Z")
    )
    assert set(short) == {"@context", "type", "id", "recipient", "badge", "verification", "issuedOn"}
    badge = HostedBadge(id="a:2", issuer="a:3", name="N", description="D", image="a:4", criteria_narrative="C")
    assert badge_class_document(badge)["criteria"] == {"narrative": "C"}
    assert set(badge_class_document(badge)) == {
        "@context", "type", "id", "name", "description", "image", "criteria", "issuer",
    }  # fmt: skip
    issuer = issuer_document("a:3", name="I", url="https://a.example", email="i@a.example", description="", image=None)
    assert set(issuer) == {"@context", "type", "id", "name", "url", "email"}


def test_a_revoked_assertion_keeps_only_that_it_is_revoked():
    assert revoked_assertion_document("a:1", "Issued by mistake") == {
        "@context": "https://w3id.org/openbadges/v2",
        "type": "Assertion",
        "id": "a:1",
        "revoked": True,
        "revocationReason": "Issued by mistake",
    }
    assert "revocationReason" not in revoked_assertion_document("a:1")


def test_a_badge_class_has_tags_and_alignment():
    document = badge_class_document(
        HostedBadge(
            id=f"{HOST}/badges/1",
            issuer=f"{HOST}/issuer",
            name="Welding",
            description="Can weld",
            image=f"{HOST}/1.png",
            criteria_url="https://a.example/course",
            tags=["metal"],
            alignment=[{"targetName": "T", "targetUrl": "https://t.example"}],
        )
    )
    assert document["tags"] == ["metal"]
    assert document["alignment"] == [{"targetName": "T", "targetUrl": "https://t.example"}]
    assert document["criteria"] == {"id": "https://a.example/course"}


def test_an_issuer_among_others_on_a_host_says_where_its_badges_are():
    document = issuer_document(
        f"{HOST}/issuer", name="I", url="https://a.example", email="i@a.example", badges_under=f"{HOST}/"
    )
    assert document["verification"] == {"type": "VerificationObject", "startsWith": f"{HOST}/"}
