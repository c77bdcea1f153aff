"""The demo's site file under another law, for tests."""

from pathlib import Path

import yaml

DEMO = Path(__file__).resolve().parents[2] / "configs/sites/demo.yaml"


def write_site(folder: Path, jurisdiction: str = "cn-default", **more: object) -> Path:
    """Write the demo's site with `jurisdiction` and keys of the site into `folder`, and return the file."""
    site = yaml.safe_load(DEMO.read_text(encoding="utf-8"))
    path = folder / "site.yaml"
    path.write_text(
        yaml.safe_dump({**site, "jurisdiction": jurisdiction, **more}, allow_unicode=True), encoding="utf-8"
    )
    return path
