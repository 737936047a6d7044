"""Questions before something that cannot be taken back."""

from __future__ import annotations

import sys

from wildetect.errors import ConfigurationError
from wildetect.tasks.streams import silence_is_meant
from wildetect.tasks.support import say

__all__ = ["confirmed"]


def confirmed(question: str, *, yes: bool, command: str, word: str = "y") -> bool:
    """Ask a person at the terminal; `--yes` answers for one who is not there.

    Args:
        question: One line, without the question mark.
        yes: Whether `--yes` was given.
        command: The task as it was called, for the hint.
        word: What must be typed to go on; small letters.

    Returns:
        Whether to go on.

    Raises:
        ConfigurationError: There is no terminal to ask at, and `--yes` was not given.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise ConfigurationError(
            "this needs a yes, and there is no terminal to ask at; nothing was changed",
            hint=f"If it is what you want: uv run invoke {command} --yes",
        )
    sys.stderr.write(f"{question}? Type {word} to go on: ")
    sys.stderr.flush()
    with silence_is_meant():
        answer = sys.stdin.readline()
    if answer.strip().lower() == word:
        return True
    say("nothing was changed")
    return False
