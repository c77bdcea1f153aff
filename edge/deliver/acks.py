"""Central's acknowledgements, read from strangers' bytes."""

from pydantic import ValidationError

from contract.events import Ack

#: An acknowledgement is small; more than this is not read.
MAX_ACK_BYTES = 4096


def parse_ack(raw: bytes) -> Ack | None:
    """The acknowledgement in an MQTT payload, None for anything that is not one."""
    if len(raw) > MAX_ACK_BYTES:
        return None
    try:
        return Ack.model_validate_json(raw)
    except ValidationError:
        return None
