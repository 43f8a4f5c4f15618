"""Who is writing in which thread, as far as this process has been told; forgotten after a few silent seconds."""

from dataclasses import dataclass, field
from uuid import UUID

# How long somebody counts as writing after a sign of it, and how often the signs of one person are passed on.
WRITING_SECONDS = 8.0
TELL_SECONDS = 3.0
Place = tuple[UUID, UUID]
"""A tenant and one of its threads."""


@dataclass(slots=True)
class Presence:
    """Until when each person counts as writing, by place; and when this process last told of whom."""

    writing: dict[Place, dict[UUID, float]] = field(default_factory=dict)
    told: dict[tuple[UUID, UUID], float] = field(default_factory=dict)

    def note(self, place: Place, user_id: UUID, now: float, *, is_writing: bool) -> bool:
        """Take in a sign; whether it changes who is seen writing there."""
        people = self.writing.setdefault(place, {})
        was_writing = people.get(user_id, 0.0) > now
        if is_writing:
            people[user_id] = now + WRITING_SECONDS
        else:
            people.pop(user_id, None)
        self._tidy(place)
        return was_writing is not is_writing

    def forget(self, place: Place, now: float) -> bool:
        """Drop whoever has been silent for too long; whether there was somebody."""
        people = self.writing.get(place, {})
        silent = [user_id for user_id, until in people.items() if until <= now]
        for user_id in silent:
            del people[user_id]
        self._tidy(place)
        return bool(silent)

    def others(self, place: Place, user_id: UUID, now: float) -> list[UUID]:
        """Who else is writing there."""
        return [one for one, until in self.writing.get(place, {}).items() if one != user_id and until > now]

    def is_due(self, user_id: UUID, thread: UUID, now: float) -> bool:
        """Whether it is time to pass on that this person writes; keystrokes in between cost nothing."""
        self.told = {key: at for key, at in self.told.items() if at + TELL_SECONDS > now}
        is_due = (user_id, thread) not in self.told
        if is_due:
            self.told[user_id, thread] = now
        return is_due

    def stop(self, user_id: UUID, thread: UUID) -> None:
        """The next keystroke of this person is passed on at once."""
        self.told.pop((user_id, thread), None)

    def _tidy(self, place: Place) -> None:
        if not self.writing.get(place):
            self.writing.pop(place, None)


presence = Presence()
