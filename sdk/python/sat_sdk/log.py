"""The plugin's log, through Python's `logging`: `logging.getLogger(__name__).info(…)`.

The administrator reads it with `jp plugin logs ID`. `print` and tracebacks arrive there too.
"""

from __future__ import annotations

import io
import logging

from .bindings.sat.host.log import Level, write

__all__ = ["Handler", "Level", "Lines", "install", "write"]

#: Whether the host listens: not yet while the plugin is built, when its modules are imported.
listening = False
#: Longest line that the host keeps; what is longer comes in pieces.
LINE = 4096


def level(number: int) -> Level:
    """The host's level for one of `logging`."""
    if number >= logging.ERROR:
        return Level.ERROR
    if number >= logging.WARNING:
        return Level.WARN
    return Level.INFO if number >= logging.INFO else Level.DEBUG


class Handler(logging.Handler):
    """Writes records into the plugin's log."""

    def emit(self, record: logging.LogRecord) -> None:
        if not listening:
            return
        try:
            text = self.format(record)
        except Exception:
            self.handleError(record)
            return
        # A piece has at most as many bytes as the limit, even if each character has four.
        for start in range(0, max(len(text), 1), LINE // 4):
            write(level(record.levelno), text[start : start + LINE // 4])


class Lines(io.TextIOBase):
    """A text stream whose lines are log records."""

    def __init__(self, logger: logging.Logger, levelno: int) -> None:
        self.logger = logger
        self.levelno = levelno
        self.rest = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self.rest = (self.rest + text).split("\n")
        for line in lines:
            if line:
                self.logger.log(self.levelno, "%s", line)
        return len(text)


def install() -> None:
    """Sends all of `logging` to the plugin's log."""
    handler = Handler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG)
