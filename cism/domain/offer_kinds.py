"""What is offered beside the groups, and what binds each kind whatever a protocol says (domain.md 2)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from cism.domain.incident_types import Intervention


class OfferKind(StrEnum):
    """One kind of offer; nobody has to take it."""

    ON_SCENE_SUPPORT = "on_scene_support"  # somebody is there while it goes on
    ONE_ON_ONE = "one_on_one"  # somebody listens, one to one
    FAMILY_SUPPORT = "family_support"  # to the family, with the responder's consent
    PASTORAL = "pastoral"  # a chaplain, on request
    ORGANISATIONAL_CONSULTATION = "organisational_consultation"  # advice to command, never about a person
    INDIVIDUAL_SESSION = "individual_session"  # with a mental-health professional
    REFERRAL = "referral"  # one person handed over, warm, to a clinician
    POST_ACTION_STAFF_SUPPORT = "post_action_staff_support"  # for the team itself, on the same day
    TEAM_CHECK_IN = "team_check_in"  # a call to everybody who served, days later
    # 49 CFR 272.101 (a) to (g), in this order
    RELIEF_INFORMATION = "relief_information"  # which relief there is
    RELIEF_FROM_TOUR = "relief_from_tour"  # for the rest of the duty tour
    TRANSPORT_HOME = "transport_home"  # to the home terminal
    COUNSELLING = "counselling"  # guidance and support
    RELIEF_NEXT_TOURS = "relief_next_tours"  # from subsequent tours, on request
    TREATMENT_LEAVE = "treatment_leave"  # further leave for treatment
    OTHER_RAILROAD = "other_railroad"  # employees on another railroad's track


# Which of a type's interventions means the offer; kinds that are not here follow from no type.
MEANT_BY: Final[Mapping[OfferKind, Intervention]] = MappingProxyType(
    {
        OfferKind.ON_SCENE_SUPPORT: Intervention.ON_SCENE,
        OfferKind.ONE_ON_ONE: Intervention.ONE_TO_ONE,
        OfferKind.FAMILY_SUPPORT: Intervention.FAMILY,
        OfferKind.PASTORAL: Intervention.PASTORAL,
        OfferKind.ORGANISATIONAL_CONSULTATION: Intervention.ORGANISATION,
        OfferKind.INDIVIDUAL_SESSION: Intervention.PROFESSIONAL,
        OfferKind.RELIEF_INFORMATION: Intervention.RELIEF,
        OfferKind.RELIEF_FROM_TOUR: Intervention.RELIEF,
        OfferKind.TRANSPORT_HOME: Intervention.RELIEF,
        OfferKind.COUNSELLING: Intervention.RELIEF,
        OfferKind.RELIEF_NEXT_TOURS: Intervention.RELIEF,
        OfferKind.TREATMENT_LEAVE: Intervention.RELIEF,
        OfferKind.OTHER_RAILROAD: Intervention.RELIEF,
    }
)
# Acts of the employer, outside confidentiality: whether somebody accepted is kept (domain.md 7.5). Of every
# other kind only that it was offered is kept; counselling is inside confidentiality.
EMPLOYERS: Final = frozenset(
    {
        OfferKind.RELIEF_INFORMATION,
        OfferKind.RELIEF_FROM_TOUR,
        OfferKind.TRANSPORT_HOME,
        OfferKind.RELIEF_NEXT_TOURS,
        OfferKind.TREATMENT_LEAVE,
        OfferKind.OTHER_RAILROAD,
    }
)
FOR_THE_TEAM: Final = frozenset({OfferKind.POST_ACTION_STAFF_SUPPORT, OfferKind.TEAM_CHECK_IN})
# Only somebody's own wish or a helper's judgement begins these; no calendar does.
ON_REQUEST: Final = frozenset({OfferKind.REFERRAL})
# Nobody is named to command.
NEVER_ABOUT_PERSONS: Final = frozenset(
    {OfferKind.ON_SCENE_SUPPORT, OfferKind.ORGANISATIONAL_CONSULTATION, *FOR_THE_TEAM}
)
