"""docs/jurisdictions.md names every profile and every key of one; a new key without its line fails here."""

import re
from pathlib import Path

import yaml

from contract.exempt import load_list
from contract.jurisdiction import names
from contract.profile import Evidence, OverlayField, Profile
from contract.site import Site

PAGE = (Path(__file__).resolve().parents[2] / "docs/jurisdictions.md").read_text(encoding="utf-8")
QUOTED = set(re.findall(r"`([^`\n]+)`", PAGE))


def test_every_profile_is_on_the_page() -> None:
    assert set(names()) <= QUOTED


def test_every_key_is_on_the_page_and_no_other() -> None:
    keys = {name for name in Profile.model_fields if name != "evidence"}
    keys |= {f"evidence.{name}" for name in Evidence.model_fields}
    table = PAGE.partition("## Keys")[2].partition("##")[0]
    first = {
        name for row in re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)
    }
    assert first == keys
    assert all(field.value in table for field in OverlayField)


def test_what_the_page_shows_can_be_used(tmp_path: Path) -> None:
    shown = PAGE.partition("```yaml\n")[2].partition("```")[0]
    assert set(yaml.safe_load(shown)) <= set(Site.model_fields)
    line = PAGE.partition("```\n")[2].partition("```")[0]
    (tmp_path / "list.txt").write_text(line, encoding="utf-8")
    assert len(load_list("disabled_permit", tmp_path / "list.txt").plates) == 1
