"""A camera's password is seen nowhere, however oddly it was written into the address."""

from pathlib import Path

import pytest

from contract.errors import CameraError, SiteError
from contract.sitefile import load_site
from edge.cameras.address import shown
from edge.cameras.probe import probe
from edge.logs import quiet

SECRET = "Pa55w0rd"
ADDRESSES = [
    f"rtsp://admin:{SECRET}@127.0.0.1:1/cam",
    f"rtsp://admin:{SECRET}/x@127.0.0.1:1/cam",
    f"rtsp://admin:{SECRET}@x@127.0.0.1:1/cam",
    f"rtsp://:{SECRET}@127.0.0.1:1/cam",
    f"rtsp://admin:{SECRET}#x@127.0.0.1:1/cam",
    f"rtsp://admin:/{SECRET}/@127.0.0.1:1/cam",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_it_is_not_shown_logged_or_told(address: str) -> None:
    assert SECRET not in shown(address)
    assert SECRET not in quiet(f"cam-1: cannot open {address} at all")
    with pytest.raises(CameraError) as told:
        probe(address, seconds=1)
    assert SECRET not in str(told.value)
    assert "127.0.0.1:1" in str(told.value)


def test_what_has_no_password_is_shown_as_it_is() -> None:
    for address in ("rtsp://h:554/a", "rtsp://h/a@b", "rtsp://user@h:554/a/b?c=d", "rtsp://[::1]:554/a"):
        assert shown(address) == address
        assert quiet(f"see {address} there") == f"see {address} there"


def test_an_address_that_is_none_is_told_in_a_line() -> None:
    with pytest.raises(CameraError, match="::1"):
        probe("rtsp://[::1/x", seconds=1)


def test_a_site_file_says_how_such_a_password_is_written(tmp_path: Path) -> None:
    demo = Path(__file__).resolve().parents[2] / "configs" / "sites" / "demo.yaml"
    path = tmp_path / "site.yaml"
    path.write_text(demo.read_text(encoding="utf-8").replace("127.0.0.1:8554", f"admin:{SECRET}/x@127.0.0.1:1"))
    with pytest.raises(SiteError, match="%2F") as told:
        load_site(path)
    assert SECRET not in str(told.value)
