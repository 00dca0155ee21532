"""Every refusal the product can give: one root, leaves named for the fact.

The docstring of a leaf is its message, unless the raiser says more; `problem` is the stable
name used by HTTP problem documents, `status` the HTTP status. The CLI exits 1 with the message.
"""

from __future__ import annotations

from typing import ClassVar, Final

OUTDATED: Final = 4
"""Exit status of a part whose program is older than its database: starting it again does not help."""


class CismError(Exception):
    """Something was refused."""

    problem: ClassVar[str] = "refused"
    status: ClassVar[int] = 409

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "Refused.").strip())


class BadInput(CismError):
    """What was given cannot be read; nothing was saved."""

    problem = "bad-input"
    status = 422

    def __init__(self, message: str | None = None, *, errors: list[str] | None = None) -> None:
        super().__init__(message)
        self.errors = errors or []


class NotFound(CismError):
    """There is nothing by that name."""

    problem = "not-found"
    status = 404


class NotAllowed(CismError):
    """Your role may not do this."""

    problem = "not-allowed"
    status = 403


class NotSignedIn(CismError):
    """Sign in first, or send a valid token."""

    problem = "not-signed-in"
    status = 401


class KeyReused(CismError):
    """This Idempotency-Key was used with another body; send a new key for a new incident."""

    problem = "idempotency-key-reused"
    status = 422


class WindowClosed(CismError):
    """The time window of this intervention has closed."""

    problem = "window-closed"


class ConsentMissing(CismError):
    """This person has not consented to these texts."""

    problem = "consent-missing"


class NoPeerAvailable(CismError):
    """No peer passes every rule; the coordinator is called."""

    problem = "no-peer-available"


class AlreadyDone(CismError):
    """Somebody was first; nothing was changed."""

    problem = "already-done"


class ClockRefused(CismError):
    """The clock cannot be moved like this."""

    problem = "clock-refused"


class NothingPlanned(ClockRefused):
    """Nothing is planned: the clock was not moved."""

    problem = "nothing-planned"


class ConfigurationError(CismError):
    """The settings cannot be used."""

    problem = "configuration"
    status = 500


class DatabaseNewer(ConfigurationError):
    """The database was made by a newer version: upgrade the program, or restore an older backup."""

    problem = "database-newer"


class DatabaseChanged(DatabaseNewer):
    """Not saved: the database was brought to another version while this program ran; start the newer one."""

    problem = "database-changed"
    status = 503


class DatabaseNotReady(ConfigurationError):
    """The database is not migrated: run `cism db upgrade`."""

    problem = "database-not-ready"


class StorageFull(CismError):
    """Not saved: the disk is full. Free some room and send it again."""

    problem = "storage-full"
    status = 507


class StorageUnavailable(CismError):
    """Not saved: the database does not answer. Try again, or call the coordinator."""

    problem = "storage-unavailable"
    status = 503
