"""Why somebody is not let in. Each message is the sentence that the person reads."""

from typing import ClassVar


class AccountError(Exception):
    """A refusal about accounts."""

    status: ClassVar[int] = 400


class SignInRefused(AccountError):  # noqa: N818 - reads as a sentence
    """Name, password or code is wrong, or the account is closed. Which of them is not said."""

    status = 401


class SecondFactorAsked(AccountError):  # noqa: N818
    """The password is right, and a code of the second factor is wanted with it."""

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


class NotPermitted(AccountError):  # noqa: N818
    """None of the person's roles may do this."""

    status = 403


class DoFirst(AccountError):  # noqa: N818
    """Something about the own account comes before all else; `way` is the page where it is done."""

    status = 403

    def __init__(self, sentence: str, way: str) -> None:
        super().__init__(sentence)
        self.way = way


class SecondFactorAway(AccountError):  # noqa: N818
    """Central's key of second factors is gone or another: nobody's code can be looked at. The log says more."""

    status = 503


class BadAccount(AccountError):  # noqa: N818
    """A name, password or role that cannot be used for an account, or a change that must not be made.

    `key` and `values` say the same to a page, which speaks its reader's language.
    """

    status = 422

    def __init__(self, sentence: str, key: str, **values: object) -> None:
        super().__init__(sentence)
        self.key = key
        self.values = values


class NoSuchPerson(AccountError):  # noqa: N818
    """There is no account of that name."""

    status = 404
