"""`sightline evidence audit`: central's database held to the ledger, to the boxes' seals and to what was published."""

from collections.abc import Iterator
from pathlib import Path

from central.ledger import audit, audit_accounts, audit_alarms, audit_approvals, audit_cases
from central.ledger.keeper import catch_up
from central.retention import certificates
from sightline.evidence.export import Office


def findings(office: Office, heads: Path, media: bool = True) -> Iterator[str]:
    """What does not hold, a sentence each. What waits is entered first, so that all of it can be compared."""
    catch_up(office.db)
    with office.db.read() as session:
        yield from audit.findings(session, office.key, heads)
        yield from audit_cases.events(session)
        yield from audit_cases.cases(session)
        yield from audit_alarms.alarms(session)
        yield from audit_accounts.accounts(session)
        yield from audit_approvals.approvals(session)
        yield from certificates.findings(session, office.key, office.store if media else None)
        if media:
            yield from audit_cases.media(session, office.store.path)


__all__ = ["findings"]
