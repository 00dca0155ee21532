"""`python -m tests.flows.patient [PART]`: `python -m flows`, but runs are waited for as long as it takes.

What goes past Prefect then does so for another reason than a busy processor. How often a run is late with
real patience is measured by the demo and by `make bench`.
"""

from __future__ import annotations

import os
import sys
from functools import partial

from flows import __main__ as program
from flows import runtime
from flows.limits import Limits

_LONG = 60.0
PATIENT = Limits(
    urgent_first_line=_LONG,
    routine_first_line=_LONG,
    pool_urgent_first_line=_LONG,
    pool_routine_first_line=_LONG,
)


if __name__ == "__main__":
    runtime.from_settings = partial(runtime.from_settings, limits=PATIENT)
    code = program.main()
    sys.stderr.flush()
    os._exit(code)
