"""What each flow does, told once: the flows do it as Prefect tasks, a dead Prefect's stand-in bare."""

from __future__ import annotations

from cism.domain.plan import URGENT, StepKind
from flows.hands import Hands
from flows.order import CARE_LANES, STEPS_OF, Lane, Order


async def respond(hands: Hands, incident_id: str) -> None:
    """Ask the first peers, then lay out sessions and contacts: nobody waits for the planning."""
    asked = await hands.perform("ask peers", (StepKind.ACTIVATE,), incident_id)
    await hands.send(asked.messages)
    planned = await hands.perform("plan response", (StepKind.PLAN_RESPONSE,), incident_id)
    await hands.send(planned.messages)


async def tend(hands: Hands, lane: Lane) -> None:
    """Take a lane's due steps, chunk after chunk, and send what they cause."""
    if lane in CARE_LANES and not hands.care_may_leave:
        await hands.keep_house()
    while (lane not in CARE_LANES or hands.care_may_leave) and await hands.more(lane):
        done = await hands.perform(lane.value, STEPS_OF[lane])
        await hands.send(done.messages)


async def deliver(hands: Hands) -> None:
    """Hand over whatever waits; care texts only after incoming texts were read."""
    if not hands.care_may_leave:
        await hands.deliver(urgent_only=True)
        await hands.keep_house()
    while await hands.more(Lane.DELIVER):
        await hands.deliver(urgent_only=not hands.care_may_leave)


async def perform_due(hands: Hands) -> None:
    """Everything that the conductor left undone: pages first, then what came in, then the rest."""
    urgent = await hands.perform("urgent steps", tuple(URGENT))
    await hands.send(urgent.messages)
    await hands.deliver(urgent_only=True)
    await hands.keep_house()
    care = {kind for lane in CARE_LANES for kind in STEPS_OF[lane]}
    while await hands.more(Lane.PERFORM_DUE):
        kinds = set(STEPS_OF[Lane.PERFORM_DUE]) - (set() if hands.care_may_leave else care)
        done = await hands.perform("due steps", tuple(kinds))
        await hands.send(done.messages)
    await hands.deliver(urgent_only=not hands.care_may_leave)


async def perform(order: Order, hands: Hands) -> None:
    """Do what an order asks for."""
    if order.lane is Lane.RESPOND:
        await respond(hands, order.incident_id or "")
    elif order.lane is Lane.DELIVER:
        await deliver(hands)
    elif order.lane is Lane.PERFORM_DUE:
        await perform_due(hands)
    else:
        await tend(hands, order.lane)
