"""How the process of a command ends."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn, TextIO


def ends_with(main: Callable[[], int | None]) -> NoReturn:
    """Runs a command and ends the process with its exit code.

    A reader that stops reading, such as `| head`, changes neither that code nor what the command
    does: the rest of the output is dropped.
    """
    for name in ("stdout", "stderr"):
        if stream := getattr(sys, name):  # None: closed, as by `>&-`
            setattr(sys, name, _kept(stream))
    sys.exit(main())


class _Output(io.FileIO):
    """A file descriptor of this process, whose reader may go away."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return len(data)


def _kept(stream: TextIO) -> TextIO:
    raw = _Output(stream.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), stream.encoding, stream.errors, line_buffering=True
    )
