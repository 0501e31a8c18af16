import hashlib
from importlib import resources

import pytest

from testamur.openbadges import contexts
from testamur.openbadges.contexts import PINNED, DamagedContext, UnknownContext, load_context, read_context


@pytest.mark.parametrize("url", PINNED)
def test_a_bundled_context_is_the_pinned_one(url):
    assert hashlib.sha256(read_context(url)).hexdigest() == PINNED[url][1]
    assert "@context" in load_context(url)


def test_no_file_of_the_bundle_is_without_a_pin():
    files = {file.name for file in resources.files(contexts).iterdir() if file.name.endswith(".jsonld")}
    assert files == {name for name, _ in PINNED.values()}


@pytest.mark.parametrize(
    "url", ["https://evil.example/v1", "", "file:///etc/passwd", "https://www.w3.org/ns/credentials/v2/"]
)
def test_an_unknown_context_is_refused_and_not_fetched(url):
    with pytest.raises(UnknownContext, match="not known here"):
        load_context(url)


def test_a_damaged_file_is_not_used(monkeypatch):
    monkeypatch.setitem(PINNED, contexts.CREDENTIALS_V2, ("credentials-v1.jsonld", PINNED[contexts.CREDENTIALS_V2][1]))
    with pytest.raises(DamagedContext, match=r"credentials-v1\.jsonld"):
        read_context(contexts.CREDENTIALS_V2)


# The compiled shapes rest on this: no value with a colon is a term, no usual scheme is a prefix.
def test_no_context_gives_a_meaning_to_an_address():
    for url in PINNED:
        terms = set(_terms(load_context(url)["@context"]))
        assert not {term for term in terms if ":" in term}
        assert not terms & {"http", "https", "urn", "did", "mailto", "data", "tel"}


def _terms(context):
    for part in context if isinstance(context, list) else [context]:
        if isinstance(part, dict):
            for term, definition in part.items():
                yield term
                if isinstance(definition, dict) and "@context" in definition:
                    yield from _terms(definition["@context"])
