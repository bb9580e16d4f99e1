"""The base of every error of ours. Its message is one sentence, `where: what`, and its class says what the caller can do."""

from __future__ import annotations

from typing import ClassVar


class DaybookError(Exception):
    """Something was found or failed, and trying again does not help.

    `exit_code` is what a command ends with: 1, or 2 where usage or configuration is wrong. `is_transient` is true when the same
    call may work a little later.
    """

    exit_code: ClassVar[int] = 1
    is_transient: ClassVar[bool] = False


class ConfigurationError(DaybookError):
    """What a person wrote or set is wrong: a source, a setting, an option, a key."""

    exit_code = 2


class TransientError(DaybookError):
    """An engine is down or busy, or another process came first."""

    is_transient = True
