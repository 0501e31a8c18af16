import pytest
from hypothesis import given
from hypothesis import strategies as st

from testamur.openbadges.merkle import (
    EMPTY_ROOT,
    append,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    root,
    verify_consistency,
    verify_inclusion,
)

# The eight entries with which implementations of Certificate Transparency are tested, and the roots over the first of
# them.
ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


class Store(dict):
    """Nodes as a database keeps them: added once, never changed."""

    def __init__(self, leaves=(), chunk=3):
        super().__init__()
        self.size = self.read = 0
        for at in range(0, len(leaves), chunk):
            self.add(leaves[at : at + chunk])

    def add(self, leaves):
        for node in append(self.node, self.size, leaves):
            assert (node.level, node.index) not in self
            self[node.level, node.index] = node.hash
        self.size += len(leaves)

    def node(self, level, index):
        self.read += 1
        return self[level, index]


def _root(leaves):
    """RFC 9162, section 2.1.1, word for word."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else EMPTY_ROOT
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(_root(leaves[:split]), _root(leaves[split:]))


LEAVES = [leaf_hash(bytes([number % 251, number // 251])) for number in range(300)]
STORE = Store(LEAVES)


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_certificate_transparency(size):
    store = Store([leaf_hash(entry) for entry in ENTRIES])
    assert root(store.node, size).hex() == ROOTS[size]


def test_paths_are_those_of_certificate_transparency():
    store = Store([leaf_hash(entry) for entry in ENTRIES])
    assert [part.hex() for part in inclusion_path(store.node, 0, 8)] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    assert [part.hex() for part in inclusion_path(store.node, 5, 8)] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert [part.hex() for part in consistency_path(store.node, 6, 8)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


@given(st.integers(0, 300))
def test_roots_are_those_of_the_definition(size):
    assert root(STORE.node, size) == _root(LEAVES[:size])


@given(st.integers(1, 100), st.integers(0, 64))
def test_leaves_added_at_once_or_one_by_one_give_the_same_nodes(chunk, size):
    assert Store(LEAVES[:size], chunk) == Store(LEAVES[:size], 1)


@given(st.data())
def test_every_leaf_proves_to_be_in_every_tree_that_has_it(data):
    size = data.draw(st.integers(1, 300))
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(STORE.node, index, size)
    assert verify_inclusion(LEAVES[index], index, size, path, _root(LEAVES[:size]))


@given(st.data())
def test_every_tree_proves_to_follow_every_smaller_one(data):
    new = data.draw(st.integers(0, 300))
    old = data.draw(st.integers(0, new))
    path = consistency_path(STORE.node, old, new)
    assert verify_consistency(old, new, path, _root(LEAVES[:old]), _root(LEAVES[:new]))


@given(st.data())
def test_wrong_inclusion_proofs_are_seen(data):
    size = data.draw(st.integers(2, 300))
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(STORE.node, index, size)
    where = data.draw(st.integers(0, len(path) - 1))
    found = _root(LEAVES[:size])
    for wrong in (path[:where], [*path, path[0]], [*path[:where], bytes(32), *path[where + 1 :]], [*path[:where], b""]):
        assert not verify_inclusion(LEAVES[index], index, size, wrong, found)
    assert not verify_inclusion(LEAVES[(index + 1) % size], index, size, path, found)
    assert not verify_inclusion(LEAVES[index], (index + 1) % size, size, path, found)
    assert not verify_inclusion(LEAVES[index], size, size, path, found)
    assert not verify_inclusion(LEAVES[index], index, size, path, bytes(32))


@given(st.data())
def test_wrong_consistency_proofs_are_seen(data):
    new = data.draw(st.integers(2, 300))
    old = data.draw(st.integers(1, new - 1))
    path = consistency_path(STORE.node, old, new)
    where = data.draw(st.integers(0, len(path) - 1))
    before, after = _root(LEAVES[:old]), _root(LEAVES[:new])
    for wrong in ([], path[:where], [*path, path[0]], [*path[:where], bytes(32), *path[where + 1 :]]):
        assert not verify_consistency(old, new, wrong, before, after)
    assert not verify_consistency(old, new, path, bytes(32), after)
    assert not verify_consistency(old, new, path, before, bytes(32))
    assert not verify_consistency(new, old, path, before, after)


HASHES = st.lists(st.one_of(st.binary(max_size=33), st.sampled_from(LEAVES)), max_size=70)


@given(st.integers(-5, 2**65), st.integers(-5, 2**65), HASHES, st.binary(), st.binary())
def test_anything_given_as_a_proof_is_refused(one, other, path, first, second):
    assert not verify_inclusion(first, one, other, path, second)
    if one != other:
        assert not verify_consistency(one, other, path, first, second)


def test_as_few_nodes_are_read_as_the_tree_is_high():
    size = len(LEAVES)
    STORE.read = 0
    append(STORE.node, size, [bytes(32)] * 50)
    assert STORE.read <= 9
    STORE.read = 0
    root(STORE.node, size)
    assert STORE.read == size.bit_count()


def test_what_is_not_in_the_tree_has_no_proof():
    with pytest.raises(ValueError, match="no leaf 8"):
        inclusion_path(STORE.node, 8, 8)
    with pytest.raises(ValueError, match="does not follow"):
        consistency_path(STORE.node, 9, 8)
