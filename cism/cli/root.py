"""The top of the command line: every refusal is one line on standard error, and an exit status."""

from __future__ import annotations

import errno
import logging
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

from typer import Abort, TyperException
from typer.core import TyperGroup

from cism.errors import CismError, StorageFull

REFUSED = 1


class OneLineGroup(TyperGroup):
    """0 done; 1 refused, with the reason in one line; 2 wrong usage. No tracebacks."""

    def list_commands(self, _ctx: Any) -> list[str]:
        """The names alone: none of the commands is loaded for it."""
        return list(self.commands)

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a command line and leave the process with its status."""
        extra["standalone_mode"] = False
        # without a handler Python prints warnings of the services between our own lines
        logging.getLogger("cism").addHandler(logging.NullHandler())
        try:
            status = super().main(*args, **extra)
        except TyperException as error:
            hint = " (`cism --help` lists the commands)" if error.exit_code > REFUSED else ""
            said = (error.format_message() or "A command is missing.").replace("Value error, ", "")
            _leave(f"{said}{hint}", error.exit_code)
        except CismError as error:
            _leave(str(error), REFUSED)
        except BrokenPipeError:
            sys.exit(REFUSED)  # whoever read us has gone: nobody is there to be told
        except OSError as error:
            if error.errno == errno.ENOSPC:
                _leave(str(StorageFull()), REFUSED)
            _leave(f"{error.filename or 'the system'}: {error.strerror or type(error).__name__}", REFUSED)
        except Abort:
            _leave("stopped", REFUSED)
        except Exception as error:  # the last line of defence: where it happened, never what it said
            _leave(f"{type(error).__name__} at {_where(error)}: please report this line", REFUSED)
        sys.exit(status if isinstance(status, int) else 0)


def _where(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"


def _leave(message: str, status: int) -> NoReturn:
    sys.stderr.write(" ".join(message.split()) + "\n")
    sys.exit(status)
