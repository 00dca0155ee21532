"""The wall's only clock: real time, whatever time the product believes it to be."""

from datetime import UTC, datetime


def real_now() -> datetime:
    """This moment, in UTC."""
    # A provider cannot be moved in time, and neither can the witness of when a message arrived.
    return datetime.now(UTC)  # noqa: TID251
