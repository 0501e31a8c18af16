import copy
import hashlib
from datetime import datetime, timedelta
from random import Random

import msgspec
import pytest
from badges import AT, DID, full_credential, random_credential
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from testamur.openbadges.data_integrity import InvalidProof, ProofKey, Signer, verify_proof
from testamur.openbadges.documents import (
    Achievement,
    Alignment,
    Evidence,
    Issuer,
    Recipient,
    Result,
    ResultDescription,
    achievement_credential,
    achievement_document,
    identity_hash,
    issuer_document,
)
from testamur.openbadges.linked_data import Unsignable, canonical_form

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
SIGNER = Signer(ProofKey(verification_method=f"{DID}#z6Mk", private_key=KEY))
SMALLEST = {
    "id": "https://example.org/credentials/1",
    "issuer": Issuer(id=DID, name="Acme"),
    "achievement": Achievement(
        id="https://example.org/achievements/1", name="Glue", description="Glueing", criteria_narrative="Glue."
    ),
    "recipient": Recipient(id="urn:uuid:1"),
    "valid_from": AT,
}


def leaves(value, path=()):
    if isinstance(value, dict | list):
        yield path, value
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, step))
    else:
        yield path, value


def test_the_smallest_credential_has_no_member_too_many():
    assert achievement_credential(**SMALLEST) == {
        "@context": [
            "https://www.w3.org/ns/credentials/v2",
            "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
            "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json",
        ],
        "id": "https://example.org/credentials/1",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": "Glue",
        "issuer": {"id": DID, "type": ["Profile"], "name": "Acme"},
        "validFrom": "2026-11-24T12:00:00Z",
        "credentialSubject": {
            "id": "urn:uuid:1",
            "type": ["AchievementSubject"],
            "achievement": {
                "id": "https://example.org/achievements/1",
                "type": ["Achievement"],
                "name": "Glue",
                "description": "Glueing",
                "criteria": {"narrative": "Glue."},
            },
        },
        "credentialSchema": [
            {
                "id": "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_achievementcredential_schema.json",
                "type": "1EdTechJsonSchemaValidator2019",
            }
        ],
    }


def test_nothing_absent_is_written_in_any_credential():
    for number in range(50):
        document = random_credential(Random(number), Random(number))
        assert not [path for path, value in leaves(document) if value is None or value in ("", [], {})]


def test_the_recipient_is_named_as_wanted():
    def subject(**recipient):
        return achievement_credential(**{**SMALLEST, "recipient": Recipient(id="urn:uuid:1", **recipient)})[
            "credentialSubject"
        ]

    hashed = subject(name="Ada", email=" Ada@Example.ORG", email_salt="pepper")
    digest = hashlib.sha256(b"ada@example.orgpepper").hexdigest()
    assert identity_hash(" Ada@Example.ORG", "pepper") == f"sha256${digest}"
    assert hashed["name"] == "Ada"
    assert hashed["identifier"] == [
        {
            "type": "IdentityObject",
            "identityType": "emailAddress",
            "hashed": True,
            "identityHash": f"sha256${digest}",
            "salt": "pepper",
        },
        {"type": "IdentityObject", "identityType": "name", "hashed": False, "identityHash": "Ada"},
    ]
    plain = subject(email=" Ada@Example.ORG")
    assert plain["identifier"][0]["identityHash"] == "ada@example.org"
    assert "name" not in plain
    assert "Ada" not in msgspec.json.encode(subject(email="ada@example.org", email_salt="x")).decode()


def test_what_stands_twice_is_written_once():
    skill = Alignment(target_name="x", target_url="https://example.org/x")
    achievement = msgspec.structs.replace(SMALLEST["achievement"], tags=("a", "b", "a", ""), alignments=(skill, skill))
    found = achievement_credential(
        **{**SMALLEST, "achievement": achievement}, evidence=[Evidence(name="x")] * 2, results=[Result(value="1")] * 2
    )
    subject = found["credentialSubject"]
    assert subject["achievement"]["tag"] == ["a", "b"]
    assert [len(found["evidence"]), len(subject["result"]), len(subject["achievement"]["alignment"])] == [1, 1, 1]


