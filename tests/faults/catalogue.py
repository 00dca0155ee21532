"""Every case of the campaign, in the order of its table. A family of cases has a module; add it here."""

from __future__ import annotations

from tests.faults import (
    away,
    by_mail,
    canaries,
    clocks,
    crossing,
    history,
    hooks,
    kills,
    load,
    ninety_days,
    odd_texts,
    outages,
    provider,
    read_only_disk,
    restores,
    storage,
    surge_load,
    tampering,
    traces,
    twice,
    upgrade,
    webhooks,
    with_prefect,
)
from tests.faults.campaign import Case

CASES: tuple[Case, ...] = (
    *load.CASES,
    *surge_load.CASES,
    *ninety_days.CASES,
    *history.CASES,
    *kills.CASES,
    *webhooks.CASES,
    *with_prefect.CASES,
    *storage.CASES,
    *read_only_disk.CASES,
    *twice.CASES,
    *upgrade.CASES,
    *by_mail.CASES,
    *provider.CASES,
    *traces.CASES,
    *away.CASES,
    *hooks.CASES,
    *crossing.CASES,
    *restores.CASES,
    *clocks.CASES,
    *outages.CASES,
    *odd_texts.CASES,
    *canaries.CASES,
    *tampering.CASES,
)


def chosen(only: str | None) -> list[Case]:
    """The cases whose key, or the part of it before a dash, is one of these (comma-separated); None: all."""
    if only is None:
        return list(CASES)
    wanted = {word.strip() for word in only.split(",")}
    found = [case for case in CASES if {case.key, case.key.partition("-")[0]} & wanted]
    unknown = wanted - {case.key for case in found} - {case.key.partition("-")[0] for case in found}
    if unknown:
        message = f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(c.key for c in CASES)}"
        raise LookupError(message)
    return found
