"""What the books can tell: when a site file was in force and under which terms, and until when a list was kept."""

from datetime import date, timedelta
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
#: What moves from a version to its span.
_DATES = ("valid_from", "valid_until", "inspection_until", "published_on")
_TERMS = (*_DATES, "imported_by", "imported_at")
_KINDS: dict[str, sa.types.TypeEngine[Any]] = {
    **dict.fromkeys(_DATES, sa.Date()), "imported_by": sa.String(100), "imported_at": _MOMENT,
}  # fmt: skip
_VERSIONS = sa.table(
    "site_versions", sa.column("sha256", sa.String()), sa.column("site", sa.String()),
    *(sa.column(name, kind) for name, kind in _KINDS.items()),
)  # fmt: skip
_SPANS = sa.table(
    "site_spans", sa.column("sha256", sa.String()), sa.column("site", sa.String()),
    *(sa.column(name, kind) for name, kind in _KINDS.items()),
)  # fmt: skip


def upgrade() -> None:
    """A table of spans, filled from the versions; lists of before do not say until when they were kept."""
    op.add_column("list_imports", sa.Column("as_of", _MOMENT, nullable=True))
    op.create_table(
        "site_spans",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site", sa.String(200), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("inspection_from", sa.Date(), nullable=True),
        sa.Column("inspection_until", sa.Date(), nullable=True),
        sa.Column("published_on", sa.Date(), nullable=True),
        sa.Column("imported_by", sa.String(100), nullable=False),
        sa.Column("imported_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["site"], ["sites.site"], name="fk_site_spans_site_sites"),
        sa.ForeignKeyConstraint(["sha256"], ["site_versions.sha256"], name="fk_site_spans_sha256_site_versions"),
        sa.PrimaryKeyConstraint("id", name="pk_site_spans"),
        sa.UniqueConstraint("site", "valid_from", name="uq_site_spans_site_valid_from"),
    )
    op.create_index("ix_site_spans_sha256", "site_spans", ["sha256"])
    bind = op.get_bind()
    query = sa.select(_VERSIONS).order_by(_VERSIONS.c.site, _VERSIONS.c.valid_from, _VERSIONS.c.imported_at)
    rows = [row._asdict() for row in bind.execute(query)]
    for _, versions in groupby(rows, key=lambda row: row["site"]):
        if spans := _spans(list(versions)):
            bind.execute(sa.insert(_SPANS), spans)
    for name in _TERMS:
        op.drop_column("site_versions", name)


def downgrade() -> None:
    """The last span of each version becomes its terms again."""
    for name in _TERMS:
        op.add_column("site_versions", sa.Column(name, _KINDS[name], nullable=True))
    bind = op.get_bind()
    for row in bind.execute(sa.select(_SPANS).order_by(_SPANS.c.site, _SPANS.c.valid_from)):
        said = row._asdict()
        version = _VERSIONS.c.sha256 == said.pop("sha256")
        said.pop("site")
        bind.execute(sa.update(_VERSIONS).where(version).values(**said))
    op.drop_table("site_spans")
    op.drop_column("list_imports", "as_of")
    # A version that was never in force, because another was told in its stead.
    bind.execute(sa.delete(_VERSIONS).where(_VERSIONS.c.valid_from.is_(None)))
    with op.batch_alter_table("site_versions") as table:
        for name in ("valid_from", "imported_by", "imported_at"):
            table.alter_column(name, existing_type=_KINDS[name], nullable=False)


def _spans(versions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One span a version, each ended on the day before the next one: one that was taken up again kept its old end.

    Two from the same day cannot be told apart; the one that was told last stands.
    """
    days: dict[date, dict[str, Any]] = {row["valid_from"]: row for row in versions}
    spans = [days[day] for day in sorted(days)]
    for span, after in zip(spans, [*spans[1:], None], strict=True):
        if span["valid_until"] is not None and span["valid_until"] < span["valid_from"]:
            span["valid_until"] = None
        if after is not None:
            latest = after["valid_from"] - timedelta(days=1)
            span["valid_until"] = min(span["valid_until"] or latest, latest)
    return spans
