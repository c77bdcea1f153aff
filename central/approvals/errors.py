"""Why a request is refused. Each message is the sentence that a program reads; `key` says the same on a page."""

from central.accounts.errors import BadAccount


class BadRequest(BadAccount):
    """What is asked for, or decided, cannot be."""

    status = 422


class NotApproved(BadAccount):
    """Nobody has approved this, or not exactly this, or not for this person, or it was used or is too old."""

    status = 403


class NoSuchRequest(BadAccount):
    """There is no request of that number for this person."""

    status = 404


__all__ = ["BadRequest", "NoSuchRequest", "NotApproved"]
