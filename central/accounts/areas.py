"""Which areas somebody is given (codes, as the register of sites names them); none for all.

What that means for what they see is `central.sites.areas`' to say. It is looked up by every request: no session ends.
"""

from collections.abc import Collection

from sqlalchemy import delete
from sqlalchemy.orm import Session

from central.accounts import log, people, sessions
from central.accounts.errors import BadAccount
from central.db.accounts import UserArea

#: As a site's area: letters and digits.
LENGTH = 40
MOST = 100


def give(session: Session, name: str, areas: Collection[str], actor: str, **on_record: object) -> None:
    """Give an account these areas and no others; none: it sees all. Raises NoSuchPerson, or BadAccount for no area.

    `on_record` goes into the line of its history: who approved it, for example.
    """
    after = fit(areas)
    user = people.named(session, name, lock=True)
    before = sorted(sessions.areas_of(session, user.id))
    if before == after:
        return
    session.execute(delete(UserArea).where(UserArea.user_id == user.id))
    session.add_all(UserArea(user_id=user.id, area=area) for area in after)
    log.note(session, user.id, actor, "areas", **on_record, before=before, areas=after)


def fit(areas: Collection[str]) -> list[str]:
    """In order, each once. Raises BadAccount for what cannot be the code of an area, or too many."""
    found = sorted(set(areas))
    wrong = next((one for one in found if not (one.isascii() and one.isalnum() and len(one) <= LENGTH)), None)
    if wrong is not None or len(found) > MOST:
        raise BadAccount(f"{(wrong or 'that')[:40]!r} is no area - give codes of letters and digits", "bad.area")
    return found


__all__ = ["fit", "give"]