@pytest.mark.parametrize(("earned", "written"), [(3.0, "3"), (0, "0"), (2.5, "2.5"), (120, "120")])
def test_credits_are_written_as_javascript_reads_them(earned, written):
    found = achievement_credential(**SMALLEST, credits_earned=earned)
    assert msgspec.json.encode(found["credentialSubject"]["creditsEarned"]).decode() == written


@pytest.mark.parametrize(
    ("members", "achievement", "path", "reason"),
    [
        ({"id": ""}, {}, ("id",), "empty"),
        ({"issuer": Issuer(id=DID, name="")}, {}, ("issuer", "name"), "empty"),
        ({"issuer": Issuer(id=DID, name="x", url="acme")}, {}, ("issuer", "url"), "whole address"),
        ({"recipient": Recipient(id="")}, {}, ("credentialSubject", "id"), "empty"),
        ({"valid_until": AT}, {}, ("validUntil",), "before it is valid"),
        ({"credits_earned": float("inf")}, {}, ("credentialSubject", "creditsEarned"), "number"),
        ({"credits_earned": -1}, {}, ("credentialSubject", "creditsEarned"), "number"),
        ({"evidence": [Evidence()]}, {}, ("evidence", 0), "an address, or a text"),
        ({"results": [Result()]}, {}, ("credentialSubject", "result", 0), "a value, a level or a status"),
        ({"results": [Result(status="Won")]}, {}, ("credentialSubject", "result", 0, "status"), "one of Completed"),
        (
            {"results": [Result(value="1", result_description="urn:x:1")]},
            {},
            ("credentialSubject", "result", 0, "resultDescription"),
            "no description",
        ),
        ({}, {"name": ""}, ("name",), "empty"),
        ({}, {"description": ""}, ("description",), "empty"),
        ({}, {"criteria_narrative": ""}, ("criteria",), "Criteria are needed"),
        ({}, {"type": "Wedding"}, ("achievementType",), "ext:YourWord"),
        ({}, {"language": "Portuguese"}, ("inLanguage",), "pt-BR"),
        (
            {},
            {"alignments": (Alignment(target_name="x", target_url="x"),)},
            ("alignment", 0, "targetUrl"),
            "whole address",
        ),
        (
            {},
            {"result_descriptions": (ResultDescription(id="urn:x:1", name="x", result_type=""),)},
            ("resultDescription", 0, "resultType"),
            "empty",
        ),
    ],
)
def test_what_the_schema_does_not_allow_is_refused_with_its_place(members, achievement, path, reason):
    if achievement:
        members = {"achievement": msgspec.structs.replace(SMALLEST["achievement"], **achievement)}
        path = ("credentialSubject", "achievement", *path)
    with pytest.raises(Unsignable, match=reason) as refusal:
        achievement_credential(**{**SMALLEST, **members})
    assert refusal.value.path == path


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        achievement_credential(**{**SMALLEST, "valid_from": datetime(2026, 1, 1)})  # noqa: DTZ001


def test_achievement_and_issuer_stand_alone_too():
    for document in (achievement_document(SMALLEST["achievement"]), issuer_document(SMALLEST["issuer"])):
        assert canonical_form(document)


def test_every_change_of_a_full_credential_is_noticed():
    signed = SIGNER.sign(full_credential(), created=AT + timedelta(hours=1))
    assert verify_proof(signed, lambda _: KEY.public_key())
    mutations = 0
    for path, value in leaves(signed):
        if not path:
            continue
        for change in ("drop", "alter"):
            if change == "alter" and isinstance(value, dict | list):
                continue
            mutated = copy.deepcopy(signed)
            place = mutated
            for step in path[:-1]:
                place = place[step]
            if change == "drop":
                del place[path[-1]]
            else:
                place[path[-1]] = altered(value)
            # The extensions are a name for two types; without them these are not words of any context.
            with pytest.raises(InvalidProof):
                verify_proof(mutated, lambda _: KEY.public_key())
            mutations += 1
    assert mutations > 250


def altered(value):
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int | float) else value + "x"
