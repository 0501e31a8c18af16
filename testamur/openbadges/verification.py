"""Whether an Open Badge is what it claims to be: ours or anybody's, as JSON, JWT, baked picture or address.

Whatever is given, there is a report and no exception. Nothing here opens a connection; see `verify`.
"""

import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Container, Mapping
from datetime import datetime
from typing import Any

import msgspec

from testamur.openbadges.baking import Unreadable, unbake
from testamur.openbadges.credential_rules import credential_problems
from testamur.openbadges.data_integrity import InvalidProof, verify_proof
from testamur.openbadges.hosted_verification import is_hosted, verify_hosted
from testamur.openbadges.json_documents import BYTES_MAX, UnreadableJSON, checked_object, read_object
from testamur.openbadges.jwt_credentials import read_jwt
from testamur.openbadges.reports import (
    Facts,
    Report,
    Step,
    expiration_step,
    issuer_step,
    report,
    schema_step,
    text_or_none,
    unreadable,
)
from testamur.openbadges.resolving import Fetches, Unreachable, Unresolved, assertion_key
from testamur.openbadges.status_lists import InvalidStatusList, is_set
from testamur.openbadges.transparency import InvalidLogProof, LogProof, verify_log_proof

_JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PICTURES = (b"\x89PNG", b"<")
_PAGE = re.compile(rb"\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_NODE_KEYWORDS = {"@context"}
_VALUE_KEYWORDS = {"@value", "@language", "@direction"}
_ROOT_MEMBERS = {"validFrom", "validUntil", "credentialStatus"}


class _NoBadge(Exception):
    """What was given is no badge. The message is a sentence."""


class _Uncheckable(Exception):
    """Whether it is revoked could not be found out. The message is the end of a sentence."""


class _Badge(msgspec.Struct, frozen=True, kw_only=True):
    """A badge as read, before anything of it is believed. `jwt` is the whole token if it came as one."""

    document: Mapping[str, Any]
    jwt: str | None = None


def verify(
    content: bytes | str | Mapping[str, Any],
    *,
    fetch: Callable[[str], bytes],
    at: datetime,
    known_issuers: Container[str] = (),
    log_proof: LogProof | None = None,
    log_key: str = "",
) -> Report:
    """Looks at a badge and reports (VC 2.0, section 7.1; Open Badges 3.0, section 8; Open Badges 2.0, Verification).

    `content` is JSON with an embedded proof, a JWT, a baked PNG or SVG, a hosted assertion of Open Badges 2.0, or the
    address of one of these. `at` is the time, with its zone, at which it should be valid. `known_issuers` are ids
    of issuers (DIDs or addresses) of whom is known who they are.

    `fetch` gets what is at an address: DID documents, status lists, hosted assertions. It raises Unreachable if it
    cannot or may not, and Gone for a 410. It must enter no private network, follow no redirects, and have limits of
    time and size; it is called eight times at most.

    With `log_proof`, a further step `transparency` tells whether the log whose key is `log_key` holds the badge.
    """
    fetches = Fetches(fetch)
    try:
        badge = _read(content, fetches)
    except _NoBadge as error:
        return unreadable(str(error))
    if is_hosted(badge.document):
        return verify_hosted(badge.document, fetch=fetches, at=at, known_issuers=known_issuers)
    facts = _facts(badge.document)
    if "VerifiableCredential" not in _listed(badge.document.get("type")) or facts.issuer is None:
        return unreadable("This is not an Open Badge.", facts, badge.document)
    signature = _signature_step(badge, fetches, at)
    is_proven = signature.status == "passed"
    steps = [
        signature,
        expiration_step(badge.document.get("validFrom"), badge.document.get("validUntil"), at),
        _revocation_step(badge.document, facts.issuer, fetches, at, is_proven=is_proven),
        issuer_step(facts.issuer, known_issuers, is_proven=is_proven),
        schema_step(credential_problems(badge.document), "Open Badges 3.0"),
    ]
    if log_proof is not None:
        steps.append(_transparency_step(badge, log_proof, log_key))
    return report(steps, facts, badge.document)


def _read(content: bytes | str | Mapping[str, Any], fetch: Fetches) -> _Badge:
    """Raises _NoBadge."""
    if isinstance(content, Mapping):
        return _Badge(document=_checked(content))
    if isinstance(content, str) and content.strip().startswith(("https://", "http://")):
        content = _fetched(url := content.strip(), fetch)
        if _PAGE.match(content[:1000].removeprefix(_BYTE_ORDER_MARK)):
            raise _NoBadge(f"At {url} is a page for people. Download the badge there, or take the address of its JSON.")
    if isinstance(content, bytes) and content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(_PICTURES):
        try:
            baked = unbake(content)
        except Unreadable as error:
            raise _NoBadge(f"{error}.") from None
        content = (baked.credential or baked.assertion or "").strip()
        if content.startswith(("https://", "http://")):
            content = _fetched(content, fetch)
    return _read_text(content)


def _read_text(content: bytes | str) -> _Badge:
    try:
        text = content if isinstance(content, str) else content.decode("utf-8-sig")
        if _JWT.fullmatch(text.strip()) and len(text) <= BYTES_MAX:
            return _read_token(text.strip())
        return _Badge(document=read_object(text))
    except UnreadableJSON as error:
        raise _NoBadge(f"This is not an Open Badge. {error}.") from None
    except UnicodeDecodeError:
        raise _NoBadge("This is neither a badge nor a picture that holds one.") from None


def _read_token(text: str) -> _Badge:
    """A JWT, of which nothing is believed yet. Raises UnreadableJSON and _NoBadge."""
    header, payload, _signature = text.split(".")
    try:
        read_object(urlsafe_b64decode(header + "=" * (-len(header) % 4)))
        document = read_object(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        raise _NoBadge("This looks like a JWT, but its parts cannot be read.") from None
    return _Badge(document=document, jwt=text)


def _checked(content: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return checked_object(content)
    except UnreadableJSON as error:
        raise _NoBadge(f"This is not an Open Badge. {error}.") from None


def _fetched(url: str, fetch: Fetches) -> bytes:
    try:
        return fetch(url)
    except Unreachable as error:
        raise _NoBadge(f"Nothing could be fetched from {url}: {error}.") from None


def _signature_step(badge: _Badge, fetch: Fetches, at: datetime) -> Step:
    issuer = _id(badge.document.get("issuer")) or ""
    try:
        _prove(badge, issuer, fetch, at)
    except (InvalidProof, Unresolved) as error:
        return Step("valid_signature", "failed", f"{str(error).rstrip('.')}.")
    return Step("valid_signature", "passed", f"It was signed by {issuer} and nothing in it was changed since.")


def _prove(badge: _Badge, issuer: str, fetch: Fetches, at: datetime) -> None:
    """Raises InvalidProof or Unresolved."""
    if badge.jwt is not None:
        # Whether the key is one for the algorithm is looked at there.
        read_jwt(badge.jwt, lambda kid, _algorithm: assertion_key(kid, issuer, fetch))
    else:
        _check_plainness(badge.document)
        verify_proof(badge.document, lambda method: assertion_key(method, issuer, fetch), at=at)


def _check_plainness(document: Mapping[str, Any]) -> None:
    """Raises InvalidProof for JSON-LD that says the same as another document, but not to who reads it as JSON.

    An embedded proof covers the graph, not the JSON. By the address of a term instead of its name, by a context of its
    own, or in another node of the same id, `validUntil` and `credentialStatus` would still be signed but not be seen.
    """
    contexts = document.get("@context")
    proofs = [proof for proof in _listed(document.get("proof")) if isinstance(proof, Mapping)]
    if any(proof.get("@context", contexts) != contexts for proof in proofs):
        raise InvalidProof("Its proof has another context than it has itself")
    todo: list[tuple[Any, bool]] = [(document, True)]
    while todo:
        value, is_root = todo.pop()
        if isinstance(value, list):
            todo += [(part, False) for part in value]
        if not isinstance(value, Mapping):
            continue
        todo += [(part, False) for name, part in value.items() if name != "@context"]
        keywords = _VALUE_KEYWORDS if "@value" in value else _NODE_KEYWORDS
        if any(":" in name or (name.startswith("@") and name not in keywords) for name in value):
            raise InvalidProof("Members of it are named by addresses or keywords, which can hide what was signed")
        if not all(isinstance(context, str) for context in _listed(value.get("@context", []))):
            raise InvalidProof("It brings along a context of its own, which can hide what was signed")
        is_same = not is_root and "id" in value and value["id"] == document.get("id")
        if is_same and not _ROOT_MEMBERS.isdisjoint(value):
            raise InvalidProof("Something that is said of the credential as a whole is hidden within a part of it")


def _revocation_step(
    credential: Mapping[str, Any], issuer: str, fetch: Fetches, at: datetime, *, is_proven: bool
) -> Step:
    name = "revocation_status"
    if not is_proven:
        return Step(name, "skipped", "The signature is not valid, so nobody was asked.")
    if "credentialStatus" not in credential:
        return Step(name, "skipped", "Its issuer made no provision for revoking it.")
    entries = _listed(credential["credentialStatus"])
    try:
        found = [_found_status(entry, credential, issuer, fetch, at) for entry in entries]
    except _Uncheckable as error:
        return Step(name, "failed", f"Whether it is revoked could not be checked: {error}.")
    if "revoked" in found:
        return Step(name, "failed", "The issuer has revoked it.")
    if "suspended" in found:
        return Step(name, "failed", "The issuer has suspended it.")
    return Step(name, "passed", "The issuer has not revoked it.")


def _found_status(entry: Any, credential: Mapping[str, Any], issuer: str, fetch: Fetches, at: datetime) -> str | None:
    """What the issuer has done with the credential by one of its status entries. Raises _Uncheckable."""
    match entry:
        case {
            "type": "BitstringStatusListEntry",
            "statusPurpose": str(purpose),
            "statusListIndex": str(index),
            "statusListCredential": str(url),
        } if re.fullmatch(r"[0-9]{1,10}", index) and entry.get("statusSize", 1) == 1:
            word = {"revocation": "revoked", "suspension": "suspended"}.get(purpose)
            # Other purposes tell something, but do not take the badge's validity away.
            if word and _is_listed(_proven_list(url, issuer, fetch, at), url, purpose, int(index), at):
                return word
            return None
        case {"type": "1EdTechRevocationList" | ["1EdTechRevocationList"], "id": str(url)}:
            return "revoked" if _is_in_revocation_list(url, credential.get("id"), issuer, fetch) else None
    raise _Uncheckable("its status is written in a way that is not known here")


def _is_listed(credential: Mapping[str, Any], url: str, purpose: str, index: int, at: datetime) -> bool:
    """Whether the place is set in the list from that address (Bitstring Status List 1.0, section 3.2).

    Raises _Uncheckable.
    """
    match credential.get("credentialSubject"):
        case {"type": "BitstringStatusList", "statusPurpose": purposes, "encodedList": str(encoded)}:
            pass
        case _:
            raise _Uncheckable("the status list has no list in it")
    if "BitstringStatusListCredential" not in _listed(credential.get("type")):
        raise _Uncheckable("the status list is a credential of another kind")
    if credential.get("id", url) != url:
        raise _Uncheckable("the status list is that of another address")
    if purpose not in _listed(purposes):
        raise _Uncheckable(f"the status list is not for {purpose}")
    if expiration_step(credential.get("validFrom"), credential.get("validUntil"), at).status == "failed":
        raise _Uncheckable("the status list is not valid now")
    try:
        return is_set(encoded, index)
    except InvalidStatusList as error:
        raise _Uncheckable(_continued(str(error))) from None


def _proven_list(url: str, issuer: str, fetch: Fetches, at: datetime) -> Mapping[str, Any]:
    """The status list credential there, if that issuer signed it. Raises _Uncheckable."""
    try:
        badge = _read_text(fetch(url))
        if _id(badge.document.get("issuer")) != issuer:
            raise _Uncheckable("the status list is by another issuer")
        _prove(badge, issuer, fetch, at)
    except Unreachable as error:
        raise _Uncheckable(f"the status list at {url} could not be fetched, {error}") from None
    except _NoBadge:
        raise _Uncheckable(f"there is no status list at {url}") from None
    except (InvalidProof, Unresolved) as error:
        raise _Uncheckable(f"the signature of the status list is not valid. {str(error).rstrip('.')}") from None
    return badge.document


def _is_in_revocation_list(url: str, credential_id: Any, issuer: str, fetch: Fetches) -> bool:
    """The unsigned list that Open Badges 3.0 knows besides (1EdTech Revocation List 1.0). Raises _Uncheckable."""
    try:
        found = read_object(fetch(url))
    except Unreachable as error:
        raise _Uncheckable(f"the revocation list at {url} could not be fetched, {error}") from None
    except UnreadableJSON:
        raise _Uncheckable(f"there is no revocation list at {url}") from None
    entries = found.get("revokedCredential", found.get("revokedCredentials"))
    if not isinstance(entries, list) or _id(found.get("issuer")) != issuer:
        raise _Uncheckable(f"there is no revocation list of the issuer at {url}")
    return any(
        isinstance(entry, Mapping) and entry.get("id") == credential_id and entry.get("revoked", True) is not False
        for entry in entries
    )


def _transparency_step(badge: _Badge, proof: LogProof, key: str) -> Step:
    try:
        entry, head = verify_log_proof(proof, badge.jwt or badge.document, key)
    except InvalidLogProof as error:
        return Step("transparency", "failed", f"{error}.")
    reason = f"Among the {head.size} entries of the log {head.origin} is that it was signed at {entry.time}."
    return Step("transparency", "passed", reason)


def _continued(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _facts(credential: Mapping[str, Any]) -> Facts:
    subject = credential.get("credentialSubject")
    subject = subject if isinstance(subject, Mapping) else {}
    achievement = subject.get("achievement")
    achievement = achievement if isinstance(achievement, Mapping) else {}
    issuer = credential.get("issuer")
    return Facts(
        standard="Open Badges 3.0",
        id=text_or_none(credential.get("id")),
        name=text_or_none(credential.get("name")) or text_or_none(achievement.get("name")),
        issuer=text_or_none(_id(issuer)),
        issuer_name=text_or_none(issuer.get("name")) if isinstance(issuer, Mapping) else None,
        recipient=text_or_none(subject.get("name")) or _identity(subject.get("identifier")),
        valid_from=text_or_none(credential.get("validFrom")),
        valid_until=text_or_none(credential.get("validUntil")),
    )


def _identity(identifiers: Any) -> str | None:
    """The name among the identifiers of a recipient, or else the first that is not hashed."""
    plain = [
        (identifier.get("identityType") != "name", text)
        for identifier in _listed(identifiers)
        if isinstance(identifier, Mapping)
        and identifier.get("hashed") is False
        and (text := text_or_none(identifier.get("identityHash")))
    ]
    return min(plain)[1] if plain else None


def _id(value: Any) -> str | None:
    found = value.get("id") if isinstance(value, Mapping) else value
    return found if isinstance(found, str) else None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
