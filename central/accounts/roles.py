"""Roles and what they may do."""

from enum import StrEnum


class Role(StrEnum):
    """Officers decide, auditors read, admins keep accounts and boxes. All three may look at cases."""

    OFFICER = "officer"
    AUDITOR = "auditor"
    ADMIN = "admin"
