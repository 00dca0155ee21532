"""What people do; who may do it stands in `cism.domain.access`, and only there."""

from __future__ import annotations

from enum import StrEnum


class Act(StrEnum):
    """What people do to incidents, escalations, sessions and the queue."""

    LOG_INCIDENT = "log_incident"
    SEE_INCIDENT = "see_incident"  # how much of it: `may_see`
    SEE_TIMELINE = "see_timeline"
    ACCEPT_INCIDENT = "accept_incident"
    ADD_AFFECTED = "add_affected"
    STATE_FACTS = "state_facts"  # when it ended, kin notified, the funeral
    RAISE_SEVERITY = "raise_severity"
    LOWER_SEVERITY = "lower_severity"
    LIFT_LEGAL_HOLD = "lift_legal_hold"  # statements complete: groups may be offered
    STAND_DOWN = "stand_down"
    CLOSE_INCIDENT = "close_incident"
    REOPEN_INCIDENT = "reopen_incident"
    ASK_HELPER = "ask_helper"  # this one, out of turn; every rule that keeps a helper out still holds
    REMOVE_AFFECTED = "remove_affected"
    KEEP_DATES = "keep_dates"  # days on which nothing automatic goes to its people
    LIST_ESCALATIONS = "list_escalations"
    ACK_ESCALATION = "ack_escalation"
    CLOSE_ESCALATION = "close_escalation"
    CLOSE_FOR_ANOTHER = "close_for_another"  # an escalation that somebody else took
    APPROVE_SESSION = "approve_session"
    REPORT_SESSION = "report_session"
    LIST_QUEUE = "list_queue"
    HANDLE_QUEUE = "handle_queue"
    MAKE_OFFER = "make_offer"  # and hand a person over; the person's own peer does so from their page
    CHANGE_ROSTER = "change_roster"  # one person at a time: status, transfer, removal
    END_CONTACTS = "end_contacts"  # of one person, who told somebody so
    HOLD_RECORDS = "hold_records"  # a legal hold: retention leaves them; set and lifted
    PROPOSE_DISCLOSURE = "propose_disclosure"  # outside of the programme; another person confirms it
    CONFIRM_DISCLOSURE = "confirm_disclosure"
    BREAK_GLASS = "break_glass"  # look although the table refuses it: for an hour, seen by another
    LIST_BROKEN_GLASS = "list_broken_glass"
    SEE_STATISTICS = "see_statistics"
    SET_AGENCY = "set_agency"  # its name, lines and protocol, what it attests, who lends it aid
    SET_ON_CALL = "set_on_call"  # who is on call when; own turns everybody sees and swaps themselves
    AGREE_READY = "agree_ready"  # that a peer can serve again after an incident of their own
    GET_PAPER = "get_paper"  # by mail, sealed, each night
    BE_ASKED = "be_asked"  # open, whole, what one was asked or may take
    SERVE = "serve"  # look after people, take turns, lead meetings: the page with all that is theirs
    ASK_FOR_REST = "ask_for_rest"  # to be asked for nothing for a while
