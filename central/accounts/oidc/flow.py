"""There and back: somebody signs in at the provider, or links an identity of theirs to their account.

An account is found by issuer and subject and by nothing else: an e-mail or a name is given to another one day. What a
browser brings back opens something once, for that browser, within ten minutes.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from central.accounts import limits, log, passwords, people, second, sessions
from central.accounts.errors import BadAccount, SignInRefused, TooManyAttempts
from central.accounts.oidc.provider import Provider, ProviderRefused, Vouched
from central.accounts.oidc.settings import Oidc
from central.accounts.roles import Role
from central.accounts.sessions import SignedIn
from central.accounts.signing_in import FAILURES_BY_ADDRESS, NAME
from central.db.accounts import User
from central.db.database import Database
from central.db.identities import Identity, OidcFlow
from contract.events import now

LIFE: Final = timedelta(minutes=10)
#: Ways that are open at once at most: anybody may begin one, and each is a row until it ends.
MOST: Final = 5_000
_ACTOR: Final = "provider"


@dataclass(frozen=True, slots=True)
class Way:
    """The address at the provider, and what the browser keeps until it is back."""

    address: str
    browser: str


@dataclass(frozen=True, slots=True)
class Back:
    """Somebody is back: signed in, or (None) with an identity linked to their account; `to` is where they go on."""

    signed_in: SignedIn | None
    to: str


def begin(db: Database, provider: Provider, back: str, user_id: int | None = None) -> Way:
    """Send a browser to the provider, to sign in or to link. Raises ProviderAway, or TooManyAttempts in a crowd."""
    state, browser, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(4))
    address = provider.way(state, nonce, verifier)
    with db.write() as session:
        session.execute(delete(OidcFlow).where(OidcFlow.expires_at <= now()))
        if session.execute(select(func.count()).select_from(OidcFlow)).scalar_one() >= MOST:
            raise TooManyAttempts("too many are on their way to the provider - wait and try again")
        session.add(
            OidcFlow(
                state=sessions.digest(state), browser=sessions.digest(browser), nonce=nonce, verifier=verifier,
                back=back, user_id=user_id, expires_at=now() + LIFE,
            )
        )  # fmt: skip
    return Way(address, browser)


def finish(
    db: Database, provider: Provider, given: dict[str, str], browser: str | None, token: str | None, address: str,
    agent: str = "",
) -> Back:  # fmt: skip
    """Somebody is back with `given`, the query of the answer; `browser` is what theirs kept, `token` its session's.

    Raises ProviderRefused, ProviderAway, SignInRefused for an identity that opens nothing, TooManyAttempts, or
    BadAccount for one that is linked elsewhere.
    """
    key = f"address:{limits.network(address)}"
    with db.read() as session:
        if limits.failures(session, key, now()) >= FAILURES_BY_ADDRESS:
            raise TooManyAttempts("too many failed sign-ins - wait and try again")
    # Nothing is guessed by it: any page on the web can send a browser here, and nobody is to be locked out by that.
    flow = _taken(db, given, browser)
    try:
        if given.get("iss", provider.said.issuer) != provider.said.issuer or "code" not in given:
            raise ProviderRefused("the provider did not sign anybody in")
        vouched = provider.vouched(given["code"], flow.nonce, flow.verifier)
        _domain(provider.said, vouched)
        with db.write() as session:
            if flow.user_id is not None:
                _link(session, sessions.held(session, flow.user_id, token), vouched)
                return Back(None, flow.back)
            return Back(_let_in(session, provider.said, vouched, address, agent), flow.back)
    except (ProviderRefused, SignInRefused):
        with db.write() as session:
            limits.failed(session, key, now())
        raise


def linked(session: Session, user_id: int) -> bool:
    """Whether an identity opens this account."""
    return session.execute(select(Identity.subject).where(Identity.user_id == user_id)).first() is not None


def unlink(session: Session, user: User, actor: str) -> None:
    """No identity opens this account any more; its sessions end. `user` is locked."""
    session.execute(delete(Identity).where(Identity.user_id == user.id))
    log.note(session, user.id, actor, "identity unlinked", sessions=sessions.end_all(session, user.id))


def _taken(db: Database, given: dict[str, str], browser: str | None) -> OidcFlow:
    """What was begun, used up by this whatever comes of it. Raises ProviderRefused."""
    with db.write() as session:
        gone = delete(OidcFlow).where(OidcFlow.state == sessions.digest(given.get("state", "")))
        flow = session.execute(gone.returning(OidcFlow)).scalar_one_or_none()
        if flow is not None:
            session.expunge(flow)
    if flow is None or flow.expires_at <= now() or not browser or sessions.digest(browser) != flow.browser:
        raise ProviderRefused("this was not begun in this browser, or too long ago - begin again")
    return flow


def _domain(said: Oidc, vouched: Vouched) -> None:
    if not said.domains:
        return
    email = vouched.claims.get("email")
    domain = email.rpartition("@")[2].lower() if isinstance(email, str) and "@" in email else None
    if vouched.claims.get("email_verified") is not True or domain not in {one.lower() for one in said.domains}:
        raise SignInRefused("this identity is not of the office")


def _let_in(session: Session, said: Oidc, vouched: Vouched, address: str, agent: str) -> SignedIn:
    query = select(Identity.user_id).where(Identity.issuer == vouched.issuer, Identity.subject == vouched.subject)
    user_id = session.execute(query).scalar_one_or_none()
    user_id = _made(session, said, vouched) if user_id is None else user_id
    people.lock_with_admins(session, {user_id})
    user = session.get_one(User, user_id)
    if user.disabled_at is not None:
        raise SignInRefused("this account is closed")
    if said.roles:
        _renew_roles(session, said, user, vouched)
    shown = _shown_second(said, vouched)
    half = second.enrolled(session, user.id) and not shown
    if not half:
        log.note(session, user.id, user.name, "signed in", address=address[:64], by=_ACTOR, second=shown)
    return sessions.opened(session, user, address, agent, half=half, second_by=_ACTOR if shown else None)


def _made(session: Session, said: Oidc, vouched: Vouched) -> int:
    """An account of its own for somebody who is not known here, where the settings say so. Raises SignInRefused."""
    roles = _roles(said, vouched)
    if not said.make_accounts or not roles:
        raise SignInRefused("no account is linked to this identity - sign in with name and password, and link it")
    wanted = str(vouched.claims.get("preferred_username") or f"id-{sessions.digest(vouched.subject)[:10]}")
    if not NAME.fullmatch(wanted):
        wanted = f"id-{sessions.digest(vouched.subject)[:10]}"
    try:
        people.add(session, wanted, roles, passwords.one_time(), _ACTOR)
    except BadAccount as error:
        # The name is somebody else's here: it says nothing about who this is.
        raise SignInRefused("an account of that name is there already - an admin links it, or gives another") from error
    user = people.named(session, wanted)
    _link(session, user, vouched)
    return user.id


def _link(session: Session, user: User, vouched: Vouched) -> None:
    session.add(Identity(issuer=vouched.issuer, subject=vouched.subject, user_id=user.id, linked_at=now()))
    try:
        session.flush()
    except IntegrityError as error:
        raise BadAccount("this identity opens an account already", "bad.linked") from error
    log.note(session, user.id, user.name, "identity linked", issuer=vouched.issuer, subject=vouched.subject)


def _roles(said: Oidc, vouched: Vouched) -> frozenset[Role]:
    told: Any = vouched.claims.get(said.role_claim)
    values = [told] if isinstance(told, str) else told if isinstance(told, list) else []
    return frozenset(Role(role) for value in values if isinstance(value, str) for role in said.roles.get(value, ()))


def _renew_roles(session: Session, said: Oidc, user: User, vouched: Vouched) -> None:
    """As the provider says now; who is an admin here stays one, and becomes none by it. Raises SignInRefused."""
    held = sessions.roles_of(session, user.id)
    after = _roles(said, vouched) | ({Role.ADMIN} if Role.ADMIN in held else frozenset())
    if not after:
        raise SignInRefused("the provider gives this identity no role here")
    people.set_roles(session, user.name, after, _ACTOR)


def _shown_second(said: Oidc, vouched: Vouched) -> bool:
    """Whether the provider says that it has seen a second factor, in words that the settings take for it."""
    amr = vouched.claims.get("amr")
    methods = {one for one in amr if isinstance(one, str)} if isinstance(amr, list) else set()
    return vouched.claims.get("acr") in said.second_factor_acr or not methods.isdisjoint(said.second_factor_amr)


__all__ = ["LIFE", "Back", "Way", "begin", "finish", "linked", "unlink"]
