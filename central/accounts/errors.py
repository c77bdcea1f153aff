"""Why somebody is not let in. Each message is the sentence that the person reads."""

from typing import ClassVar


class AccountError(Exception):
    """A refusal about accounts."""

    status: ClassVar[int] = 400


class SignInRefused(AccountError):  # noqa: N818 - reads as a sentence
    """Name or password is wrong, or the account is closed. Which of them is not said."""

    status = 401


class TooManyAttempts(AccountError):  # noqa: N818
    """Too many failures from this name or address: wait."""

    status = 429


class SignInBusy(AccountError):  # noqa: N818
    """Others are signing in, and the wait for a turn was too long."""

    status = 503


class NotSignedIn(AccountError):  # noqa: N818
    """There is no session, or it has ended."""

    status = 401


class CsrfRefused(AccountError):  # noqa: N818
    """The form's token is not the one of the session."""

    status = 403


class BadAccount(AccountError):  # noqa: N818
    """A name or password that cannot be used for an account."""

    status = 422
