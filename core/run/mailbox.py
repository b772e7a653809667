"""What tasks on many machines tell the run that began them: put down by many, taken by one."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Message:
    """What a task tells of itself.

    Attributes
    ----------
    attempt : str
        Which of the times that it was begun this one is: what is thought dead may still speak.
    host : str
        Where it runs.
    share, word :
        As given to the task's `report`.
    written : dict of bytes
        Files of its state that are new or changed, relative to the study's folder, in the order of their writing.
    gone : tuple of str
        Files of its state that went away.
    """

    attempt: str
    host: str
    share: float | None
    word: str
    written: dict[str, bytes] = field(default_factory=dict)
    gone: tuple[str, ...] = ()


class Mailbox:
    """A process of its own, an actor of Ray, on the machine of the run."""

    def __init__(self) -> None:
        self._kept: list[Message] = []

    def put(self, message: Message) -> None:
        """Leave a message."""
        self._kept.append(message)

    def take(self) -> list[Message]:
        """Return what was left since, in order."""
        found, self._kept = self._kept, []
        return found
