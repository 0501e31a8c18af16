"""Proof bundles: a signed credential in a ZIP with all that verifying it takes, for a time when nobody answers any more.

What a bundle cannot prove is whose the keys in it are: anybody can put a bundle together. Who verifies with one has to
know the issuer's key from elsewhere; README.txt in it says so.
"""

import io
import zlib
from collections.abc import Mapping
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import msgspec

from testamur.openbadges.contexts import PINNED, UnknownContext, read_context
from testamur.openbadges.dids import InvalidDID, web_did_address
from testamur.openbadges.json_documents import UnreadableJSON, read_object
from testamur.openbadges.resolving import Unreachable
from testamur.openbadges.transparency import LogProof

BYTES_MAX = 10_000_000
FILE_BYTES_MAX = 2_000_000
_ENTRIES_MAX = 100
# Every ZIP entry has a date, and the earliest that it can have says nothing.
_NO_DATE = (1980, 1, 1, 0, 0, 0)
_CREDENTIAL, _JWT, _DID, _STATUS, _LOG = (
    "credential.json", "credential.jwt", "did.json", "status-list.json", "log-proof.json",
)  # fmt: skip


class InvalidBundle(ValueError):
    """It is no proof bundle, or one that should not be unpacked. The message says why."""


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """What is verified offline: the credential as JSON with its proof and as JWT, and documents by their addresses."""

    credential: bytes
    jwt: str | None
    documents: Mapping[str, bytes]
    log_proof: LogProof | None = None

    def fetch(self, url: str) -> bytes:
        """What the bundle has of an address. Raises Unreachable; nothing is looked up anywhere else."""
        try:
            return self.documents[url]
        except KeyError:
            raise Unreachable("it is not in the bundle, and nothing is looked up elsewhere") from None


def write_bundle(
    *,
    credential: bytes,
    jwt: str,
    did_document: bytes,
    status_list: bytes | None,
    log_proof: LogProof | None = None,
) -> bytes:
    """The ZIP; the same content always gives the same bytes.

    `credential` is JSON with an embedded proof, `did_document` that of its issuer, `status_list` the status list
    credential that it names, if it names one.
    """
    parts = {_CREDENTIAL: credential, _JWT: jwt.encode(), _DID: did_document}
    if status_list is not None:
        parts[_STATUS] = status_list
    if log_proof is not None:
        parts[_LOG] = msgspec.json.encode(log_proof)
    contexts = _contexts_of(*(part for name, part in parts.items() if name in {_CREDENTIAL, _DID, _STATUS}))
    parts |= {f"contexts/{PINNED[url][0]}": read_context(url) for url in contexts}
    named = {url: PINNED[url][0] for url in contexts}
    parts["contexts/index.json"] = msgspec.json.format(msgspec.json.encode(named), indent=2)
    readme = _readme(msgspec.json.decode(credential), parts)
    made = io.BytesIO()
    with ZipFile(made, "w", ZIP_DEFLATED) as archive:
        for name, content in {"README.txt": readme.encode(), **parts}.items():
            entry = ZipInfo(name, _NO_DATE)
            entry.compress_type, entry.create_system, entry.external_attr = ZIP_DEFLATED, 3, 0o644 << 16
            archive.writestr(entry, content)
    return made.getvalue()


def read_bundle(content: bytes) -> Bundle:
    """What is in a bundle. Nothing is written anywhere, and no more is unpacked than a bundle may hold.

    Raises InvalidBundle.
    """
    if len(content) > BYTES_MAX:
        raise InvalidBundle(f"The bundle is larger than {BYTES_MAX // 1_000_000} MB")
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            if len(archive.infolist()) > _ENTRIES_MAX:
                raise InvalidBundle(f"There are more than {_ENTRIES_MAX} files in the bundle")
            found = {name: _read(archive, name) for name in (_CREDENTIAL, _JWT, _DID, _STATUS, _LOG)}
    except (BadZipFile, zlib.error, RuntimeError, EOFError, OSError, ValueError) as error:
        if isinstance(error, InvalidBundle):
            raise
        raise InvalidBundle("The bundle is no ZIP that can be read") from None
    credential, jwt, did_document = found[_CREDENTIAL], found[_JWT], found[_DID]
    if credential is None or did_document is None:
        raise InvalidBundle(f"There is no {_CREDENTIAL if credential is None else _DID} in the bundle")
    return Bundle(
        credential=credential,
        jwt=None if jwt is None else jwt.decode("ascii", "replace"),
        documents=dict(_addressed(did_document, found[_STATUS])),
        log_proof=_log_proof(found[_LOG]),
    )


