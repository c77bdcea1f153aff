"""Every table, gathered: importing this module makes the metadata complete."""

from central.db.accounts import (
    AccountLog,
    Attempt,
    RecoveryCode,
    SecondFactor,
    User,
    UserArea,
    UserRole,
    UserSession,
    ViewLog,
)
from central.db.alarms import Alarm, AlarmLog, AlarmViewLog
from central.db.approvals import Approval, ApprovalHalf, ApprovalLog
from central.db.base import Base
from central.db.cases import Case, CaseLog, CaseMedia, CaseNumber, CaseQuestion
from central.db.deletions import Deletion, DeletionCertificate
from central.db.duty import (
    DutyAlarm,
    DutyMatter,
    DutyNotice,
    DutyShift,
    DutyWatch,
    RehearsalWord,
    StationPhone,
    WallLayout,
)
from central.db.edges import Certificate, Edge, EdgeKey, EnrolCode
from central.db.events import Event, Quarantine
from central.db.exports import Export, ExportCase
from central.db.identities import Identity, OidcFlow
from central.db.learning import CaseFact, FactsCursor, LearningLog, Shadow, ShadowMatter
from central.db.leases import CaseLease
from central.db.ledger import LedgerHead, LedgerLeaf, LedgerNode, LedgerTree, LedgerWaiting
from central.db.lists import HandledRecord, ListImport, PlateEntry, RegisterVehicle
from central.db.live import Embargo, LiveSource, LiveTicket, WatchLog
from central.db.marks import Bookmark, BookmarkMark, PhaseMarker, PhaseStill, StationLog, TroubleAct
from central.db.media import CaseHold, Media, MediaName, MediaUpload
from central.db.messages import MessageAnswer, StationLink, StationMessage
from central.db.notices import Notice, NoticePass, NoticeView, Statement
from central.db.polling import (
    BoxCommand,
    BoxState,
    CameraState,
    FeedTrouble,
    RecordingBlock,
    RecordingDeletion,
    RecordingGap,
    RecordingLedger,
    Station,
)
from central.db.recordings import RecordingExport, RecordingSegment
from central.db.sites import Site, SiteBox, SiteVersion

__all__ = [
    "AccountLog",
    "Alarm",
    "AlarmLog",
    "AlarmViewLog",
    "Approval",
    "ApprovalHalf",
    "ApprovalLog",
    "Attempt",
    "Base",
    "Bookmark",
    "BookmarkMark",
    "BoxCommand",
    "BoxState",
    "CameraState",
    "Case",
    "CaseFact",
    "CaseHold",
    "CaseLease",
    "CaseLog",
    "CaseMedia",
    "CaseNumber",
    "CaseQuestion",
    "Certificate",
    "Deletion",
    "DeletionCertificate",
    "DutyAlarm",
    "DutyMatter",
    "DutyNotice",
    "DutyShift",
    "DutyWatch",
    "Edge",
    "EdgeKey",
    "Embargo",
    "EnrolCode",
    "Event",
    "Export",
    "ExportCase",
    "FactsCursor",
    "FeedTrouble",
    "HandledRecord",
    "Identity",
    "LearningLog",
    "LedgerHead",
    "LedgerLeaf",
    "LedgerNode",
    "LedgerTree",
    "LedgerWaiting",
    "ListImport",
    "LiveSource",
    "LiveTicket",
    "Media",
    "MediaName",
    "MediaUpload",
    "MessageAnswer",
    "Notice",
    "NoticePass",
    "NoticeView",
    "OidcFlow",
    "PhaseMarker",
    "PhaseStill",
    "PlateEntry",
    "Quarantine",
    "RecordingBlock",
    "RecordingDeletion",
    "RecordingExport",
    "RecordingGap",
    "RecordingLedger",
    "RecordingSegment",
    "RecoveryCode",
    "RegisterVehicle",
    "RehearsalWord",
    "SecondFactor",
    "Shadow",
    "ShadowMatter",
    "Site",
    "SiteBox",
    "SiteVersion",
    "Statement",
    "Station",
    "StationLink",
    "StationLog",
    "StationMessage",
    "StationPhone",
    "TroubleAct",
    "User",
    "UserArea",
    "UserRole",
    "UserSession",
    "ViewLog",
    "WallLayout",
    "WatchLog",
]
