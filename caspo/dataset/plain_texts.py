"""Texts that mean something else to a chat template or to verl than to the people who wrote them."""

import re

_PLACEHOLDER = re.compile(r"<(?:image|video|audio)>\s*")
_CONTROL = re.compile(r"<\|[^|<>\s]{1,40}\|>")


def clean_query(query: str) -> str | None:
    """Return a question without placeholders of media, which verl counts; None if it holds a chat template's token."""
    return None if _CONTROL.search(query) else _PLACEHOLDER.sub("", query).strip()


def is_plain(answer: str) -> bool:
    """Whether an answer holds neither a placeholder, at which verl's SFT stops, nor a token of chat templates."""
    return not _CONTROL.search(answer) and not _PLACEHOLDER.search(answer)
