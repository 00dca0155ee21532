"""Calls between the wall and its handsets: they ring, are answered, speak, and listen for keys.

Source: twilio.com/docs/voice/api/call-resource, .../voice/twiml, .../voice/answering-machine-detection.
"""

import asyncio
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

from notifications.phone_wall.carrier import API_VERSION, Carrier
from notifications.phone_wall.config import WallConfig
from notifications.phone_wall.records import Call, HandsetMode, VoiceMode
from notifications.phone_wall.store import Store
from notifications.phone_wall.twiml import Gather, Hangup, Redirect, Say, verbs_of
from notifications.phone_wall.webhooks import Webhooks
from notifications.phone_wall.words import WrongActError, _

ENDINGS: Final = {HandsetMode.UNREACHABLE: "no-answer", HandsetMode.UNKNOWN: "failed"}
VOICE_ENDINGS: Final = {VoiceMode.NO_ANSWER: "no-answer", VoiceMode.BUSY: "busy"}
_EVENTS: Final = {"queued": "initiated", "ringing": "ringing", "in-progress": "answered"}
KEYS: Final = re.compile(r"[0-9*#]*", re.ASCII)
_MOST_DOCUMENTS: Final = 50  # a script that leads back to itself ends at last
_TROUBLE: Final = "An application error has occurred. Goodbye."


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody does with a handset while a call is up: answer, press keys, say nothing, hang up."""

    do: str
    keys: str = ""


ACTS: Final = {"answer": "answer", "press": "key", "silence": "key"}
"""What each act needs the call to wait for; hanging up can be done while it waits for anything."""
_NO_ACT: Final = _("do is one of: %(acts)s")
_NOT_WAITING: Final = {
    None: _("no call at this handset waits for anything"),
    "answer": _("no call at this handset waits for an answer"),
    "key": _("no call at this handset waits for a key"),
}


class _HungUpError(Exception):
    """Somebody ended the call."""


class Exchange:
    """Connects calls, each in a task of its own."""

    def __init__(self, config: WallConfig, store: Store, webhooks: Webhooks, carrier: Carrier) -> None:
        self._config = config
        self._store = store
        self._webhooks = webhooks
        self._carrier = carrier
        self._acts: dict[str, asyncio.Queue[Act]] = {}

    def dial(self, call: Call) -> None:
        """Start a call."""
        self._acts[call.sid] = asyncio.Queue()
        self._carrier.spawn(self._dial(call))

    def resume(self) -> None:
        """A call does not outlive the wall that it was on."""
        for call in self._store.calls:
            if not call.is_over:
                self.move(call, "failed")

    def move(self, call: Call, status: str) -> None:
        """Let a call go on; one that has ended stays as it is."""
        if not call.is_over:
            self._store.record("call_status", sid=call.sid, status=status)
            self._announce(call)
            if call.is_over and call.sid in self._acts:
                self._acts[call.sid].put_nowait(Act("hang_up"))

    def act(self, handset: str, act: Act) -> Call:
        """Do something with the call at a handset. A WrongActError says why that is not possible."""
        live = [call for call in self._store.calls_by_handset.get(handset, []) if call.waits_for]
        wanted = ACTS.get(act.do)
        if act.do != "hang_up" and wanted is None:
            raise WrongActError(_NO_ACT, acts=", ".join((*ACTS, "hang_up")))
        fitting = [call for call in live if wanted in (None, call.waits_for)]
        if not fitting:
            raise WrongActError(_NOT_WAITING[wanted])
        self._store.record("call_waits", sid=fitting[0].sid, what=None)
        self._acts[fitting[0].sid].put_nowait(act)
        return fitting[0]

    async def _dial(self, call: Call) -> None:
        self._announce(call)
        ending = ENDINGS.get(self._store.mode(call.to)) or VOICE_ENDINGS.get(self._store.voice(call.to))
        await self._step()
        self.move(call, "ringing")
        try:
            answerer = None if ending else await self._picked_up(call)
            await self._step()
            if answerer is None:
                self.move(call, ending or "no-answer")
                return
            self._store.record("call_answered", sid=call.sid, by=answerer if call.detects else None)
            self.move(call, "in-progress")
            await self._talk(call, is_machine=answerer.startswith("machine"))
            self.move(call, "completed")
        except _HungUpError:
            self.move(call, "completed" if call.status == "in-progress" else "busy")
        finally:
            del self._acts[call.sid]

    async def _picked_up(self, call: Call) -> str | None:
        """Who answers, in Twilio's words; None: nobody."""
        match self._store.voice(call.to):
            case VoiceMode.LISTENS:
                return "human"
            case VoiceMode.MACHINE:
                return "machine_end_beep"
        seconds = self._config.ring_seconds
        done = await self._wait(call, "answer", call.ring_seconds if seconds is None else seconds)
        return "human" if done is not None else None

    async def _talk(self, call: Call, *, is_machine: bool) -> None:
        at = call.url or ""
        script = await self._fetch(call, at) if call.url else (call.twiml or "")
        for _document in range(_MOST_DOCUMENTS):
            self._store.record("script", sid=call.sid, script=script)
            following = await self._play(call, script, at, is_machine=is_machine)
            if following is None:
                return
            at, keys = following
            script = await self._fetch(call, at, keys)

    async def _play(
        self, call: Call, script: str, at: str, *, is_machine: bool
    ) -> tuple[str, str | None] | None:
        """Speak one document; where it leads, with the keys that were pressed. None: nowhere, it is over."""
        for verb in verbs_of(script):
            match verb:
                case Say():
                    self._store.record("call_said", sid=call.sid, text=verb.text)
                case Gather():
                    for said in verb.says:
                        self._store.record("call_said", sid=call.sid, text=said)
                    keys = await self._keys(call, verb, is_machine=is_machine)
                    if keys:
                        return urljoin(at, verb.action), keys
                case Redirect():
                    return urljoin(at, verb.to), None
                case Hangup():
                    return None
        return None

    async def _keys(self, call: Call, gather: Gather, *, is_machine: bool) -> str:
        if is_machine or self._store.voice(call.to) is VoiceMode.LISTENS:
            await self._step()
            return ""
        seconds = self._config.key_seconds
        done = await self._wait(call, "key", gather.timeout if seconds is None else seconds)
        keys = done.keys[: gather.most] if done is not None else ""
        if keys:
            self._store.record("call_key", sid=call.sid, text=keys)
        return keys

    async def _wait(self, call: Call, what: str, seconds: float) -> Act | None:
        """What somebody does at the handset; None where nobody does anything in so many seconds."""
        if call.is_over:
            raise _HungUpError
        self._store.record("call_waits", sid=call.sid, what=what)
        try:
            done = await asyncio.wait_for(self._acts[call.sid].get(), seconds)
        except TimeoutError:
            return None
        finally:
            if call.waits_for:
                self._store.record("call_waits", sid=call.sid, what=None)
        if done.do == "hang_up":
            raise _HungUpError
        return done

    async def _fetch(self, call: Call, url: str, keys: str | None = None) -> str:
        form = self._form(call)
        if keys is not None:
            form.append(("Digits", keys))
        answer = await self._webhooks.post(url, form)
        self._carrier.log(call.sid, url, answer)
        if answer.status != 200:  # Twilio says so, and ends the call
            return f"<Response><Say>{_TROUBLE}</Say></Response>"
        return answer.text

    def _announce(self, call: Call) -> None:
        if call.status_callback and _EVENTS.get(call.status, "completed") in call.events:
            self._carrier.tell(call.sid, call.status_callback, self._form(call))

    def _form(self, call: Call) -> list[tuple[str, str]]:
        form = [
            ("CallSid", call.sid),
            ("CallStatus", call.status),
            ("To", call.to),
            ("From", call.from_),
            ("Direction", "outbound-api"),
            ("AccountSid", self._config.account_sid),
            ("ApiVersion", API_VERSION),
        ]
        return [*form, ("AnsweredBy", call.answered_by)] if call.answered_by else form

    async def _step(self) -> None:
        await asyncio.sleep(self._config.step_seconds)
