"""`python -m notifications.phone_wall`: a wall in the foreground."""

import argparse
import os
import secrets
import sys
from pathlib import Path

from notifications.phone_wall.config import WallConfig
from notifications.phone_wall.fault_plan import read_plan
from notifications.phone_wall.journal import Journal
from notifications.phone_wall.server import serve


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m notifications.phone_wall",
        description="A server that speaks Twilio's REST API, with a page of handsets. For this machine only.",
    )
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--host", default="127.0.0.1", help="an address of this machine")
    parser.add_argument("--public-url", help="another address under which the wall may be asked for")
    parser.add_argument("--account-sid", default=WallConfig().account_sid)
    parser.add_argument(
        "--auth-token",
        help="default: WALL_AUTH_TOKEN in the environment, which other users of the machine cannot read",
    )
    parser.add_argument("--number", action="append", default=[], help="one of our senders; may be repeated")
    parser.add_argument("--messaging-service-sid")
    parser.add_argument("--inbound-url", help="where texts from handsets are posted to")
    parser.add_argument("--help-answer", choices=["twilio", "none"], default="none")
    parser.add_argument("--opt-out-answer", choices=["twilio", "none"], default="twilio")
    parser.add_argument("--advanced-opt-out", action="store_true", help="send OptOutType")
    parser.add_argument(
        "--faults", type=read_plan, metavar="PLAN", help="what goes wrong by chance: JSON, or a file of it"
    )
    parser.add_argument("--seed", type=int, default=0, help="what that chance is drawn from")
    parser.add_argument("--state", type=Path, metavar="FILE", help="keep messages in this file")
    return parser


def config_from(given: argparse.Namespace) -> WallConfig:
    """The wall that a command line asks for."""
    return WallConfig(
        account_sid=given.account_sid,
        auth_token=given.auth_token or os.environ.get("WALL_AUTH_TOKEN") or secrets.token_hex(16),
        numbers=tuple(given.number),
        messaging_service_sid=given.messaging_service_sid,
        inbound_url=given.inbound_url,
        public_url=given.public_url,
        help_answer=given.help_answer,
        opt_out_answer=given.opt_out_answer,
        advanced_opt_out=given.advanced_opt_out,
        fault_plan=given.faults,
        seed=given.seed,
        state_file=given.state,
    )


def main(argv: list[str] | None = None) -> int:
    """Serve until interrupted; 1, with the reason in one line, where that is not possible."""
    given = arguments().parse_args(argv)
    try:
        _try_state(given.state)
        serve(config_from(given), given.port, given.host, _announce)
    except OSError as problem:
        sys.stderr.write(
            f"phone wall: cannot listen on {given.host}, port {given.port} ({problem.strerror}); "
            "stop what listens there, or choose another with --port\n"
        )
        return 1
    except ValueError as problem:
        sys.stderr.write(f"phone wall: {problem}\n")
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def _announce(address: str) -> None:
    sys.stdout.write(f"phone wall at {address} (no real phone is reached)\n")
    sys.stdout.flush()


def _try_state(path: Path | None) -> None:
    journal = Journal(path)
    try:
        journal.open()
    except OSError as problem:
        message = f"cannot write {path} ({problem.strerror}); give another file with --state"
        raise ValueError(message) from problem
    journal.close()


if __name__ == "__main__":
    sys.exit(main())
