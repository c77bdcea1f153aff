"""The second factor: one-time codes of an authenticator app (TOTP, RFC 6238), and recovery codes for when it is lost.

A code is six digits of SHA-1 and 30 s, which is what every app takes. The step before and the one after count too, for
telephones whose clock is off; a code that was taken, and any before it, is not taken again (RFC 6238 section 5.2).
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pyotp
import segno
import structlog
from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session

from central.accounts import log
from central.accounts.errors import BadAccount, SecondFactorAway
from central.accounts.rules import AccountRules
from central.accounts.sealed import SecretKey, key_of
from central.db.accounts import RecoveryCode, SecondFactor, User
from contract.errors import ConfigError
from contract.events import now

_log = structlog.get_logger("accounts")
STEP_S: Final = 30
ISSUER: Final = "Sightline"
RECOVERY_CODES: Final = 10
_DIGITS = re.compile(r"[0-9]{6}")
_SIGNS: Final = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class Offer:
    """A secret to put into an app: as text to type, as the app's own address, and that as a QR code.

    `path` is the code's one line of SVG, `box` the `viewBox` around it: the page draws it without style of its own.
    """

    secret: str
    uri: str
    path: str
    box: str


def enrolled(session: Session, user_id: int) -> bool:
    """Whether this person has a second factor that counts."""
    held = select(SecondFactor.user_id).where(SecondFactor.user_id == user_id, SecondFactor.confirmed_at.is_not(None))
    return session.execute(held).first() is not None


def offer(session: Session, user: User, token: str, rules: AccountRules) -> Offer:
    """A secret for an app, shown to the session of `token` alone. It counts once that session has shown a code of it
    (`confirm`); until then it is offered the same one, and any other session another.

    `user` is locked (`sessions.held`): two pages at once offer one. Raises BadAccount when there is one already, or no
    key file.
    """
    row = session.get(SecondFactor, user.id)
    if row is not None and row.confirmed_at is not None:
        raise BadAccount("this account has a second factor already - remove it first", "bad.state")
    key = _key(session, rules)
    shown_to = hashlib.sha256(token.encode()).hexdigest()
    if row is not None and (row.key_id != key.id or row.offered_to != shown_to):
        # Offered with a key that is gone, or to somebody else who may keep it, and never confirmed.
        session.delete(row)
        session.flush()
        row = None
    if row is None:
        secret = pyotp.random_base32()
        sealed = key.close(user.id, secret)
        session.add(SecondFactor(user_id=user.id, sealed=sealed, key_id=key.id, created_at=now(), offered_to=shown_to))
    else:
        secret = _opened(key, row)
    uri = pyotp.TOTP(secret).provisioning_uri(name=user.name, issuer_name=ISSUER)
    return Offer(" ".join(re.findall(".{1,4}", secret)), uri, *_drawn(uri))


def confirm(session: Session, user: User, token: str, code: str, rules: AccountRules) -> list[str] | None:
    """The first code of the app, by the session that it was offered to: the second factor counts from now on.

    Its recovery codes, None for a wrong code. Raises BadAccount when nothing is offered to this session.
    """
    row = session.get(SecondFactor, user.id, with_for_update=True)
    if row is None or row.confirmed_at is not None or row.offered_to != hashlib.sha256(token.encode()).hexdigest():
        raise BadAccount("there is no second factor to confirm - open the page again", "bad.state")
    step = _step(_opened(_key(session, rules), row), code, row.last_step)
    if step is None:
        return None
    row.confirmed_at, row.last_step, row.offered_to = now(), step, None
    log.note(session, user.id, user.name, "second factor on")
    return renewed_codes(session, user)


def taken(session: Session, user: User, code: str, rules: AccountRules) -> bool:
    """Whether `code` is of this moment and was not taken before, or is a recovery code; it is used up by this."""
    code = re.sub(r"[\s-]", "", code[:100]).lower()
    if not _DIGITS.fullmatch(code):
        return _recovered(session, user, code)
    row = session.get(SecondFactor, user.id, with_for_update=True, populate_existing=True)
    if row is None or row.confirmed_at is None:
        return False
    step = _step(_opened(_key(session, rules), row), code, row.last_step)
    if step is None:
        return False
    row.last_step = step
    return True


def removed(session: Session, user: User, actor: str, **on_record: object) -> None:
    """Take the second factor and its recovery codes away. Raises BadAccount when there is none."""
    gone = session.execute(delete(SecondFactor).where(SecondFactor.user_id == user.id).returning(SecondFactor.user_id))
    if gone.first() is None:
        raise BadAccount(f"{user.name} has no second factor", "bad.state")
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    log.note(session, user.id, actor, "second factor off", **on_record)


def renewed_codes(session: Session, user: User) -> list[str]:
    """New recovery codes in place of all before; shown this once."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    codes = ["".join(secrets.choice(_SIGNS) for _ in range(12)) for _ in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(user_id=user.id, code_hash=_digest(code)) for code in codes)
    log.note(session, user.id, user.name, "recovery codes made")
    return ["-".join(re.findall(".{4}", code)) for code in codes]


