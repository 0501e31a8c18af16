"""Proof bundles: written alike, read within limits."""

import io
import json
import zipfile
from contextlib import suppress

import pytest
from badge_server import BadgeServer
from hypothesis import given
from hypothesis import strategies as st

from testamur.openbadges.bundles import InvalidBundle, read_bundle, write_bundle
from testamur.openbadges.contexts import PINNED, read_context
from testamur.openbadges.resolving import Unreachable
from testamur.openbadges.transparency import LogProof


@pytest.fixture(scope="module")
def parts():
    server = BadgeServer()
    server.close()
    return {
        "credential": json.dumps(server.credential()).encode(),
        "jwt": "a.b.c",
        "did_document": json.dumps(server.pages["/i/acme/did.json"]).encode(),
        "status_list": json.dumps(server.pages["/status/1"]).encode(),
    }


def contents(bundle):
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(members):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def test_the_same_content_is_the_same_bytes(parts):
    assert write_bundle(**parts) == write_bundle(**parts)


def test_a_bundle_holds_all_that_is_needed_and_explains_it(parts):
    found = contents(write_bundle(**parts))
    assert found["credential.json"] == parts["credential"]
    index = json.loads(found["contexts/index.json"])
    needed = {
        url for part in ("credential", "did_document", "status_list") for url in json.loads(parts[part])["@context"]
    }
    assert index.keys() == needed
    for url, name in index.items():
        assert found[f"contexts/{name}"] == read_context(url)
    readme = found["README.txt"].decode()
    assert "Welding" in readme
    assert "testamur verify credential.json --bundle bundle.zip" in readme
    assert "log-proof" not in readme
    assert "|" not in readme
    assert len(readme.splitlines()) < 66, "it is one page"


def test_what_was_written_is_read_and_served_at_its_addresses(parts):
    proof = LogProof(entry="{}", index=3, path=["aa"], checkpoint="log\n")
    written = write_bundle(**parts, log_proof=proof)
    bundle = read_bundle(written)
    assert (bundle.credential, bundle.jwt, bundle.log_proof) == (parts["credential"], "a.b.c", proof)
    assert "log-proof.json" in contents(written)["README.txt"].decode()
    status = json.loads(parts["status_list"])["id"]
    assert bundle.fetch(status) == parts["status_list"]
    assert sorted(bundle.documents.values()) == sorted([parts["status_list"], parts["did_document"]])
    with pytest.raises(Unreachable, match="not in the bundle"):
        bundle.fetch("https://example.org/")
    assert not set(bundle.documents) & set(PINNED)


def test_without_a_status_list_none_is_explained(parts):
    found = contents(write_bundle(**{**parts, "status_list": None}))
    assert "status-list.json" not in found
    assert "revoked" not in found["README.txt"].decode()
    assert len(read_bundle(write_bundle(**{**parts, "status_list": None})).documents) == 1


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({}, "no credential.json"),
        ({"credential.json": b"{}"}, "no did.json"),
        ({"credential.json": b"{}", "did.json": b"[]"}, "cannot be read"),
        ({"credential.json": b"{}", "did.json": b'{"id": "did:example:1"}'}, "cannot be read"),
        ({"credential.json": b"{}", "did.json": b'{"id": "did:web:x"}', "log-proof.json": b"7"}, "log-proof.json"),
        ({f"{number}": b"" for number in range(101)}, "more than 100"),
    ],
)
def test_what_is_no_bundle_is_refused_with_a_reason(members, told):
    with pytest.raises(InvalidBundle, match=told):
        read_bundle(zipped(members))


def test_an_entry_in_another_compression_is_refused():
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("credential.json", b"{}")
    with pytest.raises(InvalidBundle, match="compressed in a way"):
        read_bundle(made.getvalue())


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 255))
def test_damaged_bytes_are_refused_or_read(parts, tail, at, value):
    damaged = bytearray(zipped({"credential.json": b"{}", "did.json": b'{"id": "did:web:x"}'}) + tail)
    damaged[at % len(damaged)] = value
    with suppress(InvalidBundle):
        read_bundle(bytes(damaged))
