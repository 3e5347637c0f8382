"""The texts that records may hold, their one JSON form, and its hash."""

import hashlib
import json
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field


def check_text(text: str) -> str:
    """Return `text` in Unicode form NFC; refuse what no database or file can hold (NUL, lone surrogates)."""
    if "\x00" in text:
        raise ValueError("text holds a NUL character (U+0000); remove it")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise ValueError(f"text holds a lone surrogate at position {exc.start}; send valid Unicode") from exc
    return unicodedata.normalize("NFC", text)


def check_filled(text: str) -> str:
    """Strip `text` and refuse it when nothing is left."""
    text = check_text(text).strip()
    if not text:
        raise ValueError("text is empty; write at least one character")
    return text


Text = Annotated[str, Field(max_length=20_000), AfterValidator(check_text)]
FilledText = Annotated[str, Field(max_length=20_000), AfterValidator(check_filled)]
Line = Annotated[str, Field(max_length=2_000), AfterValidator(check_filled)]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,63}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def canonical_json(value: Any) -> str:
    """Return the one JSON text of `value`: sorted keys, no spaces, UTF-8 kept, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def hash_json(value: Any) -> str:
    """Return the sha256 (64 hex digits) of the canonical JSON of `value`."""
    return hashlib.sha256(canonical_json(value).encode("utf-8")).hexdigest()


def utc_now() -> datetime:
    """Return the present time, aware, in UTC."""
    return datetime.now(UTC)
