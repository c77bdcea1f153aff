"""Central killed with -9 in the middle of an upload: it goes on where it was, and only there, in either store."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from central_kit import Box, open_db

from central.config import load_config
from central.db.database import Database
from central.db.media import Media
from central.media.opening import open_store
from contract.sealing import sha256_hex
from tests.ports import open_port
from tests.s3_peer import S3

MIB = 1024 * 1024
RAW = os.urandom(MIB) * 6
NAME = sha256_hex(RAW)
WAIT_S = 60.0


@dataclass
class Central:
    """`sightline central serve --role web`, and a box that is let in."""

    config: Path
    port: int
    box: Box
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "sightline", "central", "serve", "--role", "web", "--config", str(self.config)]
        with (self.config.parent / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        end = time.monotonic() + WAIT_S
        while True:
            try:
                assert httpx.get(f"{self.url}/healthz", timeout=5).status_code == 200
                return
            except httpx.HTTPError:
                assert time.monotonic() < end, (self.config.parent / "log").read_text()[-2000:]
                time.sleep(0.1)

    def end(self, how: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(30)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def head(self) -> httpx.Response:
        return httpx.head(f"{self.url}/edge/v1/media/{NAME}", headers={"Authorization": self.box.token()}, timeout=20)

    def put(self, offset: int) -> httpx.Response:
        headers = self.headers(offset)
        return httpx.put(f"{self.url}/edge/v1/media/{NAME}", headers=headers, content=RAW[offset:], timeout=60)

    def headers(self, offset: int) -> dict[str, str]:
        length = {"Upload-Offset": str(offset), "Upload-Length": str(len(RAW))}
        return {"Authorization": self.box.token(), "Content-Length": str(len(RAW) - offset)} | length

    def begin(self, offset: int, upto: int) -> http.client.HTTPConnection:
        """An upload that sends as far as `upto`, and then nothing more; returned when most of that is there."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        line.putrequest("PUT", f"/edge/v1/media/{NAME}")
        for header, value in self.headers(offset).items():
            line.putheader(header, value)
        line.endheaders()
        line.send(RAW[offset:upto])
        end = time.monotonic() + WAIT_S
        while int(self.head().headers.get("upload-offset", "0")) < upto - MIB:
            assert time.monotonic() < end, "the upload does not come in"
            time.sleep(0.05)
        return line


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.long)])
def central(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Central]:
    port = open_port()
    text = f"port: {port}\ndata_dir: data\ndatabase: {{url: 'sqlite:///data/central.sqlite'}}\n"
    if request.param == "s3":
        server: S3 = request.getfixturevalue("s3")
        bucket = f"killed-{uuid4().hex[:12]}"
        server.bucket(bucket)
        text += f"media: {{bucket: {{name: {bucket}, endpoint: '{server.url}', credentials_file: '{server.credentials}'}}}}\n"
    (tmp_path / "data").mkdir()
    (tmp_path / "central.yaml").write_text(text)
    db = open_db(tmp_path / "data") if "SIGHTLINE_TEST_DATABASE" not in os.environ else sqlite(tmp_path / "data")
    made = Central(tmp_path / "central.yaml", port, Box())
    made.box.enrol(db)
    db.close()
    yield made
    made.end(signal.SIGKILL)


def sqlite(folder: Path) -> Database:
    pytest.skip(f"this process keeps its own database in {folder.name}")


@pytest.mark.parametrize("kills", [(3,), pytest.param((2, 3, 5), marks=pytest.mark.long)])
def test_killed_in_mid_upload_it_goes_on_where_it_was(central: Central, kills: tuple[int, ...]) -> None:
    """Killed when so many MiB had been sent: from the beginning, and then from where the kill before left it."""
    have = 0
    for upto in [MIB * one for one in kills]:
        central.start()
        line = central.begin(have, upto)
        central.end(signal.SIGKILL)
        line.close()
        central.start()
        told = central.head()
        now_have = int(told.headers["upload-offset"])
        assert (told.status_code, told.headers["upload-complete"]) == (200, "?0")
        assert upto - MIB <= now_have <= upto
        for wrong in (0, now_have - 1, now_have + 1, len(RAW)):
            refused = central.put(wrong)
            assert (refused.status_code, refused.headers["upload-offset"]) == (409, str(now_have))
        assert int(central.head().headers["upload-offset"]) == now_have
        have = now_have
        central.end(signal.SIGKILL)
    central.start()
    assert central.put(have).status_code == 201
    assert central.head().headers["upload-complete"] == "?1"
    central.end(signal.SIGTERM)
    config = load_config(central.config)
    assert open_store(config).path(NAME).read_bytes() == RAW
    db = Database(f"sqlite:///{config.data_dir}/central.sqlite")
    with db.read() as session:
        assert session.get_one(Media, NAME).size == len(RAW)
    db.close()
