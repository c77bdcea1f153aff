"""What the place's settings say of accounts."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from central.accounts.roles import Role


@dataclass(frozen=True, slots=True)
class AccountRules:
    """`idle`: a session that nobody uses for so long has ended. Roles of `second_factor_for` must have one.

    `key_file` closes the secrets of second factors; without it nobody can enrol one. `admins_only`: who is no admin
    signs in at the provider and not with a password.
    """

    idle: timedelta = timedelta(minutes=30)
    second_factor_for: frozenset[Role] = frozenset()
    key_file: Path | None = None
    admins_only: bool = False


__all__ = ["AccountRules"]
