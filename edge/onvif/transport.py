"""SOAP to a camera: bounded in time and size, no proxy, no redirect, both ways in which cameras ask for a password."""

from typing import Any, Final

import requests
from requests.auth import HTTPDigestAuth
from zeep.transports import Transport

#: The largest answer that is read: a list of every profile of a large camera is some 200 kB. Bytes.
MOST_BYTES: Final = 2_000_000
TIMEOUT_S: Final = 5.0


class CameraTransport(Transport):  # type: ignore[misc]
    """zeep's, for one camera. Raises requests' errors, and ValueError for an answer without an end."""

    def __init__(self, user: str, password: str, timeout_s: float = TIMEOUT_S) -> None:
        session = requests.Session()
        # A proxy of the environment is for the internet, and no camera stands there.
        session.trust_env = False
        if user:
            session.auth = HTTPDigestAuth(user, password)
        super().__init__(session=session, timeout=timeout_s, operation_timeout=timeout_s)

    def post(self, address: str, message: bytes, headers: dict[str, str]) -> Any:
        """See zeep; the answer has been read whole, and is no longer than `MOST_BYTES`."""
        answer = self.session.post(
            address, data=message, headers=headers, timeout=self.operation_timeout, stream=True, allow_redirects=False
        )
        with answer:
            body = b""
            for part in answer.iter_content(65_536):
                body += part
                if len(body) > MOST_BYTES:
                    raise ValueError(f"answers with more than {MOST_BYTES} bytes")
            answer._content = body
        return answer

    def close(self) -> None:
        """End the connections."""
        self.session.close()


__all__ = ["MOST_BYTES", "TIMEOUT_S", "CameraTransport"]
