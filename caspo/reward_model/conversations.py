"""A query about pictures with an answer to it, as a model's own processor and chat template make them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import torch
from PIL import Image, UnidentifiedImageError

from caspo.errors import SampleInvalid

PLACEHOLDER = "<image>"
"""Where a picture stands in a query, as in the files of training data."""


@dataclass(frozen=True)
class Asked:
    """What is rated."""

    query: str
    """With as many `<image>` as pictures."""
    pictures: tuple[bytes, ...]
    """PNG, JPEG or whatever Pillow reads."""
    answer: str


def check_asked(asked: Asked) -> None:
    """Refuse what cannot be rated: no picture, another number of pictures than of places for them.

    Raises:
        SampleInvalid: See above.
    """
    places = asked.query.count(PLACEHOLDER)
    if not asked.pictures:
        raise SampleInvalid("there is no picture: this model rates answers about pictures; send at least one")
    if places != len(asked.pictures):
        raise SampleInvalid(
            f"the query has {places} {PLACEHOLDER} for {len(asked.pictures)} pictures; write one for each picture"
        )


def open_picture(data: bytes) -> Image.Image:
    """Return the picture in RGB; what is transparent becomes white.

    Raises:
        SampleInvalid: Pillow cannot read it.
    """
    try:
        with Image.open(BytesIO(data)) as opened:
            if opened.mode not in ("RGBA", "LA", "PA") and "transparency" not in opened.info:
                return opened.convert("RGB")
            seen = opened.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as exc:
        raise SampleInvalid(f"a picture of {len(data)} bytes cannot be read ({exc}); send PNG or JPEG") from exc
    white = Image.new("RGBA", seen.size, "white")
    return Image.alpha_composite(white, seen).convert("RGB")


def encode(processor: Any, asked: Sequence[Asked], *, max_tokens: int) -> dict[str, Any]:
    """Return the batch that the model takes, padded, on the CPU.

    Words that are special tokens of the tokenizer (`<|im_end|>`, a picture's placeholder) are blanked out in query and
    answer: they would end a turn, or stand for a picture that is not there.

    Raises:
        SampleInvalid: Something cannot be rated, or is longer than `max_tokens`.
    """
    for one in asked:
        check_asked(one)
    special = _find_special(processor)
    texts = [_render(processor, one, special) for one in asked]
    pictures = [[open_picture(data) for data in one.pictures] for one in asked]
    made: dict[str, Any] = dict(processor(text=texts, images=pictures, padding=True, return_tensors="pt"))
    lengths = made["attention_mask"].sum(1)
    longest = int(lengths.argmax())
    if lengths[longest] > max_tokens:
        raise SampleInvalid(
            f"a conversation has {int(lengths[longest])} tokens, at most {max_tokens} are allowed (it asks "
            f"{asked[longest].query[:60]!r}); raise max_tokens, or send smaller pictures"
        )
    return made


def move(batch: dict[str, Any], device: torch.device, dtype: torch.dtype = torch.float32) -> dict[str, Any]:
    """Return the batch on the device, its pictures in `dtype`."""
    return {
        name: value.to(device, dtype if value.is_floating_point() else None)
        for name, value in batch.items()
        if isinstance(value, torch.Tensor)
    }


def _find_special(processor: Any) -> re.Pattern[str]:
    known = {str(token) for token in processor.tokenizer.added_tokens_decoder.values() if token.special}
    known |= {str(getattr(processor, name)) for name in ("image_token", "video_token") if hasattr(processor, name)}
    return re.compile("|".join(re.escape(token) for token in sorted(known, key=len, reverse=True)) or r"(?!)")


def _render(processor: Any, asked: Asked, special: re.Pattern[str]) -> str:
    first, *others = [special.sub(" ", part) for part in asked.query.split(PLACEHOLDER)]
    content: list[dict[str, str]] = [{"type": "text", "text": first}] if first else []
    for part in others:
        content.append({"type": "image"})
        if part:
            content.append({"type": "text", "text": part})
    answer = special.sub(" ", asked.answer)
    turns = [
        {"role": "user", "content": content},
        {"role": "assistant", "content": [{"type": "text", "text": answer}]},
    ]
    return str(processor.apply_chat_template(turns, add_generation_prompt=False, tokenize=False))
