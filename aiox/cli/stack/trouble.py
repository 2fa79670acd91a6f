"""What a person reads when the stack cannot go on: one line, with the mend."""

from __future__ import annotations


class CannotGoOn(Exception):
    """Something a person has to mend. The message is one line and says how; no traceback is shown."""


class PartDied(CannotGoOn):
    """A process of the stack ended by itself. The message names it and carries its last log lines.

    `how` is the signal or exit code it ended with.
    """

    def __init__(self, message: str, how: str = "ended") -> None:
        super().__init__(message)
        self.how = how
