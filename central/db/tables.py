"""Every table, gathered: importing this module makes the metadata complete."""

from central.db.accounts import (
    AccountLog,
    Attempt,
    RecoveryCode,
    SecondFactor,
    User,
    UserRole,
    UserSession,
    ViewLog,
)
from central.db.alarms import Alarm, AlarmLog, AlarmViewLog
from central.db.base import Base
from central.db.cases import Case, CaseLog, CaseMedia, CaseNumber, CaseQuestion
from central.db.edges import Certificate, Edge, EdgeKey, EnrolCode
from central.db.events import Event, Quarantine
from central.db.learning import CaseFact, FactsCursor, LearningLog, Shadow, ShadowMatter
from central.db.leases import CaseLease
from central.db.ledger import LedgerHead, LedgerLeaf, LedgerNode, LedgerTree, LedgerWaiting
from central.db.lists import HandledRecord, ListImport, PlateEntry, RegisterVehicle
from central.db.media import CaseHold, Media, MediaName, MediaUpload
from central.db.sites import Site, SiteVersion

__all__ = [
    "AccountLog",
    "Alarm",
    "AlarmLog",
    "AlarmViewLog",
    "Attempt",
    "Base",
    "Case",
    "CaseFact",
    "CaseHold",
    "CaseLease",
    "CaseLog",
    "CaseMedia",
    "CaseNumber",
    "CaseQuestion",
    "Certificate",
    "Edge",
    "EdgeKey",
    "EnrolCode",
    "Event",
    "FactsCursor",
    "HandledRecord",
    "LearningLog",
    "LedgerHead",
    "LedgerLeaf",
    "LedgerNode",
    "LedgerTree",
    "LedgerWaiting",
    "ListImport",
    "Media",
    "MediaName",
    "MediaUpload",
    "PlateEntry",
    "Quarantine",
    "RecoveryCode",
    "RegisterVehicle",
    "SecondFactor",
    "Shadow",
    "ShadowMatter",
    "Site",
    "SiteVersion",
    "User",
    "UserRole",
    "UserSession",
    "ViewLog",
]
