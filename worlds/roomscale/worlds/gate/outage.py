"""What is said to those inside while the homeserver is away. Pure: the time is a parameter.

The one rule: an absent homeserver sends nobody out. Those inside go on, and hear of it once, once more after some
minutes, and when it is over.
"""

from __future__ import annotations

from dataclasses import dataclass

HOMESERVER_AWAY = 1
HOMESERVER_BACK = 2
TEXT_ONLY = 255


@dataclass(frozen=True)
class Notice:
    """A notice for everybody (`NOTICE` in netcode/PROTOCOL.md)."""

    code: int
    text: str


class Outage:
    """Follows whether the homeserver answers."""

    def __init__(self, notice_s: float, tell_s: float) -> None:
        self._notice_s = notice_s
        self._tell_s = tell_s
        self._since: float | None = None
        self._told = 0

    @property
    def away(self) -> bool:
        """Whether the last thing asked of the homeserver got no answer."""
        return self._since is not None

    def away_for(self, now: float) -> float:
        """Seconds since it was first missed; 0 while it is there."""
        return 0.0 if self._since is None else now - self._since

    def failed(self, now: float) -> None:
        """It did not answer."""
        if self._since is None:
            self._since = now

    def answered(self) -> list[Notice]:
        """It answered: what to say now."""
        told, self._since, self._told = self._told, None, 0
        return [Notice(HOMESERVER_BACK, "The homeserver is back.")] if told else []

    def due(self, now: float) -> list[Notice]:
        """What to say now, having been silent so far."""
        away = self.away_for(now)
        notices = []
        if self._told == 0 and self._since is not None and away >= self._notice_s:
            self._told = 1
            notices.append(
                Notice(
                    HOMESERVER_AWAY, "The homeserver is away: you can stay, but nobody new can enter and chat waits."
                )
            )
        if self._told == 1 and away >= self._tell_s:
            self._told = 2
            minutes = max(1, round(away / 60))
            plural = "" if minutes == 1 else "s"
            notices.append(
                Notice(
                    TEXT_ONLY,
                    f"The homeserver has been away for {minutes} minute{plural}."
                    " If you leave now you may not get back in before it returns.",
                )
            )
        return notices
