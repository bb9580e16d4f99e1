"""Progress lines on standard error, with the seconds since the start."""

import sys
import time

_BEGUN = time.monotonic()


def say(text: str) -> None:
    """One line, at once."""
    sys.stderr.write(f"[{time.monotonic() - _BEGUN:6.1f} s] {text}\n")
    sys.stderr.flush()
