"""Signing Open Badges in bulk by the compiled shape, beside the whole algorithm and beside PyLD as its readme shows it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from random import Random
from statistics import median
from typing import Any

import base58
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pyld import jsonld

from benchmarks.report import Report, Target
from testamur.openbadges.contexts import load_context
from testamur.openbadges.data_integrity import ProofKey, Signer, verify_proof
from testamur.openbadges.documents import (
    Achievement,
    Evidence,
    Image,
    Issuer,
    Recipient,
    StatusEntry,
    achievement_credential,
)
from testamur.openbadges.status_lists import ENTRIES, encoded_list, status_list_credential

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DID = "did:web:badges.example.org:i:acme"
KEY = ProofKey(
    verification_method=f"{DID}#z6MkqRYqQiSgvZQdnBytw86Qbs2ZWUkGv22od935YF4s8M7V",
    private_key=Ed25519PrivateKey.from_private_bytes(bytes(32)),
)


def measure(*, quick: bool) -> Report:
    rounds, many, few = (2, 500, 10) if quick else (5, 5_000, 100)
    signer = Signer(KEY)
    documents = [_credential(number) for number in range(many)]
    signed = [signer.sign(document, created=AT) for document in documents]
    public_key = KEY.private_key.public_key()
    assert signed[0] == signer.sign_fully(documents[0], created=AT) == _sign_with_pyld(documents[0])
    assert signer.sign_many(documents[:3], created=AT) == signed[:3]
    # As they come from the database: in any order, each number made anew.
    revoked = {
        fill: [int(str(place)) for place in Random(0).sample(range(ENTRIES), int(ENTRIES * fill))] for fill in FILLS
    }
    wanted: dict[str, tuple[int, Callable[[int], object]]] = {
        "sign, by the shape": (many, lambda number: signer.sign(documents[number], created=AT)),
        "sign, by the whole algorithm": (few, lambda number: signer.sign_fully(documents[number], created=AT)),
        "sign, PyLD alone": (few, lambda number: _sign_with_pyld(documents[number])),
        f"sign, {TOGETHER} together, each": (
            many // TOGETHER,
            lambda number: signer.sign_many(documents[number * TOGETHER : (number + 1) * TOGETHER], created=AT),
        ),
        "make the document": (many, _credential),
        "verify, by the shape": (many, lambda number: verify_proof(signed[number], lambda _: public_key)),
    }
    for fill, places in revoked.items():
        wanted[f"make and sign a status list, {fill:.0%} set"] = (few // 10, partial(_list, signer, places))
    times: dict[str, list[float]] = {name: [] for name in wanted}
    # All is work of this one thread: the time of the processor is that of a core that has nothing else to do.
    for _ in range(rounds):
        for name, (count, work) in wanted.items():
            began = time.process_time()
            for number in range(count):
                work(number)
            # What is signed together counts one by one.
            times[name].append((time.process_time() - began) / (count * (TOGETHER if "together" in name else 1)))
    fast, whole, alone = (times[name] for name in list(wanted)[:3])
    beside_whole, beside_pyld = (
        median(slow / quick for slow, quick in zip(slower, fast, strict=True)) for slower in (whole, alone)
    )
    rate = 1 / median(fast)
    return Report(
        name="badges",
        title="Open Badges: signing with eddsa-rdfc-2022, one core",
        headings=("work", "per second", "ms each"),
        rows=[(name, f"{1 / median(each):.0f}", f"{median(each) * 1000:.2f}") for name, each in times.items()],
        targets=[
            Target(name="signed per second", measured=rate, at_least=2_000),
            Target(name="times the whole algorithm", measured=beside_whole, at_least=15),
            Target(name="times PyLD alone", measured=beside_pyld, at_least=15),
            Target(name="ms to verify", measured=median(times["verify, by the shape"]) * 1000, at_most=15),
            *(
                Target(name=f"ms to {name}", measured=median(each) * 1000, at_most=20)
                for name, each in times.items()
                if "status list" in name
            ),
        ],
    )


BASE = "https://badges.example.org"
TOGETHER = 250
FILLS = (0.01, 0.05, 0.5)
ISSUER = Issuer(
    id=DID,
    name="Acme Institute",
    url="https://acme.example/",
    email="badges@acme.example",
    description="A school of crafts",
    image=Image(id=f"{BASE}/logo.png", caption="Three books"),
)
ACHIEVEMENT = Achievement(
    id=f"{BASE}/achievements/1",
    name="Bookbinding I",
    description="Binding of books by hand, from folding to the finished cover.",
    criteria_id="https://acme.example/courses/bookbinding",
    criteria_narrative="Bind three books.",
    type="Certificate",
    image=Image(id=f"{BASE}/badges/1.png", caption="A bound book"),
    tags=("books", "glue", "crafts"),
    language="en",
)


def _credential(number: int) -> dict[str, Any]:
    return achievement_credential(
        id=f"{BASE}/credentials/{number:026d}",
        issuer=ISSUER,
        achievement=ACHIEVEMENT,
        recipient=Recipient(
            id=f"urn:uuid:00000000-0000-4000-8000-{number:012d}",
            name=f"Zoë Übung {number}",
            email=f"zoe{number}@example.org",
            email_salt=f"salt{number}",
        ),
        valid_from=AT,
        awarded=AT,
        image=Image(id=f"{BASE}/credentials/{number:026d}.png", caption=f"Certificate {number}"),
        evidence=(Evidence(id=f"https://acme.example/works/{number}", name="A book", description="Bound in leather"),),
        status=StatusEntry(list_id=f"{BASE}/i/acme/status/1", index=number),
        refresh_address=f"{BASE}/credentials/{number:026d}.json",
    )


def _list(signer: Signer, revoked: list[int], _number: int) -> dict[str, Any]:
    encoded = encoded_list(revoked)
    address = f"{BASE}/i/acme/status/1"
    document = status_list_credential(
        list_url=address, issuer=DID, encoded=encoded, valid_from="2026-11-24T12:00:00Z", ttl_ms=300_000
    )
    return signer.sign(document, created=AT)


def _sign_with_pyld(document: dict[str, Any]) -> dict[str, Any]:
    """The cryptosuite as the specification tells it, with PyLD's own canonical form."""
    options = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-rdfc-2022",
        "created": "2026-11-24T12:00:00Z",
        "verificationMethod": KEY.verification_method,
        "proofPurpose": "assertionMethod",
    }
    hashed = b"".join(
        sha256(_canonical_with_pyld(each).encode()).digest()
        for each in ({"@context": document["@context"], **options}, document)
    )
    value = "z" + base58.b58encode(KEY.private_key.sign(hashed)).decode()
    return {**document, "proof": [{**options, "proofValue": value}]}


def _canonical_with_pyld(document: dict[str, Any]) -> str:
    options = {"algorithm": "URDNA2015", "format": "application/n-quads", "documentLoader": _loaded}
    return str(jsonld.normalize(document, options))


def _loaded(url: str, _options: object) -> dict[str, Any]:
    return {"contextUrl": None, "documentUrl": url, "document": load_context(url), "tag": "static"}
