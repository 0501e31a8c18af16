"""The engine behind the VC-API, for the test suites of W3C: issuing and verifying over HTTPS on the loopback interface.

    python tests/openbadges/vc_api.py 8443 [--unguarded]

docs/conformance.md tells how the suites are run against it and with what result. It issues in the name of a did:key of
its own, which the suites can resolve, and gives each credential a place in a status list, as Testamur does. Unguarded,
it also signs what Testamur never does: contexts that are written into the document, and text with a direction.
"""

import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import base58
import msgspec
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from testamur.openbadges.contexts import OPEN_BADGES
from testamur.openbadges.credential_rules import credential_problems
from testamur.openbadges.data_integrity import CRYPTOSUITE, ProofKey, Signer
from testamur.openbadges.dids import did_key
from testamur.openbadges.linked_data import Unsignable, canonical_form
from testamur.openbadges.public_keys import to_multikey
from testamur.openbadges.resolving import Unreachable
from testamur.openbadges.status_lists import encoded_list, status_list_credential
from testamur.openbadges.timestamps import to_timestamp
from testamur.openbadges.verification import verify

_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ISSUER = did_key(_KEY.public_key())
_METHOD = f"{ISSUER}#{to_multikey(_KEY.public_key())}"
# What Open Badges asks for beside VC 2.0. It is added before the rules of Open Badges are asked.
_ADDED = {"id": "urn:uuid:70f3d1a7-3f5f-4a67-9f4c-2f7b8d1f0c11", "validFrom": "2026-01-01T00:00:00Z"}
_SUBJECT = {
    "id": "urn:uuid:4a0bb8e2-65de-4b4b-9d8e-0a2f8d9f7c11",
    "type": ["AchievementSubject"],
    "achievement": {
        "id": "urn:uuid:93d1ac0a-5d36-4dc7-8a4e-63d5b8c7a5b1",
        "type": ["Achievement"],
        "name": "Any",
        "description": "Any",
        "criteria": {"narrative": "Any"},
    },
}
# Where Open Badges asks for one text or object, and VC 2.0 takes a text in several languages, a list, or nothing.
_NARROWER_IN_BADGES = {
    ("name",),
    ("description",),
    ("issuer", "name"),
    ("issuer", "description"),
    ("refreshService",),
    ("credentialStatus",),
    ("credentialStatus", "id"),
}


class Refused(Exception):
    """What was sent is refused, for the reason in the message."""


def create_vc_api(origin: str, *, is_guarded: bool = True) -> Starlette:
    """The application; `origin` is where it is reached, for the address of its status list."""
    signer = Signer(ProofKey(verification_method=_METHOD, private_key=_KEY))
    list_url = f"{origin}/status/1"
    places = count()
    unsigned = status_list_credential(
        list_url=list_url,
        issuer=ISSUER,
        encoded=encoded_list([]),
        valid_from=to_timestamp(datetime.now(UTC)),
        ttl_ms=300_000,
    )
    status_list = signer.sign(unsigned, created=datetime.now(UTC))

    def fetch(url: str) -> bytes:
        if url != list_url:
            raise Unreachable("only the status list is known here")
        return msgspec.json.encode(status_list)

    def issue(body: Any) -> dict[str, Any]:
        credential = body["credential"]
        _check(credential)
        place = next(places)
        status = {
            "id": f"{list_url}#{place}",
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": str(place),
            "statusListCredential": list_url,
        }
        credential = {"credentialStatus": status, **credential}
        return signer.sign(credential, created=datetime.now(UTC)) if is_guarded else _signed_unguarded(credential)

    def verify_credential(body: Any) -> dict[str, Any]:
        credential = body["verifiableCredential"]
        if not isinstance(credential, dict):
            raise Refused("The credential is not an object")
        steps = verify(credential, fetch=fetch, at=datetime.now(UTC)).steps
        # Who issued it is nobody known, and it is no Open Badge: the rules that are not those of Open Badges remain.
        failed = [
            step.reason
            for step in steps
            if step.status == "failed" and step.name not in {"registered_issuer", "schema"}
        ]
        if failed:
            raise Refused(" ".join(failed))
        _check(credential)
        return {"verified": True}

    return Starlette(
        routes=[
            Route("/credentials/issue", _endpoint(issue, 201), methods=["POST"]),
            Route("/credentials/verify", _endpoint(verify_credential, 200), methods=["POST"]),
            Route("/status/1", lambda _request: JSONResponse(status_list)),
        ]
    )


def _signed_unguarded(credential: Mapping[str, Any]) -> dict[str, Any]:
    """As the engine signs, but of all that a verifier takes. Raises Unsignable."""
    unsigned = {name: value for name, value in credential.items() if name != "proof"}
    options = {
        "type": "DataIntegrityProof",
        "cryptosuite": CRYPTOSUITE,
        "created": to_timestamp(datetime.now(UTC)),
        "verificationMethod": _METHOD,
        "proofPurpose": "assertionMethod",
    }
    parts = ({"@context": unsigned.get("@context"), **options}, unsigned)
    hashed = b"".join(sha256(canonical_form(part, minting=False).encode()).digest() for part in parts)
    return {**unsigned, "proof": [{**options, "proofValue": "z" + base58.b58encode(_KEY.sign(hashed)).decode()}]}


def _check(credential: Any) -> None:
    """Raises Refused if the credential breaks a rule that VC 2.0 shares with Open Badges."""
    if not isinstance(credential, Mapping):
        raise Refused("The credential is not an object")
    completed = {**_ADDED, **credential}
    match credential.get("@context"):
        case [first, *_]:
            completed["@context"] = [first, OPEN_BADGES]
    match credential.get("type"):
        case [*types]:
            completed["type"] = [*types, "OpenBadgeCredential"]
    match credential.get("issuer"):
        case {**issuer}:
            completed["issuer"] = {"type": ["Profile"], **issuer}
    if all(isinstance(part, Mapping) and "type" in part for part in _listed(credential.get("evidence"))):
        completed["evidence"] = [{**part, "type": ["Evidence"]} for part in _listed(credential["evidence"])]
    subjects = _listed(credential.get("credentialSubject"))
    if subjects and all(isinstance(subject, Mapping) and subject for subject in subjects):
        completed["credentialSubject"] = _SUBJECT
    problems = [
        problem
        for problem in credential_problems(completed)
        if tuple(step for step in problem.path if isinstance(step, str)) not in _NARROWER_IN_BADGES
    ]
    if problems:
        raise Refused("; ".join(map(str, problems)))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _endpoint(operation: Callable[[Any], dict[str, Any]], status: int) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> JSONResponse:
        try:
            return JSONResponse(operation(await request.json()), status)
        except (Refused, Unsignable, KeyError, TypeError) as error:
            return JSONResponse({"errors": [str(error)]}, 400)

    return endpoint


def main(port: int, *, is_guarded: bool) -> None:
    origin = f"https://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "certificate.pem"
        path.write_bytes(_own_certificate())
        print(f"ISSUER={ISSUER} at {origin}")  # noqa: T201
        api = create_vc_api(origin, is_guarded=is_guarded)
        uvicorn.run(api, host="127.0.0.1", port=port, ssl_certfile=path, log_level="warning")


def _own_certificate() -> bytes:
    """A key and a certificate that it signed itself: the suites speak HTTPS only, and accept any."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    certificate = builder.not_valid_before(today).not_valid_after(today + timedelta(days=1)).sign(key, hashes.SHA256())
    written = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return written + certificate.public_bytes(Encoding.PEM)


if __name__ == "__main__":
    main(int(sys.argv[1]), is_guarded="--unguarded" not in sys.argv)
