"""Servers of issuers as tests need them: what is at an address, and what was asked for. No connection is opened."""

import json
from typing import Any

from testamur.openbadges.resolving import Unreachable


class BadgeWeb(dict[str, Any]):
    """Documents by their address; an exception there is raised instead."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        found = self.get(url, Unreachable("nobody answers"))
        if isinstance(found, Exception):
            raise found
        return found if isinstance(found, bytes) else json.dumps(found).encode()


LIST = "https://issuer.example/status/1"
DID = "did:web:issuer.example:i:acme"
DID_ADDRESS = "https://issuer.example/i/acme/did.json"


def sample_credential() -> dict[str, Any]:
    """An AchievementCredential with everything that issuers usually write, without its proof."""
    return {
        "@context": [
            "https://www.w3.org/ns/credentials/v2",
            "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
            "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json",
        ],
        "id": "https://issuer.example/credentials/1",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": "Welding",
        "issuer": {
            "id": DID,
            "type": ["Profile"],
            "name": "Acme Academy",
            "url": "https://issuer.example",
            "email": "badges@issuer.example",
            "image": {"id": "https://issuer.example/logo.png", "type": "Image", "caption": "Our logo"},
        },
        "validFrom": "2026-01-31T12:00:00Z",
        "validUntil": "2028-01-31T23:59:59Z",
        "awardedDate": "2026-01-31T12:00:00Z",
        "credentialSubject": {
            "id": "urn:uuid:0f1c2d3e-0000-4000-8000-000000000001",
            "type": ["AchievementSubject"],
            "identifier": [
                {
                    "type": "IdentityObject",
                    "hashed": False,
                    "identityType": "name",
                    "identityHash": "Zoë “Z” Ōe \U0001f642",
                },
                {
                    "type": "IdentityObject",
                    "hashed": True,
                    "identityType": "emailAddress",
                    "identityHash": "sha256$" + "0" * 64,
                    "salt": "5a17",
                },
            ],
            "achievement": {
                "id": "https://issuer.example/achievements/1",
                "type": ["Achievement"],
                "name": "Welding",
                "description": "Can weld \u2028 steel",
                "achievementType": "Certificate",
                "criteria": {"id": "https://issuer.example/course", "narrative": "Two exams"},
                "image": {"id": "https://issuer.example/1.png", "type": "Image"},
                "inLanguage": "en",
                "tag": ["metal", "work"],
                "alignment": [
                    {"type": ["Alignment"], "targetName": "Joining", "targetUrl": "https://skills.example/7"}
                ],
                "resultDescription": [
                    {"id": "urn:uuid:1", "type": ["ResultDescription"], "name": "Grade", "resultType": "LetterGrade"}
                ],
            },
            "result": [{"type": ["Result"], "resultDescription": "urn:uuid:1", "value": "A"}],
            "creditsEarned": 2.5,
        },
        "evidence": [
            {"id": "https://issuer.example/work", "type": ["Evidence"], "name": "Work", "description": "A gate"}
        ],
        "credentialStatus": {
            "id": f"{LIST}#94567",
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": "94567",
            "statusListCredential": LIST,
        },
        "credentialSchema": [
            {
                "id": "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_achievementcredential_schema.json",
                "type": "1EdTechJsonSchemaValidator2019",
            }
        ],
    }
