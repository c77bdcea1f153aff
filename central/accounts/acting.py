"""Whoever is signed in, as a workflow sees them."""

from central.accounts.service import SignedInUser
from central.workflow.table import Actor


def actor_of(user: SignedInUser) -> Actor:
    """The account's id, name and roles; who may take a look at cases is an officer, too."""
    return Actor(user.id, user.name, user.roles | {user.role})


__all__ = ["actor_of"]
