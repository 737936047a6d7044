"""The commands in what a person is told."""

from __future__ import annotations

import re
import shlex

CALL = re.compile(r"uv run invoke ([^;`\n]*)")
SENTENCE_GOES_ON = ("lists", "shows", "takes", "writes", "makes", "on", "to", "then", "and", "says")
IN_PLACE = re.compile(r"\b[A-Z]{4,}\b")
"""A word in capitals stands for a name that the reader has."""


def commands_in(text: str) -> list[list[str]]:
    """The words of each command in a text, up to where its sentence goes on."""
    found = []
    for call in CALL.findall(text):
        words: list[str] = []
        for word in _split(call):
            if word.startswith("(") or word in SENTENCE_GOES_ON:
                break
            words.append(word if word == "..." else word.rstrip(",.:)"))
            if word != "..." and word[-1] in ",.:)":
                break
        if words and re.fullmatch(r"[a-zA-Z][\w.]*", words[0]):
            found.append(words)
    return found


def can_be_pasted(words: list[str]) -> bool:
    """Whether a command is whole: nothing in it stands for a name that only the reader knows."""
    return not any(IN_PLACE.search(word) for word in words)


def _split(call: str) -> list[str]:
    try:
        return shlex.split(call)
    except ValueError:  # an apostrophe of the sentence
        return call.split()
