"""`make golden`: write every golden rehearsal anew."""

from __future__ import annotations

import sys

from cism.domain.protocol import protocol_keys
from tests.golden import FOLDER, golden


def main() -> None:
    """One file a protocol; files of protocols that are gone are removed."""
    for path in FOLDER.glob("*.txt"):
        if path.stem not in protocol_keys():
            path.unlink()
    for key in protocol_keys():
        (FOLDER / f"{key}.txt").write_text(golden(key), encoding="utf-8")
        sys.stdout.write(f"{key}\n")


if __name__ == "__main__":
    main()
