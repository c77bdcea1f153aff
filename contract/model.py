"""What every message of the contract is made of: strict models, hashes, and the link of a box's chain."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from contract.sealing import GENESIS

SCHEMA_VERSION = "1"

Hex64 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Model(BaseModel):
    """Base of every model of the contract: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Chain(Model):
    """The link to the event before, in the chain of the box."""

    id: str = Field(max_length=64)
    seq: int = Field(ge=0)
    prev: Hex64 = GENESIS


__all__ = ["SCHEMA_VERSION", "Chain", "Hex64", "Model"]
