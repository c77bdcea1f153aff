"""The table of facts that no camera box can tell: who could, and what an unknown one does (`configs/facts.yaml`).

A fact has the value that a live source told, or `unknown`. What follows from either is data: a lawyer reads the table,
and a jurisdiction's profile departs from it where its law does.
"""

from collections.abc import Mapping
from enum import StrEnum
from importlib import resources
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from contract.errors import ConfigError
from contract.events import UNKNOWN, Model, Rule
from contract.profile import Profile, UnknownFact

Name = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,40}$")]


class Source(StrEnum):
    """Where a fact can be told from."""

    OBJECTS = "objects"
    PLATE_LIST = "plate_list"
    MQTT = "mqtt"
    ONVIF = "onvif"
    LAMP_ROI = "lamp_roi"
    MODEL = "model"
    REVIEWER = "reviewer"


class Told(StrEnum):
    """What a value that a source told does to the accusation."""

    SUPPRESS = "suppress"
    ASK = "ask"


class FactRow(Model):
    """One fact. `told` maps a value to what it does; `law` says why.

    A fact `about` a vehicle is told of one whose plate is named and known, and only asked about of any other.
    """

    fact: Name
    rules: list[Rule] = Field(min_length=1)
    question: str = Field(min_length=1)
    sources: list[Source] = Field(min_length=1)
    unknown: UnknownFact
    told: dict[str, Told] = Field(default={})
    values: list[Name] = Field(default=["yes", "no"], min_length=1, description="what a source may tell")
    about: Literal["place", "vehicle"] = "place"
    applies: Literal["always", "signalised", "asked"] = "always"
    law: str = Field(min_length=1)

    @model_validator(mode="after")
    def _known(self) -> "FactRow":
        strangers = [value for value in self.told if value not in self.values]
        if strangers:
            raise ValueError(f"told.{strangers[0]}: is none of its values ({', '.join(self.values)}) - add or mend it")
        return self


class FactsTable(Model):
    """The whole table."""

    version: str
    facts: list[FactRow] = Field(min_length=1)

    @model_validator(mode="after")
    def _once(self) -> "FactsTable":
        names = [row.fact for row in self.facts]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"{', '.join(sorted(twice))} stands twice - keep one row")
        return self

    def row(self, fact: str) -> FactRow | None:
        """The row of a fact."""
        return next((row for row in self.facts if row.fact == fact), None)

    def objection(self, fact: str, value: str) -> str | None:
        """Why nobody can tell this over MQTT, as a sentence with the remedy; None when one can."""
        row = self.row(fact)
        if row is None or Source.MQTT not in row.sources:
            known = ", ".join(row.fact for row in self.facts if Source.MQTT in row.sources)
            return f"fact {fact!r} cannot be told over MQTT - those that can are: {known}"
        if value not in row.values:
            return f"value {value!r} of {fact} is none of: {', '.join(row.values)}"
        return None

    @property
    def listed(self) -> list[str]:
        """The facts that a list of plates can tell."""
        return [row.fact for row in self.facts if Source.PLATE_LIST in row.sources]

    def under(self, profile: Profile) -> "FactsTable":
        """The table as the profile wants it. Raises ConfigError when it names a fact that has no row."""
        strangers = [name for name in profile.facts if self.row(name) is None]
        if strangers:
            known = ", ".join(row.fact for row in self.facts)
            raise ConfigError(
                f"profile {profile.id}: facts.{strangers[0]} is no fact of the table - known are: {known}"
            )
        rows = [row.model_copy(update={"unknown": profile.facts.get(row.fact, row.unknown)}) for row in self.facts]
        return self.model_copy(update={"facts": rows})

    def concerning(self, rule: str, signalised: bool, asked: Mapping[str, object]) -> list[FactRow]:
        """The rows that concern a decision of `rule`; `asked` holds the facts that the rule itself asks for."""
        return [
            row
            for row in self.facts
            if rule in row.rules
            and (
                row.applies == "always"
                or (row.applies == "signalised" and signalised)
                or (row.applies == "asked" and row.fact in asked)
            )
        ]


def load_facts() -> FactsTable:
    """The table that comes with the project. Raises ConfigError when it does not hold."""
    entry = resources.files("configs") / "facts.yaml"
    data: Any = yaml.safe_load(entry.read_text(encoding="utf-8"))
    try:
        return FactsTable.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigError(f"configs/facts.yaml: {key}: {first['msg']} - mend that row") from error


__all__ = ["UNKNOWN", "FactRow", "FactsTable", "Source", "Told", "load_facts"]
