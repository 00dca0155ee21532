"""What a text of a rehearsal is for, as people say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cism.web.pages import board_words
from cism.web.words import Said, _
from notifications.messages import MessageKind

_KINDS: Final = {
    MessageKind.PAGE: _("a helper is asked to come"),
    MessageKind.ASSIGNED: _("a helper is on"),
    MessageKind.COVERED: _("others are enough"),
    MessageKind.RELEASED: _("somebody else takes over"),
    MessageKind.TEAM_NOTICE: _("how the asking stands"),
    MessageKind.APPROVAL: _("a clinician decides on a meeting"),
    MessageKind.SESSION_TEAM: _("the team is told where and when"),
    MessageKind.SESSION_REMINDER: _("the team is told again where and when"),
    MessageKind.SESSION_REPORT: _("the leader says how many came"),
    MessageKind.SESSION_OFF: _("a meeting is off"),
    MessageKind.PEER_TASK: _("a peer is asked to call"),
    MessageKind.PEER_TASK_OVERDUE: _("a peer is asked how the call went"),
    MessageKind.NOTED: _("thanks for the report"),
    MessageKind.OFFERS_DUE: _("offers are to be made"),
    MessageKind.TURN: _("a colleague is asked to take something on"),
    MessageKind.TURN_TAKEN: _("the colleague has it"),
    MessageKind.MHP_REMINDER: _("a reminder of individual appointments"),
    MessageKind.ASK_EXPOSURE_END: _("you are asked when it ended"),
    MessageKind.CHECK_IN: _("a check-in"),
    MessageKind.CHECK_IN_REMINDER: _("the reminder of a check-in"),
    MessageKind.INVITATION: _("invitations to a meeting"),
    MessageKind.INVITATION_ACCEPTED: _("where and when they meet"),
    MessageKind.OPT_IN: _("the question whether to keep in touch"),
    MessageKind.OPT_IN_DONE: _("they keep in touch"),
    MessageKind.ATTESTATION: _("the nightly check"),
}
"""Of what a rehearsal in which everybody helps brings; another kind keeps its own name."""


def shown(text: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A text as the page shows it: who has it, and what it is for."""
    return {**text, "who": names.get(text["person"], text["person"]), "about": _about(text)}


def _about(text: Mapping[str, Any]) -> list[Said]:
    """What one text is for, and the day of the plan that it belongs to."""
    if not text["segments"]:
        return [_("answers")]
    kind = str(text["kind"])
    said = _KINDS.get(MessageKind(kind), Said(kind.replace("_", " ")))
    return [said, board_words.point(text["point"])] if text["point"] else [said]
