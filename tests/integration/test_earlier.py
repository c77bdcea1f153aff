"""What became of a plate before is sought by the index on plates: a case page of a million cases is as quick as any."""

from pathlib import Path
from typing import Any

from after_kit import Desk
from sqlalchemy import event, select

from central.db.cases import Case
from central.tickets import earlier
from tests.central_kit import open_db


def test_it_is_found_however_it_is_written_and_no_table_is_walked(tmp_path: Path) -> None:
    desk = Desk(tmp_path, open_db(tmp_path))
    first, second, other = (desk.candidate(plate) for plate in ("浙A12345", "浙A12345", "浙A99999"))
    asked: list[tuple[str, Any]] = []
    with desk.db.read() as session:
        row = session.execute(select(Case).where(Case.number == second)).scalar_one()
        event.listen(desk.db.engine, "before_cursor_execute", lambda *said: asked.append((said[2], said[3])))
        found = earlier.of_plate(session, row, "浙a·12345")
        statement, given = asked[-1]
        if session.get_bind().dialect.name == "sqlite":
            plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).all()
            assert "ix_cases_plate_plain" in str(plan) and "SCAN" not in str(plan)
        assert [one.number for one in found] == [first] and other not in {one.number for one in found}
        assert earlier.of_plate(session, row, None) == []
