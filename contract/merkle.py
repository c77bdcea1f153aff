"""A Merkle tree as RFC 9162 section 2.1 hashes it (the same as RFC 6962's), and the check of its two proofs.

Pure. Leaves are counted from 0; a node of `level` and `index` is the hash over the complete subtree of leaves
[index * 2**level, (index + 1) * 2**level). Whoever keeps a tree hands its nodes over as a function; who checks a proof
needs the root alone. Hashes are 32 bytes of SHA-256.
"""

import hashlib
from collections.abc import Callable, Sequence

#: The hash of a complete subtree, by level and index.
Nodes = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry: SHA-256(0x00 || entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(size: int, nodes: Nodes) -> bytes:
    """The root over the first `size` leaves; of none it is SHA-256 of nothing."""
    return _over(0, size, nodes) if size else hashlib.sha256(b"").digest()


def completed(index: int, leaf: bytes, nodes: Nodes) -> list[tuple[int, int, bytes]]:
    """The nodes (level, index, hash) that leaf number `index` completes, itself first."""
    done, level = [(0, index, leaf)], 0
    while index % 2:
        leaf = node_hash(nodes(level, index - 1), leaf)
        level, index = level + 1, index // 2
        done.append((level, index, leaf))
    return done


def inclusion_proof(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """What proves that leaf `index` is in the tree of `size` leaves (RFC 9162, 2.1.3.1). ValueError outside of it."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    begin, end, path = 0, size, list[bytes]()
    while end - begin > 1:
        middle = begin + _half(end - begin)
        left = index < middle
        path.append(_over(middle, end, nodes) if left else _over(begin, middle, nodes))
        begin, end = (begin, middle) if left else (middle, end)
    return path[::-1]


def consistency_proof(before: int, size: int, nodes: Nodes) -> list[bytes]:
    """What proves that the tree of `size` leaves begins with that of `before` (RFC 9162, 2.1.4.1)."""
    if not 0 < before <= size:
        raise ValueError(f"a tree of {size} leaves has no beginning of {before}")
    begin, end, path, whole = 0, size, list[bytes](), True
    while before != end:
        middle = begin + _half(end - begin)
        if before <= middle:
            path.append(_over(middle, end, nodes))
            end = middle
        else:
            path.append(_over(begin, middle, nodes))
            begin, whole = middle, False
    if not whole:
        path.append(_over(begin, end, nodes))
    return path[::-1]


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes], head: bytes) -> bool:
    """Whether `path` proves that the tree of `size` leaves with root `head` has `leaf` at `index` (2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if place % 2 or place == last:
            found = node_hash(step, found)
            while not place % 2 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, step)
        place, last = place >> 1, last >> 1
    return last == 0 and found == head


def consistent(before: int, old: bytes, size: int, new: bytes, path: Sequence[bytes]) -> bool:
    """Whether `path` proves that the tree (`size`, `new`) begins with the tree (`before`, `old`) (2.1.4.2)."""
    if before == size:
        return old == new and not path
    steps = [old, *path] if before > 0 and not before & (before - 1) else list(path)
    if not 0 < before < size or not steps:
        return False
    place, last = before - 1, size - 1
    while place % 2:
        place, last = place >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place % 2 or place == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not place % 2 and place:
                place, last = place >> 1, last >> 1
        else:
            second = node_hash(second, step)
        place, last = place >> 1, last >> 1
    return last == 0 and first == old and second == new


def _over(begin: int, end: int, nodes: Nodes) -> bytes:
    """The hash over leaves [begin, end), where `begin` is where a subtree of that size may stand."""
    count = end - begin
    if not count & (count - 1):
        level = count.bit_length() - 1
        return nodes(level, begin >> level)
    middle = begin + _half(count)
    return node_hash(_over(begin, middle, nodes), _over(middle, end, nodes))


def _half(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)


__all__ = [
    "Nodes",
    "completed",
    "consistency_proof",
    "consistent",
    "included",
    "inclusion_proof",
    "leaf_hash",
    "node_hash",
    "root",
]
