"""Passwords: Argon2id hashes with pwdlib's recommended parameters, few at a time, and one-time passwords."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from threading import BoundedSemaphore
from typing import Any, Final

from pwdlib import PasswordHash

from central.accounts.errors import BadAccount, SignInBusy

MIN_PASSWORD: Final = 10
MAX_PASSWORD: Final = 256
#: For a page, whatever is wrong with a password.
BAD: Final[dict[str, Any]] = {"key": "bad.password", "least": MIN_PASSWORD, "most": MAX_PASSWORD}
#: How long a one-time password lets its owner in, to choose one of their own.
ONE_TIME_LIFE: Final = timedelta(days=3)
#: Begins each of the two hashes of a one-time password in halves. No hash of Argon2 has it in it.
_HALVES: Final = "halves:"
#: No sign that is taken for another when it is read aloud or from paper.
_SIGNS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
#: Argon2 takes 64 MiB for each password it looks at: forty guesses in one moment must not take forty times that. Who
#: fails is counted before the next one's turn, so that a crowd of guesses does not slip through below the limit either.
_AT_ONCE = BoundedSemaphore(2)
#: Who waits for a turn holds one of the server's threads, which everybody else needs as well, so long at most; s.
PATIENCE_S: Final = 5.0


@contextmanager
def turn() -> Iterator[None]:
    """One of the few who have a password looked at. Raises SignInBusy when the wait is too long."""
    if not _AT_ONCE.acquire(timeout=PATIENCE_S):
        raise SignInBusy("too many others are signing in - try again shortly")
    try:
        yield
    finally:
        _AT_ONCE.release()


def verified(password: str, hashed: str | None) -> tuple[bool, str | None]:
    """Whether `password` is the one of `hashed`, and its new hash when it was made with parameters of before.

    `None` for nobody: the answer takes as long, so that nobody learns which names there are.
    """
    if hashed is not None and hashed.startswith(_HALVES):
        groups = password[:MAX_PASSWORD].split("-")
        middle = len(groups) // 2
        halves = ("-".join(groups[:middle]), "-".join(groups[middle:]))
        first, second = hashed.removeprefix(_HALVES).split(_HALVES)
        # Both are looked at, whatever the first says.
        held = [_hasher().verify(half, one) for half, one in zip(halves, (first, second), strict=True)]
        return all(held), None
    right, renewed = _hasher().verify_and_update(password[:MAX_PASSWORD], hashed or _nobody())
    return right and hashed is not None, renewed if right else None


def hash_of(password: str) -> str:
    """The hash that is kept."""
    return _hasher().hash(password)


def fit(password: str, name: str) -> None:
    """Raise BadAccount for a password that is too short, too long, or the name itself."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise BadAccount(f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters - choose another", **BAD)
    if password.casefold() == name.casefold():
        raise BadAccount("a password is not the name of its account - choose another", **BAD)


def one_time() -> str:
    """A new one-time password: 79 bits, four groups of four."""
    return "-".join("".join(secrets.choice(_SIGNS) for _ in range(4)) for _ in range(4))


def half() -> str:
    """Half of a one-time password that two people hand over together: 39 bits, two groups of four."""
    return one_time()[:9]


def of_halves(first: str, second: str) -> str:
    """What is kept of a one-time password whose halves (their hashes are given) nobody but its owner has both of."""
    return f"{_HALVES}{first}{_HALVES}{second}"


@cache
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()


@cache
def _nobody() -> str:
    return _hasher().hash(secrets.token_urlsafe(16))


__all__ = [
    "BAD", "MAX_PASSWORD", "MIN_PASSWORD", "ONE_TIME_LIFE", "fit", "half", "hash_of", "of_halves", "one_time", "turn",
    "verified",
]  # fmt: skip
