"""verl's reward manager, which says besides whether a prompt is a twin, and one that hands over pictures.

Both remember which answers got no reward. See `caspo.verl_plugin.held_out`, `.unrewarded` and `caspo.verl_rewards`.
"""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from verl import DataProto
from verl.experimental.reward_loop.reward_manager.naive import NaiveRewardManager

from caspo.errors import PromptUnfit
from caspo.verl_plugin.held_out import TWIN
from caspo.verl_plugin.unrewarded import Unrewarded
from caspo.verl_rewards import PICTURES, QUERY

PLACEHOLDER = "<image>"


class TwinRewardManager(NaiveRewardManager):  # type: ignore[misc]
    """Says of each trajectory, beside what the reward function said, whether its prompt is a harmless twin."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.unrewarded: list[Unrewarded] = []
        """What failed since the trainer looked last."""

    async def run_single(self, data: DataProto) -> dict[str, Any]:
        """Return verl's result for one trajectory, with `twin` (0 or 1) among its extras."""
        try:
            return await self._rate(data)
        except Exception as exc:  # verl only logs it; the trainer decides what becomes of the run
            self.unrewarded.append(Unrewarded.of(exc))
            raise

    async def _rate(self, data: DataProto) -> dict[str, Any]:
        result: dict[str, Any] = await super().run_single(data)
        extra = data[-1:].non_tensor_batch.get("extra_info", [{}])[0] or {}
        result["reward_extra_info"][TWIN] = float(bool(extra.get("twin", False)))
        return result


class PictureRewardManager(TwinRewardManager):
    """Hands a reward function, in `extra_info`, the query and the bytes of its pictures beside what verl hands it."""

    async def _rate(self, data: DataProto) -> dict[str, Any]:
        """Return verl's result for one trajectory.

        Raises:
            PromptUnfit: The prompt is not one user turn.
        """
        data = data[-1:]
        query, pictures = read_turn(data.non_tensor_batch["raw_prompt"][0])
        extra = np.empty(1, dtype=object)
        extra[0] = {**(data.non_tensor_batch.get("extra_info", [{}])[0] or {}), QUERY: query, PICTURES: pictures}
        told = DataProto(
            batch=data.batch, non_tensor_batch=data.non_tensor_batch | {"extra_info": extra}, meta_info=data.meta_info
        )
        return await super()._rate(told)


def take_unrewarded(worker: Any) -> list[Unrewarded]:
    """Return what failed since the last call, of one of verl's reward workers."""
    manager = worker.reward_manager
    if not isinstance(manager, TwinRewardManager):  # the run has a reward manager of its own
        return []
    found, manager.unrewarded = manager.unrewarded, []
    return found


def read_turn(messages: Sequence[Mapping[str, Any]]) -> tuple[str, list[bytes]]:
    """Return the words of a prompt of one user turn, with `<image>` for each picture, and the pictures' bytes.

    Raises:
        PromptUnfit: It is something else.
    """
    roles = [turn["role"] for turn in messages]
    if roles != ["user"]:
        raise PromptUnfit(
            f"a prompt has the turns {roles}; the reward model was trained on one user turn: write training data with "
            "`curator caspo prepare`"
        )
    content = messages[0]["content"]
    if isinstance(content, str):
        return content, []
    words, pictures = "", []
    for part in content:
        if part["type"] == "image":
            words += PLACEHOLDER
            pictures.append(read_picture(part))
        elif part["type"] == "text":
            words += part["text"]
        else:
            raise PromptUnfit(f"a prompt holds a part of type {part['type']!r}; only text and images can be rated")
    return words, pictures


def read_picture(part: Mapping[str, Any]) -> bytes:
    """Return a picture's bytes: those of the training file where verl kept them, else of its path, else a PNG.

    Raises:
        PromptUnfit: It is none of these.
    """
    if part.get("bytes"):
        return bytes(part["bytes"])
    image = part.get("image")
    if isinstance(image, Image.Image):
        out = io.BytesIO()
        image.save(out, "PNG")
        return out.getvalue()
    if isinstance(image, str) and "://" not in image.removeprefix("file://"):
        return Path(image.removeprefix("file://")).read_bytes()
    raise PromptUnfit(f"a picture is given as {str(image)[:80]!r}; put its bytes into the training file")
