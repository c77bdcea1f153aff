"""Who may do what, as a page: made from the table of permissions and the marks of the routes, never by hand."""

from collections.abc import Iterator
from pathlib import Path

from central.accounts.permissions import ROLE_MAY, Permission
from central.accounts.roles import Role, ordered
from central.app import create_app
from central.db.database import Database
from central.marks import Boxes, Mark, Needs, OtherReplicas, Public, routes
from central.media.folder import FolderStore
from central.metrics import Metrics

_HEAD = """# Who may do what

Made from `central/accounts/permissions.py` and the marks of central's routes with `sightline central permissions`; a
test holds it current, so that a right that is given or taken stands in the change. A person may have several roles
([people](people.md)). Whether the step is open to this very person - nobody takes both looks at a case - the workflow
says.
"""
_ROUTES = """
## Routes

Who has no session is led to sign in (pages) or answered 401 (API); what a role may not do is answered 403. Whatever
changes something wants the token of the session's own form as well.

| method | path | who |
|---|---|---|
"""


def permissions() -> str:
    """The page, as Markdown. Nothing is connected to: the routes describe themselves."""
    db = Database("sqlite://")
    app = create_app(db, FolderStore(Path("media"), 1), Metrics(db))
    lines = sorted({(one.path, one.method, "; ".join(map(_who, one.marks))) for one in routes(app)})
    rows = "".join(f"| {method} | `{path}` | {who} |\n" for path, method, who in lines)
    return f"{_HEAD}\n{''.join(_table())}{_ROUTES}{rows}"


def _table() -> Iterator[str]:
    yield f"| | {' | '.join(Role)} |\n"
    yield f"|---|{'---|' * len(Role)}\n"
    for permission in Permission:
        held = (("yes" if role in ROLE_MAY[permission] else "-") for role in Role)
        yield f"| {permission} | {' | '.join(held)} |\n"


def _who(mark: Mark) -> str:
    match mark:
        case Needs(permission):
            return f"{permission}: {', '.join(ordered(ROLE_MAY[permission]))}"
        case OtherReplicas():
            return "other replicas, with a ticket good once"
        case Public(why):
            return f"anybody: {why}"
        case Boxes():
            return "boxes, with a token of their key"


__all__ = ["permissions"]
