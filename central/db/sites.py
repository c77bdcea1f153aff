"""Sites as central knows them: whose area they are in, and which versions of their site files are in force when."""

from datetime import date, datetime

from sqlalchemy import Date, Float, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from central.db.base import Base


class Site(Base):
    """A site and the area it lies in (code of the administration or the grid). Degrees are WGS 84."""

    __tablename__ = "sites"

    site: Mapped[str] = mapped_column(String(200), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    area: Mapped[str] = mapped_column(String(40), index=True)
    lon: Mapped[float | None] = mapped_column(Float)
    lat: Mapped[float | None] = mapped_column(Float)


class SiteVersion(Base):
    """The bytes of one site file, by the SHA-256 that events name as `site_version`. Days are those of the site.

    `inspection_until` is the last day on which the devices' inspection holds, `published_on` the day on which the
    place was made known; None where nobody told.
    """

    __tablename__ = "site_versions"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    site: Mapped[str] = mapped_column(ForeignKey("sites.site"), index=True)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    valid_from: Mapped[date] = mapped_column(Date)
    valid_until: Mapped[date | None] = mapped_column(Date)
    inspection_until: Mapped[date | None] = mapped_column(Date)
    published_on: Mapped[date | None] = mapped_column(Date)
    imported_by: Mapped[str] = mapped_column(String(100))
    imported_at: Mapped[datetime]
