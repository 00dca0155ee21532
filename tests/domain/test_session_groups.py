"""Who could sit together: the same groups under the same names each time, each name once."""

from __future__ import annotations

from dataclasses import replace

from cism.domain.session_groups import groups_of
from tests.domain.test_sessions import NOON, crew, incident, on_list


def test_groups_of_one_crew_on_several_levels_have_each_a_name_of_its_own() -> None:
    head, lead, *others = crew(4)
    people = [head, replace(lead, reports_to=head.id)]
    people += [replace(one, reports_to=lead.id) for one in others]
    groups = groups_of(incident("MAYDAY", on_list(people, NOON)), {p.id: p for p in people})
    assert {group.key: [member.person.id for member in group.members] for group in groups} == {
        "B/metro/fire/E1/crew": [head.id],
        "B/metro/fire/E1/crew-1": [lead.id],
        "B/metro/fire/E1/crew-2": [one.id for one in others],
    }
