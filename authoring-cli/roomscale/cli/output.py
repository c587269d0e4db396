"""What a person sees on the terminal: steps with their time, notes, one link.

Its one rule: text that comes from outside (names, paths, a server's words) is shown escaped; colour and movement
appear on a terminal only, so that a log in CI stays plain.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.text import Text

KEPT_CONTROLS = "\n"
Styled = list[tuple[str, str]]
"""A line in pieces, each with a style of rich's ("bold red", "" for none)."""


def printable(text: str) -> str:
    """`text` with control characters (a terminal would obey them) shown as escapes, and no markup of rich's."""
    return escape(_plain(text))


def _plain(text: str) -> str:
    return "".join(
        c if c.isprintable() or c in KEPT_CONTROLS else c.encode("unicode_escape", "backslashreplace").decode()
        for c in text
    )


@dataclass
class Output:
    """The two streams of the command; results go to `out`, everything said along the way to `err`."""

    out: Console = field(default_factory=lambda: Console(highlight=False, soft_wrap=True))
    err: Console = field(default_factory=lambda: Console(stderr=True, highlight=False, soft_wrap=True))

    def result(self, text: str) -> None:
        """What was asked for: a link, a table, JSON."""
        self.out.print(printable(text))

    def styled(self, line: Styled) -> None:
        """A line of a report, coloured on a terminal."""
        text = Text()
        for part, style in line:
            text.append(_plain(part), style or None)
        self.out.print(text)

    def note(self, text: str) -> None:
        """Something the user should know but need not act upon."""
        self.err.print(f"  [yellow]·[/] {printable(text)}")

    def error(self, text: str) -> None:
        """The one line of a failure."""
        self.err.print(f"[bold red]roomscale:[/] {printable(text)}")

    @contextmanager
    def step(self, doing: str) -> Iterator[Callable[[str], None]]:
        """Show that `doing` goes on, then that it is done and how long it took.

        Yields a function that replaces the text while it goes on ("uploading 3 of 5 MB").
        """
        started = time.monotonic()
        status = self.err.status(printable(doing)) if self.err.is_terminal else None
        if status is None:
            self.err.print(f"  … {printable(doing)}")
        else:
            status.start()
        try:
            yield (lambda text: status.update(printable(text)) if status else None)
        except BaseException:
            if status is not None:
                status.stop()
            self.err.print(f"  [red]✗[/] {printable(doing)}")
            raise
        if status is not None:
            status.stop()
        self.err.print(f"  [green]✓[/] {printable(doing)} [dim]({time.monotonic() - started:.1f} s)[/]")

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
                        self.err.print(f"    {printable(what)}")
                    last = what

                yield tell
            return
        started = time.monotonic()
        columns = (BarColumn(bar_width=24), TaskProgressColumn(), TextColumn("{task.description}"))
        try:
            with Progress(*columns, console=self.err, transient=True) as bar:
                task = bar.add_task(printable(doing), total=1.0)
                yield lambda what, done: bar.update(task, description=printable(what), completed=done)
        except BaseException:
            self.err.print(f"  [red]✗[/] {printable(doing)}")
            raise
        self.err.print(f"  [green]✓[/] {printable(doing)} [dim]({time.monotonic() - started:.1f} s)[/]")
