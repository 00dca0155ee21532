"""Looks, remembers, pages: one turn after the other, until told to stop."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

from cism_watchdog import mail, paging, reading, words
from cism_watchdog.judging import judge
from cism_watchdog.memory import Memory
from cism_watchdog.paging import Alarm, Page
from cism_watchdog.settings import Settings

_PING_EVERY = 60.0  # seconds
_PROBE_AGAIN = 300.0  # after the mail server did not take us


@dataclass(slots=True)
class Watch:
    """One watchdog at work. `cannot_send` is true from a failure of the mail server to its next success."""

    settings: Settings
    memory: Memory
    alarm: Alarm
    cannot_send: bool = False
    _probe_at: float = 0.0
    _ping_at: float = 0.0

    def turn(self, now: float) -> None:
        """One look, and what it leads to; `now` in seconds since 1970."""
        found = reading.read(self.settings.url, self.settings.answer_within)
        before = self.alarm
        self.alarm = paging.note(before, judge(found, self.settings.limits, now), now, self.settings.rhythm)
        for key in sorted(self.alarm.on ^ before.on):
            say("trouble.on" if key in self.alarm.on else "trouble.off", trouble=key)
        page = paging.due(self.alarm, now, self.settings.rhythm)
        if page is not None:
            self._page(page, now)
        elif now >= self._probe_at:
            self.probe(now)
        self._remember()
        self._ping(now)

    def probe(self, now: float) -> None:
        """Ask the mail server whether it would take a mail of ours."""
        try:
            mail.probe(self.settings.mail)
        except mail.CannotSendError as error:
            self._failed(error)
            self._probe_at = now + min(_PROBE_AGAIN, self.settings.probe_every)
        else:
            self._works()
            self._probe_at = now + self.settings.probe_every

    def _page(self, page: Page, now: float) -> None:
        title = words.subject(page, self.settings)
        whole = words.body(page, self.alarm, self.settings)
        short = words.text(page, self.alarm, self.settings)
        try:
            refused = mail.send(self.settings.mail, title, whole, short)
        except mail.CannotSendError as error:  # it stays due, and is tried at the next look
            self._failed(error)
            return
        self._works()
        say("page.sent", page=page.value, refused=refused)
        self.alarm = paging.sent(self.alarm, page, now)

    def _failed(self, error: mail.CannotSendError) -> None:
        self.cannot_send = True
        say("mail.cannot_send", why=str(error))

    def _works(self) -> None:
        if self.cannot_send:
            say("mail.works_again")
        self.cannot_send = False

    def _remember(self) -> None:
        try:
            self.memory.save(self.alarm)
        except OSError as error:  # a full disk is when a page is wanted most: go on without
            say("memory.not_saved", why=type(error).__name__)

    def _ping(self, now: float) -> None:
        """Somebody elsewhere hears that this watchdog lives and can send; their alarm is our silence."""
        if self.settings.ping_url is None or self.cannot_send or now < self._ping_at:
            return
        if not reading.ping(self.settings.ping_url, self.settings.answer_within):
            say("ping.not_taken")
        self._ping_at = now + _PING_EVERY


def run(settings: Settings, memory: Memory) -> int:
    """Until SIGTERM or SIGINT; 3 where mail could not be sent at the end, else 0."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    watch = Watch(settings, memory, memory.load())
    say("watchdog.started", every=settings.rhythm.every, after=settings.rhythm.after)
    watch.probe(time.time())
    tell_supervisor("READY=1")
    while not stop.is_set():
        watch.turn(time.time())
        tell_supervisor("WATCHDOG=1")
        stop.wait(settings.rhythm.every)
    say("watchdog.stopped", cannot_send=watch.cannot_send)
    return 3 if watch.cannot_send else 0


def say(event: str, **fields: str | float | bool) -> None:
    """One JSON object a line on standard error."""
    line = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "event": event, **fields}
    sys.stderr.write(json.dumps(line) + "\n")
    sys.stderr.flush()


def tell_supervisor(state: str) -> None:
    """Tell systemd that we live (sd_notify(3)); without it, nothing."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
