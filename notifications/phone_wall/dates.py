"""Dates as Twilio's older API writes and reads them."""

from datetime import UTC, date, datetime, time
from email.utils import format_datetime


def rfc2822(moment: datetime | None) -> str | None:
    """`Mon, 24 Nov 2025 03:20:00 +0000`: whole seconds, cut off."""
    return None if moment is None else format_datetime(moment.astimezone(UTC))


class DateFilter:
    """One `DateSent` of a list request: a day (`2025-11-24`) or a second (`2025-11-24T03:20:00Z`)."""

    def __init__(self, text: str) -> None:
        """A ValueError where the text is neither."""
        self._day_only = len(text) == 10
        moment = datetime.fromisoformat(text)
        self._moment = moment.replace(tzinfo=moment.tzinfo or UTC)

    def is_on(self, moment: datetime) -> bool:
        """Whether the moment is on that very day, or in that very second.

        Midnight means its day: the SDK writes a day like that.
        """
        if self._moment.astimezone(UTC).time() == time():
            return moment.astimezone(UTC).date() == self._moment.astimezone(UTC).date()
        return self._cut(moment) == self._cut(self._moment)

    def is_from(self, moment: datetime) -> bool:
        """Whether the moment is then or later."""
        return self._cut(moment) >= self._cut(self._moment)

    def is_until(self, moment: datetime) -> bool:
        """Whether the moment is then or earlier."""
        return self._cut(moment) <= self._cut(self._moment)

    def _cut(self, moment: datetime) -> datetime | date:
        moment = moment.astimezone(UTC).replace(microsecond=0)
        return moment.date() if self._day_only else moment
