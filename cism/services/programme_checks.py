"""Whether people are told what they are promised, in their agency's own words; part of `cism doctor`."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from cism.services.readiness import Check, Verdict
from cism.store.tables import Agency, Notice, Person


def checks(session: Session) -> list[Check]:
    """One for each agency that has people."""
    served = session.scalars(
        select(Agency.key).where(Agency.key.in_(select(Person.agency))).order_by(Agency.key)
    )
    own = set(session.scalars(select(Notice.agency).distinct()))
    return [_notice(key, own=key in own) for key in served]


def _notice(agency: str, *, own: bool) -> Check:
    """Where confidentiality ends differs by law and by agency: a general text may promise too much."""
    name = f"limits of confidentiality, {agency}"
    if own:
        return Check(name, Verdict.GOOD, "told in the agency's own words")
    advice = f"have counsel write its own, and give it: cism agency notice {agency} --file FILE"
    return Check(name, Verdict.WARNING, f"told in the words that come with the product; {advice}")
