"""The bodies that the API takes. Unknown fields are refused, and so is a time without its zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Final, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StrictBool,
    StringConstraints,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from cism.domain.break_glass import GlassReason
from cism.domain.disclosure import Recipient
from cism.domain.incident import Circle, Severity
from cism.domain.sensitive_dates import DateKind
from cism.services.intake import AffectedInput, IncidentInput

_EXAMPLE: Final = "2026-03-07T23:10:00-08:00"
MOST_AFFECTED: Final = 5_000


def read_instant(value: object) -> datetime:
    """ISO 8601 with a zone, as aware UTC."""
    if not isinstance(value, str):
        kind, message = "instant", f"write the time as text, e.g. {_EXAMPLE}"
        raise PydanticCustomError(kind, message)
    try:
        moment = datetime.fromisoformat(value)
        aware = moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        kind, message = "instant", f"this is no time; write it like {_EXAMPLE}"
        raise PydanticCustomError(kind, message) from None
    if aware is None:
        kind = "instant_without_zone"
        message = f"the time has no zone, so nobody can say when it was; add Z or an offset, e.g. {_EXAMPLE}"
        raise PydanticCustomError(kind, message)
    return aware


Instant = Annotated[
    datetime,
    PlainValidator(read_instant),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": [_EXAMPLE]}),
]
Key = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")]
Code = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9._/-]+$")]


def read_wall(value: object) -> time:
    """A wall clock to the minute, like 14:30."""
    try:
        return datetime.strptime(str(value), "%H:%M").time()  # noqa: DTZ007 - a wall clock has no zone
    except ValueError:
        kind, message = "wall_clock", "this is no time of day; write it like 14:30"
        raise PydanticCustomError(kind, message) from None


Wall = Annotated[time, PlainValidator(read_wall), WithJsonSchema({"type": "string", "examples": ["14:30"]})]


Parties = Annotated[tuple[Key, ...], Field(max_length=MOST_AFFECTED)]
"""Roster ids of people who had a part in it and are not affected: none of them is asked to help."""


class Body(BaseModel):
    """What every body has in common."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Body):
    """`{}`."""


class AffectedBody(Body):
    """One affected person: the roster's id (`AGENCY:ID` for another agency), circle, end of exposure."""

    person_id: Key
    circle: Circle
    exposure_end: Instant | None = None

    def as_input(self) -> AffectedInput:
        """For the service."""
        return AffectedInput(person_id=self.person_id, circle=self.circle, exposure_end=self.exposure_end)


class AffectedList(Body):
    """People to add."""

    affected: Annotated[list[AffectedBody], Field(min_length=1, max_length=MOST_AFFECTED)]


class IncidentBody(Body):
    """A new incident."""

    type: Key
    severity: Severity | None = None
    agency: Key
    occurred_at: Instant
    ended_at: Instant | None = None
    place_code: Code | None = None
    protocol: Code | None = None
    kin_notified: StrictBool = False
    funeral_at: Instant | None = None
    affected: Annotated[list[AffectedBody], Field(max_length=MOST_AFFECTED)]
    on_scene: Parties = ()
    reviewers: Parties = ()

    def as_input(self, logged_by: str | None) -> IncidentInput:
        """For the service."""
        return IncidentInput(
            type=self.type,
            agency=self.agency,
            severity=self.severity,
            occurred_at=self.occurred_at,
            ended_at=self.ended_at,
            place_code=self.place_code,
            protocol=self.protocol,
            kin_notified=self.kin_notified,
            funeral_at=self.funeral_at,
            affected=tuple(item.as_input() for item in self.affected),
            on_scene=self.on_scene,
            reviewers=self.reviewers,
            logged_by=logged_by,
        )


class IncidentPatch(Body):
    """What may change; a field that is not sent stays as it is."""

    severity: Severity | None = None
    ended_at: Instant | None = None
    kin_notified: StrictBool | None = None
    funeral_at: Instant | None = None
    statements_complete: StrictBool | None = None
    on_scene: Parties | None = None
    reviewers: Parties | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _no_null(cls, value: Any) -> Any:
        if value is None:
            kind, message = "null", "it cannot be made unknown again; leave the field out to keep it"
            raise PydanticCustomError(kind, message)
        return value

    def changes(self) -> dict[str, object]:
        """The fields that were sent."""
        return {name: getattr(self, name) for name in sorted(self.model_fields_set)}


class DateBody(Body):
    """A day on which nothing automatic goes to its people; with both hours only that part of it."""

    day: date
    kind: DateKind
    starts: Wall | None = None
    ends: Wall | None = None

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.starts is None) != (self.ends is None):
            kind, message = "hours", "give both starts and ends, or neither"
            raise PydanticCustomError(kind, message)
        return self

    def hours(self) -> tuple[time, time] | None:
        """The hours, where not the whole day is meant."""
        return (self.starts, self.ends) if self.starts is not None and self.ends is not None else None


class OutcomeBody(Body):
    """How it ended; a welfare case also by `met_in_person` or `handed_to_emergency_services:NAME`."""

    outcome: Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]

    def as_code(self) -> str:
        """The outcome as kept; `handed to emergency services by NAME` may be written as people say it."""
        words, named, by_name = self.outcome.partition(" by ")
        if named and ":" not in words:
            return f"{words.strip().lower().replace(' ', '_')}:{by_name.strip()}"
        kind, colon, by_name = self.outcome.partition(":")
        return kind.strip().lower().replace(" ", "_") + colon + by_name.strip()


class GlassBody(Body):
    """Which incident's list, and why: a code, never a story."""

    incident: Code
    reason: GlassReason


class DisclosureBody(Body):
    """About whom (the roster's id), on which ground, to what kind of recipient; no word of what is told."""

    person_id: Key
    exception: Code
    recipient: Recipient
