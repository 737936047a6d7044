"""What a page holds."""

from __future__ import annotations

from collections.abc import Collection
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "rect", "circle", "path", "line", "wbr"}


class Elements(HTMLParser):
    """Collects elements and text, and checks that elements are closed in order; `void` ones need not be."""

    def __init__(self, text: str, *, void: Collection[str] = ()) -> None:
        super().__init__()
        self.void = {*VOID, *void}
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        # HTML lets a paragraph's end be left out; we do not
        assert tag in self.void or self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())
