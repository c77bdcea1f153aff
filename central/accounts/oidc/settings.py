"""What the place's settings say of an OpenID provider."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from central.accounts.roles import Role
from contract.settings import Readable, Settings

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def guarded(value: str) -> str:
    """An address that nobody on the way can change: https, or this very machine. Raises ValueError."""
    parts = urlsplit(value)
    if parts.hostname is None or not (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    ):
        raise ValueError("is no https address")
    return value


def _mapped(value: str) -> str:
    if value not in set(Role) - {Role.ADMIN}:
        raise ValueError(f"is no role that a provider gives - one of {', '.join(set(Role) - {Role.ADMIN})}")
    return value


class Oidc(Settings):
    """An OpenID provider (authorization code with PKCE). Who is an admin is never its to say."""

    issuer: Annotated[str, AfterValidator(guarded)] = Field(max_length=200, description="as its discovery names it")
    client_id: str = Field(min_length=1, max_length=200)
    client_secret_file: Readable = Field(description="file with the client's secret (0600)")
    url: Annotated[str, AfterValidator(guarded)] = Field(description="central's address as browsers see it")
    label: str = Field(default="OpenID", min_length=1, max_length=40, description="what the button says")
    scopes: list[str] = Field(default=["openid", "email"], description="asked of the provider")
    role_claim: str = Field(default="groups", min_length=1, description="claim with what `roles` maps")
    roles: dict[str, list[Annotated[str, AfterValidator(_mapped)]]] = Field(
        default={}, description="roles for each value of `role_claim`, renewed at each sign-in; empty: given here"
    )
    domains: list[str] = Field(default=[], description="verified e-mail must be in one of these; empty: any")
    make_accounts: bool = Field(default=False, description="whether who is not known here gets an account")
    second_factor_acr: list[str] = Field(default=[], description="values of acr that count as a second factor")
    second_factor_amr: list[str] = Field(default=[], description="values of amr that count as a second factor")
    passwords: Literal["all", "admins"] = Field(default="all", description="who may still sign in with a password")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.make_accounts and not self.roles:
            raise ValueError("make_accounts wants `roles`: an account has at least one")
        if "openid" not in self.scopes:
            raise ValueError("scopes want `openid`")
        if self.domains and "email" not in self.scopes:
            raise ValueError("domains want the scope `email`")
        return self

    @property
    def redirect(self) -> str:
        """Where the provider sends browsers back to: register exactly this there."""
        return f"{self.url.rstrip('/')}/sign-in/oidc/back"


__all__ = ["Oidc", "guarded"]
