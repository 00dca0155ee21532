"""`python -m cism.web`: the web part in the foreground."""

from __future__ import annotations

import argparse
import socket
import sys

import uvicorn

from cism import log, settings
from cism.errors import OUTDATED, CismError, DatabaseChanged, DatabaseNewer
from cism.services import clockwork, restoring
from cism.services.delivery import Courier
from cism.services.gateway import build_gateway
from cism.services.languages import open_database
from cism.store import migrate
from cism.web.app import create_app


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m cism.web", description="The API, webhooks and pages.")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--host", default="127.0.0.1", help="behind a proxy, the address it reaches")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Serve until interrupted; 1, with the reason in one line, where that is not possible."""
    given = arguments().parse_args(argv)
    try:
        listening = _listen(given.host, given.port)
    except (OSError, OverflowError) as problem:
        reason = getattr(problem, "strerror", None) or "no such port"
        sys.stderr.write(
            f"cism web: cannot listen on {given.host}, port {given.port} ({reason}); "
            "stop what listens there, or choose another with --port\n"
        )
        return 1
    try:
        return _serve(listening)
    except CismError as refusal:
        sys.stderr.write(f"cism web: {refusal}\n")
        return OUTDATED if isinstance(refusal, DatabaseNewer) else 1
    finally:
        listening.close()


def _serve(listening: socket.socket) -> int:
    log.setup()
    found = settings.load()
    db = open_database(found)
    try:
        migrate.check(db)
        clockwork.refuse_real_clock(db)
        restoring.notice(db)
        app = create_app(db, found, Courier(db, build_gateway(found), found))
        config = uvicorn.Config(
            app,
            access_log=False,  # the address of a page is a secret
            log_level="warning",
            server_header=False,
            lifespan="on",
            # longer than a proxy or a provider keeps an idle connection: one that closes under a text that
            # comes in loses it until the provider's list is read
            timeout_keep_alive=75,
        )
        host, port = listening.getsockname()[:2]
        sys.stdout.write(f"cism web at http://{host}:{port}\n")
        sys.stdout.flush()
        server = uvicorn.Server(config)
        db.when_outdated = lambda: setattr(server, "should_exit", True)
        server.run(sockets=[listening])
        if db.outdated:
            raise DatabaseChanged
    finally:
        db.close()
    return 0


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(2048)
    except (OSError, OverflowError):
        listening.close()
        raise
    listening.set_inheritable(True)
    return listening


if __name__ == "__main__":
    sys.exit(main())
