"""The tree hashes as RFC 9162 says and as an independent library does; a proof holds for what it proves alone."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from contract.merkle import (
    completed,
    consistency_proof,
    consistent,
    included,
    inclusion_proof,
    leaf_hash,
    root,
)


def tree(entries: list[bytes]) -> dict[tuple[int, int], bytes]:
    """The nodes of a tree that grew entry by entry."""
    nodes: dict[tuple[int, int], bytes] = {}
    for index, entry in enumerate(entries):
        for level, place, value in completed(index, leaf_hash(entry), lambda lv, i: nodes[lv, i]):
            nodes[level, place] = value
    return nodes


ENTRIES = [f"entry {number}".encode() for number in range(70)]
NODES = tree(ENTRIES)


def at(level: int, index: int) -> bytes:
    return NODES[level, index]


def test_roots_are_those_of_another_implementation() -> None:
    other = InmemoryTree(algorithm="sha256")
    assert root(0, at) == hashlib.sha256(b"").digest()
    for size, entry in enumerate(ENTRIES, start=1):
        other.append_entry(entry)
        assert root(size, at) == other.get_root(size)


def test_the_published_vector_of_rfc_6962() -> None:
    """Google's Certificate Transparency test vector: eight leaves, roots of one, two, three and all of them."""
    leaves = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                                               "606162636465666768696a6b6c6d6e6f")]  # fmt: skip
    nodes = tree(leaves)
    roots = [root(size, lambda level, i: nodes[level, i]).hex() for size in (1, 2, 3, 8)]
    assert roots == [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]


def test_every_proof_of_every_size_holds_and_only_where_it_belongs() -> None:
    for size in range(1, 35):
        head = root(size, at)
        for index in range(size):
            path = inclusion_proof(index, size, at)
            leaf = leaf_hash(ENTRIES[index])
            assert included(leaf, index, size, path, head)
            assert not included(leaf_hash(b"other"), index, size, path, head)
            assert not included(leaf, index, size, [*path, head], head)
            assert not included(leaf, (index + 1) % size, size, path, head) or size == 1
        for before in range(1, size + 1):
            path = consistency_proof(before, size, at)
            assert consistent(before, root(before, at), size, head, path)
            assert not consistent(before, leaf_hash(b"x"), size, head, path)
            assert not consistent(before, root(before, at), size, leaf_hash(b"x"), path)


@given(st.integers(2, 70), st.data())
def test_one_changed_bit_of_a_proof_breaks_it(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_proof(index, size, at)
    place, bit = data.draw(st.integers(0, len(path) - 1)), data.draw(st.integers(0, 255))
    spoilt = bytearray(path[place])
    spoilt[bit // 8] ^= 1 << bit % 8
    path[place] = bytes(spoilt)
    assert not included(leaf_hash(ENTRIES[index]), index, size, path, root(size, at))


def test_a_place_outside_the_tree_is_refused() -> None:
    with pytest.raises(ValueError, match="is not in a tree"):
        inclusion_proof(5, 5, at)
    with pytest.raises(ValueError, match="has no beginning"):
        consistency_proof(6, 5, at)
    assert not included(leaf_hash(ENTRIES[0]), 0, 0, [], root(0, at))
    assert not consistent(0, root(0, at), 5, root(5, at), [])