def _read(archive: ZipFile, name: str) -> bytes | None:
    try:
        entry = archive.getinfo(name)
    except KeyError:
        return None
    if entry.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        raise InvalidBundle(f"{name} in the bundle is compressed in a way that is not read here")
    # What the directory says of sizes is not believed.
    with archive.open(entry) as file:
        content = file.read(FILE_BYTES_MAX + 1)
    if len(content) > FILE_BYTES_MAX:
        raise InvalidBundle(f"{name} in the bundle is larger than {FILE_BYTES_MAX // 1_000_000} MB")
    return content


def _addressed(did_document: bytes, status_list: bytes | None) -> list[tuple[str, bytes]]:
    """Documents beside the addresses that they are served at: that of the DID, and the id of the status list."""
    try:
        found = [(web_did_address(str(read_object(did_document).get("id"))), did_document)]
        if status_list is not None:
            found.append((str(read_object(status_list).get("id")), status_list))
    except (UnreadableJSON, InvalidDID):
        raise InvalidBundle("The DID document or the status list in the bundle cannot be read") from None
    return found


def _log_proof(content: bytes | None) -> LogProof | None:
    if content is None:
        return None
    try:
        return msgspec.json.decode(content, type=LogProof)
    except msgspec.MsgspecError:
        raise InvalidBundle(f"{_LOG} in the bundle cannot be read") from None


def _contexts_of(*documents: bytes) -> list[str]:
    """The addresses of the contexts that the documents name, each once. Raises UnknownContext."""
    named = [url for document in documents for url in _listed(msgspec.json.decode(document).get("@context"))]
    found = [url for url in dict.fromkeys(named) if isinstance(url, str)]
    for url in found:
        if url not in PINNED:
            raise UnknownContext(url)
    return found


def _readme(credential: Mapping[str, Any], parts: Mapping[str, bytes]) -> str:
    issuer = credential["issuer"]["id"]
    status = credential.get("credentialStatus")
    told = _README.format(
        name=credential.get("name") or credential["credentialSubject"]["achievement"]["name"],
        issuer_name=credential["issuer"].get("name", ""),
        issuer=issuer,
        key=_listed(credential["proof"])[0]["verificationMethod"],
        did_address=web_did_address(issuer),
        status_address=status["statusListCredential"] if status else "",
    )
    lines = told.split("\n")
    # What is not in this bundle is not explained.
    wanted = [line for line in lines if not line.startswith("?") or line[1:].partition("|")[0] in parts]
    return "\n".join(line.partition("|")[2] if line.startswith("?") else line for line in wanted)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


_README = """\
PROOF BUNDLE

of the credential   {name}
awarded by          {issuer_name}
signed with the key {key}

Everything that is needed to verify the credential is in this ZIP, also when the
server that issued it is gone. Keep it together with what proves whose the key is.

What is in it

  credential.json    The credential: an Open Badge 3.0 with its signature in it
                     (Data Integrity proof, eddsa-rdfc-2022). Not one letter of
                     what it says can be changed without breaking the signature.
  credential.jwt     The same credential as a JWT (RS256).
  did.json           The issuer's public keys: its DID document, as it was served
                     at {did_address}
?status-list.json|  status-list.json   Which credentials were revoked when this bundle was made, signed
?status-list.json|                     by the issuer. It was served at
?status-list.json|                     {status_address}
?log-proof.json|  log-proof.json     That the credential stands in the public log of the server, whose
?log-proof.json|                     head is signed (add --log-key KEY to check it too).
  contexts/          What the words in these documents mean (JSON-LD contexts), by
                     their addresses in contexts/index.json.

How to verify it

  With Testamur, without a network:

    testamur verify credential.json --bundle bundle.zip --known-issuer DID#KEY

  where DID#KEY is the issuer's key as you know it from elsewhere (see below).

  With any other software for Open Badges 3.0 or W3C Verifiable Credentials 2.0:
  give it credential.json or credential.jwt. Software that looks up keys and lists
  itself needs the addresses above, or must be told to take the files of this ZIP
  for them (a "document loader").

What it proves, and what not

  That the credential is exactly what was signed with the key above. Anybody can
  make keys and a bundle, so make sure that the key is the issuer's: compare it
  with what {did_address}
  serves, with a copy of that document that you have kept or got from somebody you
  trust, or ask the issuer.

?status-list.json|  That it was not revoked when this bundle was made. Whether it has been revoked
?status-list.json|  since, only the issuer's current list can tell.
"""
