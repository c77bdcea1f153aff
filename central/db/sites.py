"""Sites as central knows them: whose area they are in, their site files, and which of these is in force when."""

from datetime import date, datetime

from sqlalchemy import Date, Float, ForeignKey, Integer, LargeBinary, String, UniqueConstraint
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
    """The bytes of one site file, by the SHA-256 that events name as `site_version`."""

    __tablename__ = "site_versions"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    site: Mapped[str] = mapped_column(ForeignKey("sites.site"), index=True)
    raw: Mapped[bytes] = mapped_column(LargeBinary)


class SiteSpan(Base):
    """From which day to which one version is in force at its site, and under which terms. Days are those of the site.

    A version can be in force several times: it is given up, and taken up again. The inspection of the devices holds
    from `inspection_from` to `inspection_until`, `published_on` is the day on which the place was made known; None
    where nobody told. `valid_until` None: still in force.
    """

    __tablename__ = "site_spans"
    __table_args__ = (UniqueConstraint("site", "valid_from"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    site: Mapped[str] = mapped_column(ForeignKey("sites.site"))
    sha256: Mapped[str] = mapped_column(ForeignKey("site_versions.sha256"), index=True)
    valid_from: Mapped[date] = mapped_column(Date)
    valid_until: Mapped[date | None] = mapped_column(Date)
    inspection_from: Mapped[date | None] = mapped_column(Date)
    inspection_until: Mapped[date | None] = mapped_column(Date)
    published_on: Mapped[date | None] = mapped_column(Date)
    imported_by: Mapped[str] = mapped_column(String(100))
    imported_at: Mapped[datetime]


class SiteBox(Base):
    """A box that may speak for a site. Where none is named, every box may."""

    __tablename__ = "site_boxes"

    site: Mapped[str] = mapped_column(String(200), primary_key=True)
    edge_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    named_by: Mapped[str] = mapped_column(String(100))
    named_at: Mapped[datetime]
