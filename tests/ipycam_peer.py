"""`python -m tests.ipycam_peer PORT OWN_ADDRESS`: the ONVIF side of `ipycam`, a camera nobody here wrote, on loopback.

Its own command listens on every interface and streams; this runs its device, media and PTZ services alone.
"""

import sys

from ipycam.camera import IPCamera, ReusableThreadingTCPServer
from ipycam.config import CameraConfig
from ipycam.http import IPCameraHTTPHandler

PASSWORD = "cam-pw-1"


def main(port: int, own: str) -> None:
    """Serve until it is ended; `own` is the address that it believes it has."""
    IPCameraHTTPHandler.camera = IPCamera(
        CameraConfig(local_ip=own, onvif_port=port, username="admin", password=PASSWORD)
    )
    ReusableThreadingTCPServer(("127.0.0.1", port), IPCameraHTTPHandler).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
