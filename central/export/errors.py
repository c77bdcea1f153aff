"""Why an export is refused. Each message is the sentence that the person reads.

Refused (central.workflow.errors)
├── NothingToExport   422  no approved case can go into an archive now
├── ExportMissing     404  there is no such export
└── ExportGone        410  its stills and clips were deleted after their time: it cannot be put together again
"""

from central.workflow.errors import Refused


class NothingToExport(Refused):
    """No case can be exported now."""

    status = 422


class ExportMissing(Refused):
    """There is no export of that number."""

    status = 404


class ExportGone(Refused):
    """What stood in it is no longer kept."""

    status = 410


__all__ = ["ExportGone", "ExportMissing", "NothingToExport"]
