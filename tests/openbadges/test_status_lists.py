import gzip
import time
from base64 import urlsafe_b64encode
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testamur.openbadges.status_lists import (
    ENTRIES,
    InvalidStatusList,
    StatusIndexes,
    encoded_list,
    is_set,
    status_list_credential,
)

PLACES = st.integers(0, ENTRIES - 1)


def _encoded(content: bytes) -> str:
    return "u" + urlsafe_b64encode(gzip.compress(content, 1, mtime=0)).rstrip(b"=").decode()


def test_every_counter_has_a_place_of_its_own():
    indexes = StatusIndexes(b"secret", "https://a.example/status/1")
    assert sorted(map(indexes.index, range(ENTRIES))) == list(range(ENTRIES))


def test_places_tell_no_order():
    indexes = StatusIndexes(b"secret", "https://a.example/status/1")
    places = [indexes.index(counter) for counter in range(10_000)]
    risen = sum(before < after for before, after in pairwise(places))
    assert 4_800 < risen < 5_200
    assert abs(sum(places) / len(places) - ENTRIES / 2) < 1_500


def test_each_secret_and_list_has_its_own_order():
    orders = {
        tuple(StatusIndexes(secret, name).index(counter) for counter in range(5))
        for secret in (b"one", b"two")
        for name in ("a", "b")
    }
    assert len(orders) == 4


@pytest.mark.parametrize("counter", [-1, ENTRIES])
def test_a_full_list_has_no_further_place(counter):
    with pytest.raises(ValueError, match="131072 places"):
        StatusIndexes(b"secret", "a").index(counter)


def test_the_first_bit_is_the_most_significant_one():
    bits = bytearray(ENTRIES // 8)
    bits[0], bits[1] = 0b1000_0000, 0b0000_0001
    for encoded in (_encoded(bytes(bits)), encoded_list([0, 15])):
        assert [index for index in range(24) if is_set(encoded, index)] == [0, 15]


def test_the_list_of_the_standard_is_read():
    # Bitstring Status List 1.0, example 2: nothing is set.
    encoded = "uH4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA"
    assert not any(is_set(encoded, index) for index in (0, 94_567, ENTRIES - 1))


@given(st.sets(PLACES, max_size=50), PLACES)
@settings(deadline=None, max_examples=30)
def test_places_that_are_set_and_no_others_are_read_as_set(places, other):
    encoded = encoded_list(places)
    assert all(is_set(encoded, place) for place in places)
    assert is_set(encoded, other) == (other in places)


def test_the_same_places_give_the_same_text():
    assert encoded_list([5, 9, 100]) == encoded_list(iter([100, 9, 5, 5]))


def test_a_longer_list_is_read_to_its_end():
    encoded = encoded_list([ENTRIES + 7], ENTRIES + 8)
    assert is_set(encoded, ENTRIES + 7)
    with pytest.raises(InvalidStatusList, match="no place"):
        is_set(encoded, ENTRIES + 8)


@pytest.mark.parametrize(("places", "size"), [([ENTRIES], ENTRIES), ([-1], ENTRIES), ([], 8_192), ([], ENTRIES + 1)])
def test_lists_that_cannot_be_are_not_made(places, size):
    with pytest.raises(ValueError, match="place"):
        encoded_list(places, size)


GOOD = _encoded(bytes(ENTRIES // 8))


@pytest.mark.parametrize(
    ("encoded", "index", "reason"),
    [
        ("", 0, "base64url"),
        ("u", 0, "base64url"),
        (GOOD[1:], 0, "base64url"),
        ("z" + GOOD[1:], 0, "base64url"),
        (GOOD + "=", 0, "base64url"),
        ("uAAAA", 0, "decompressed"),
        ("uA", 0, "broken"),
        (GOOD[:-20], 0, "broken"),
        (GOOD[:-6] + "AAAAAA", 0, "broken"),
        (_encoded(b"") * 2, 0, "broken"),
        (_encoded(bytes(8_192 // 8)), 0, "fewer than the 131072"),
        (GOOD, ENTRIES, "no place"),
        (GOOD, -1, "no place"),
    ],
)
def test_lists_that_are_none_are_refused(encoded, index, reason):
    with pytest.raises(InvalidStatusList, match=reason):
        is_set(encoded, index)


def test_two_lists_in_one_are_refused():
    content = gzip.compress(bytes(ENTRIES // 8))
    with pytest.raises(InvalidStatusList, match="broken"):
        is_set("u" + urlsafe_b64encode(content + content).rstrip(b"=").decode(), 0)


def test_a_bomb_is_refused_before_it_bursts():
    bomb = _encoded(bytes(100_000_000))
    start = time.monotonic()
    with pytest.raises(InvalidStatusList, match="too large"):
        is_set(bomb, 0)
    assert time.monotonic() - start < 2


@given(st.one_of(st.text(), st.binary().map(_encoded), st.binary().map(lambda content: "u" + content.hex())))
def test_anything_is_read_or_refused(text):
    with pytest.raises(InvalidStatusList):
        is_set(text, 0)


def test_the_list_is_a_credential_that_never_ends():
    credential = status_list_credential(
        list_url="https://a.example/status/1",
        issuer="did:web:a.example",
        encoded=GOOD,
        valid_from="2026-01-01T00:00:00Z",
        ttl_ms=300_000,
    )
    assert credential["type"] == ["VerifiableCredential", "BitstringStatusListCredential"]
    assert credential["credentialSubject"]["ttl"] == 300_000
    assert credential["credentialSubject"]["statusPurpose"] == "revocation"
    assert "validUntil" not in credential
