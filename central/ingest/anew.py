"""A transaction is begun anew when another replica came between its look and its write: looking again then helps."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, IntegrityError, InternalError, OperationalError
from sqlalchemy.orm.exc import StaleDataError

#: How often it is tried in all.
_TRIES = 4
#: SQLSTATE of a deadlock and of a transaction that could not be put in order with the others.
_TANGLED = frozenset({"40P01", "40001"})
#: And of one of ours that stood still for too long (`central.ingest.turns`).
_STOOD = "25P03"

_Done = TypeVar("_Done")


def begun_anew(work: Callable[[], _Done], *, stood: bool = True) -> _Done:
    """What `work`, a transaction of its own, gives; tried again at once where that helps, a few times.

    `stood`: also when it stood still for too long. Raises what the last try raised.
    """
    for left in reversed(range(_TRIES)):
        try:
            return work()
        except (IntegrityError, StaleDataError, OperationalError, InternalError) as error:
            state = _state(error)
            helps = state in _TANGLED or isinstance(error, IntegrityError | StaleDataError)
            if not left or not (helps or (stood and state == _STOOD)):
                raise
    raise AssertionError("unreachable")


def lost(error: Exception) -> bool:
    """Whether the connection was lost while the transaction was under way, and not when it was asked for."""
    return isinstance(error, DBAPIError) and (error.connection_invalidated or _state(error) == _STOOD)


def _state(error: Exception) -> str | None:
    return getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None


__all__ = ["begun_anew", "lost"]
