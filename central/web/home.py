"""Where somebody begins: the queue for who sees cases, and for everybody else what is theirs to do."""

from fastapi import Response
from starlette.responses import RedirectResponse

from central.accounts.permissions import Permission
from central.accounts.sessions import SignedInUser
from central.web import alarms

_ALARMS = "sensors"


def elsewhere(user: SignedInUser, show: str) -> Response | None:
    """The way from the queue to another page, for who may not see it, or has something else to do first."""
    if user.first is not None:
        return RedirectResponse(user.first, 303)
    if user.may(Permission.ALARMS_SEE) and show in alarms.FILTERS:
        return None
    if user.may(Permission.CASES_SEE) and show not in alarms.FILTERS:
        return None
    return RedirectResponse(begin(user), 303)


def begin(user: SignedInUser) -> str:
    """The first page of this person."""
    if user.may(Permission.CASES_SEE):
        return "/"
    if user.may(Permission.ALARMS_SEE):
        return f"/?show={_ALARMS}"
    if user.may(Permission.STATIONS_SEE):
        return "/stations"
    return "/people" if user.may(Permission.PEOPLE_SEE) else "/me"


__all__ = ["begin", "elsewhere"]