def codes_left(session: Session, user_id: int) -> int:
    """Recovery codes that were not used."""
    query = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return session.execute(query).scalar_one()


def _recovered(session: Session, user: User, code: str) -> bool:
    query = select(RecoveryCode).where(
        RecoveryCode.user_id == user.id, RecoveryCode.code_hash == _digest(code), RecoveryCode.used_at.is_(None)
    )
    row = session.execute(query.with_for_update()).scalar_one_or_none()
    if row is None:
        return False
    row.used_at = now()
    log.note(session, user.id, user.name, "recovery code used")
    return True


def _step(secret: str, code: str, last: int | None, moment: datetime | None = None) -> int | None:
    """The time step that `code` is of, None when it is of none that counts."""
    given = re.sub(r"[\s-]", "", code[:100])
    if not _DIGITS.fullmatch(given):
        return None
    here = int((moment or now()).timestamp()) // STEP_S
    for step in (here - 1, here, here + 1):
        right = hmac.compare_digest(pyotp.TOTP(secret).generate_otp(step), given)
        if right and (last is None or step > last):
            return step
    return None


def _key(session: Session, rules: AccountRules) -> SecretKey:
    if rules.key_file is None:
        raise BadAccount("this central keeps no second factors - see accounts.key_file", "bad.no_key")
    counts = SecondFactor.confirmed_at.is_not(None)
    first = not session.execute(select(exists().where(counts))).scalar_one()
    try:
        key = key_of(rules.key_file, make=first)
    except ConfigError as error:
        raise _away(error) from error
    other = select(SecondFactor.key_id).where(counts, SecondFactor.key_id != key.id).limit(1)
    if (known := session.execute(other).scalar_one_or_none()) is not None:
        raise _away(
            ConfigError(
                f"{rules.key_file}: is key {key.id}, and second factors were closed with {known} - restore that key"
            )
        )
    return key


def _opened(key: SecretKey, row: SecondFactor) -> str:
    try:
        return key.open(row.user_id, row.sealed)
    except ConfigError as error:
        raise _away(error) from error


def _away(error: ConfigError) -> SecondFactorAway:
    """Who signs in is not told where the key is; who reads the log is."""
    _log.error("second factors cannot be looked at", fault=str(error))
    return SecondFactorAway("second factors cannot be looked at just now - whoever runs central reads why in its log")


def _drawn(uri: str) -> tuple[str, str]:
    code = segno.make(uri, error="m", micro=False)
    rows = [[bool(dark) for dark in row] for row in code.matrix_iter(border=4)]
    dark = [f"M{x} {y}.5h1" for y, row in enumerate(rows) for x, one in enumerate(row) if one]
    return "".join(dark), f"0 0 {len(rows)} {len(rows)}"


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


__all__ = ["Offer", "codes_left", "confirm", "enrolled", "offer", "removed", "renewed_codes", "taken"]
