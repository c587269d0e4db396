"""What a person sees on the terminal: steps with their time, notes, one link.

Its one rule: text that comes from outside (names, paths, a server's words) is shown escaped; colour and movement
appear on a terminal only, so that a log in CI stays plain. There, rich is not even imported: it takes 30 ms.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from roomscale.cli.environment import wants_terminal
from roomscale.cli.errors import Unheard

if TYPE_CHECKING:
    from rich.console import Console

Styled = list[tuple[str, str]]
"""A line in pieces, each with a style of rich's ("bold red", "" for none)."""


def printable(text: str) -> str:
    """`text` with control characters shown as escapes, line breaks too: a terminal would obey them, readers believe."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)


class Stream:
    """One of the two streams of the command. `is_error`: standard error."""

    def __init__(self, *, is_error: bool) -> None:
        self._is_error = is_error
        self.is_terminal = wants_terminal(sys.stderr if is_error else sys.stdout)

    @cached_property
    def console(self) -> Console:
        """rich's, for what moves on a terminal."""
        from rich.console import Console

        return Console(stderr=self._is_error, highlight=False, soft_wrap=True)

    def line(self, line: Styled) -> None:
        """Write a line, coloured on a terminal. Raises `Unheard` where nobody takes it, or there is no room for it."""
        try:
            self._write(line)
        except OSError as error:
            # What is left in the stream's buffer would be tried again at the end, and fail with a trace.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, (sys.stderr if self._is_error else sys.stdout).fileno())
            os.close(nowhere)
            raise Unheard(error) from error

    def _write(self, line: Styled) -> None:
        if not self.is_terminal:
            text = "".join(printable(part) for part, _ in line)
            print(text, file=sys.stderr if self._is_error else sys.stdout, flush=True)
            return
        from rich.text import Text

        self.console.print(Text.assemble(*((printable(part), style) for part, style in line)))


class Output:
    """The two streams of the command; results go to `out`, everything said along the way to `err`."""

    def __init__(self) -> None:
        self.out, self.err = Stream(is_error=False), Stream(is_error=True)

    def result(self, text: str) -> None:
        """One line of what was asked for: a link, where a file is."""
        self.out.line([(text, "")])

    def results(self, text: str) -> None:
        """What was asked for, in lines of our own making: JSON, a table of figures."""
        for line in text.split("\n"):
            self.result(line)

    def styled(self, line: Styled) -> None:
        """A line of a report, coloured on a terminal."""
        self.out.line(line)

    def note(self, text: str) -> None:
        """Something the user should know but need not act upon."""
        self.err.line([("  ", ""), ("·", "yellow"), (f" {text}", "")])

    def error(self, text: str) -> None:
        """The one line of a failure."""
        self.err.line([("roomscale:", "bold red"), (f" {text}", "")])

    @contextmanager
    def step(self, doing: str) -> Iterator[Callable[[str], None]]:
        """Show that `doing` goes on, then that it is done and how long it took.

        Yields a function that replaces the text while it goes on ("uploading 3 of 5 MB").
        """
        with self._timed(doing):
            if not self.err.is_terminal:
                self.err.line([(f"  … {doing}", "")])
                yield lambda _text: None
                return
            from rich.text import Text

            with self.err.console.status(Text(printable(doing))) as status:
                yield lambda text: status.update(Text(printable(text)))

    @contextmanager
    def progress(self, doing: str) -> Iterator[Callable[[str, float], None]]:
        """As `step`, for work that knows how far it is.

        Yields a function of what is being done and how much of all is done, 0 to 1: a bar on a terminal, elsewhere
        a line for each new thing that is being done.
        """
        if not self.err.is_terminal:
            with self.step(doing):
                last = ""

                def tell(what: str, _done: float) -> None:
                    nonlocal last
                    if what != last:
                        self.err.line([(f"    {what}", "")])
                    last = what

                yield tell
            return
        from rich.markup import escape
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        columns = (BarColumn(bar_width=24), TaskProgressColumn(), TextColumn("{task.description}"))
        with self._timed(doing), Progress(*columns, console=self.err.console, transient=True) as bar:
            task = bar.add_task(escape(printable(doing)), total=1.0)
            yield lambda what, done: bar.update(task, description=escape(printable(what)), completed=done)

    @contextmanager
    def _timed(self, doing: str) -> Iterator[None]:
        """Say at the end whether it was done, and how long it took."""
        started = time.monotonic()
        try:
            yield
        except BaseException:
            self.err.line([("  ", ""), ("✗", "red"), (f" {doing}", "")])
            raise
        took = f" ({time.monotonic() - started:.1f} s)"
        self.err.line([("  ", ""), ("✓", "green"), (f" {doing}", ""), (took, "dim")])
