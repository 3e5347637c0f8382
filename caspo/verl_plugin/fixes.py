"""Three faults of verl 0.9.1 (with TransferQueue 0.1.11), mended in each process that trains, while they are there.

Whether one is there is tried out, not concluded from a version: where upstream has mended it, verl is left alone.

* **Pictureless micro batch.** Qwen2-VL and Qwen2.5-VL crash at a micro batch without a picture, as padding rows make
  one: `models/transformers/qwen2_vl.py` takes the mean of the vision tower's output object instead of its features.
* **Positions of rows of one length.** Where all rows that a worker fetches are equally long (always with one row),
  M-RoPE positions (rows, T) are packed with the wrong ragged dimension. Scoring then uses the first `rows` positions
  and zeros for the rest, without a word: log-probabilities are wrong. Training crashes.
* **An epoch lost.** SFT that goes on from a checkpoint at the end of an epoch takes up a data loader that has nothing
  left for the next one: the next epoch has no step, and the run ends that many steps before its end.

All were found in own trials; no thread upstream was known in November 2026.
"""

from collections.abc import Callable
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import torch
import verl.models.transformers.qwen2_vl as qwen2_vl
import verl.utils.transferqueue_utils as queue
from tensordict import TensorDict
from torch import Tensor
from torchdata.stateful_dataloader import StatefulDataLoader
from transfer_queue.storage.managers.simple_storage_manager import AsyncSimpleStorageManager
from transformers.modeling_outputs import BaseModelOutputWithPooling
from verl.utils.checkpoint import checkpoint_handler
from verl.utils.tensordict_utils import nested_tensor_from_tensor_list

from caspo.errors import VerlUnfit

WRITTEN_FOR = (0, 9, 1)
"""Later ones of 0.9 are taken too; 0.10 may have moved what the trainer overrides."""


def check_verl() -> None:
    """Refuse a verl that the plugin was not written for.

    Raises:
        VerlUnfit: See above.
    """
    found = version("verl")
    parts = tuple(int(part) for part in found.split(".")[:3] if part.isdigit())
    if not WRITTEN_FOR <= parts < (0, 10):
        raise VerlUnfit(f"verl {found} is installed; the plugin was written for 0.9.1: pip install verl==0.9.1")


def mend_verl() -> list[str]:
    """Mend in this process what is faulty, and return the names of what was; a second call finds nothing to do.

    Raises:
        VerlUnfit: A fault is there that the mending does not cure.
    """
    faults: dict[str, tuple[Callable[[], bool], Callable[[], None]]] = {
        "pictureless micro batch": (crashes_without_pictures, _mend_pictureless),
        "positions of rows of one length": (packs_positions_wrongly, _mend_positions),
        "an epoch lost": (loses_an_epoch, _mend_epochs),
    }
    mended = []
    for name, (is_there, mend) in faults.items():
        if is_there():
            mend()
            mended.append(name)
            if is_there():
                raise VerlUnfit(f"verl {version('verl')} has the fault {name!r}, and mending it does not help")
    return mended


def crashes_without_pictures() -> bool:
    """Try the first fault on a vision tower that answers what the real one does."""
    output = BaseModelOutputWithPooling(last_hidden_state=torch.zeros(4, 2), pooler_output=torch.zeros(1, 2))
    model = SimpleNamespace(
        get_input_embeddings=lambda: torch.nn.Embedding(3, 2),
        visual=lambda *_, **__: output,
        config=SimpleNamespace(
            vision_config=SimpleNamespace(in_channels=3, temporal_patch_size=2, patch_size=2), image_token_id=2
        ),
    )
    try:
        qwen2_vl._get_input_embeds(model, torch.tensor([[0, 1]]))
    except AttributeError:
        return True
    return False


def _mend_pictureless() -> None:
    original = qwen2_vl._get_input_embeds

    def get_input_embeds(
        model: Any,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        pixel_values: Tensor | None = None,
        pixel_values_videos: Tensor | None = None,
        *grids: Any,
        **named: Any,
    ) -> Any:
        if pixel_values is not None or pixel_values_videos is not None:
            return original(model, input_ids, attention_mask, pixel_values, pixel_values_videos, *grids, **named)
        embeds = model.get_input_embeddings()(input_ids)
        vision = model.config.vision_config
        width = vision.in_channels * vision.temporal_patch_size * vision.patch_size**2
        blank = torch.zeros((16, width), dtype=embeds.dtype, device=embeds.device)
        grid = torch.tensor([[1, 4, 4]], device=embeds.device)
        # Of no effect, but FSDP's ranks must all run the tower.
        features = qwen2_vl.unpack_visual_output(model.visual(blank, grid_thw=grid))[0]
        return embeds + 0.0 * features.mean(), attention_mask

    qwen2_vl._get_input_embeds = get_input_embeds


def packs_positions_wrongly() -> bool:
    """Try the second fault on what a worker would be handed."""
    rows = [torch.arange(5).expand(4, -1), torch.arange(5).expand(4, -1)]
    packed = fetch_as_worker(rows)
    return bool(packed.is_nested and packed._ragged_idx != 2)


def fetch_as_worker(rows: list[Tensor]) -> Tensor:
    """Return rows of positions as a worker gets them from the queue, without a queue."""
    fields = {"position_ids": AsyncSimpleStorageManager._pack_field_values(rows)}

    async def get_data(meta: Any) -> TensorDict:
        return TensorDict(fields, batch_size=len(rows))

    real = queue.tq
    queue.tq = SimpleNamespace(get_client=lambda: SimpleNamespace(async_get_data=get_data))
    try:
        queue._async_meta_to_realdata(SimpleNamespace(size=len(rows), extra_info={})).send(None)
    except StopIteration as done:
        fetched: Tensor = done.value["position_ids"]
        return fetched
    finally:
        queue.tq = real
    raise VerlUnfit("verl waits for something else than its queue when a worker fetches its rows")


def repack_positions(positions: Tensor) -> Tensor:
    """Return M-RoPE positions with the tokens as ragged dimension; those that have it so are returned as they are."""
    if not positions.is_nested or positions.dim() != 3 or positions._ragged_idx == 2:
        return positions
    values, offsets = positions.values(), positions.offsets().tolist()
    rows = [values[start:end] for start, end in pairwise(offsets)]
    repacked: Tensor = nested_tensor_from_tensor_list(rows)
    return repacked


def _mend_positions() -> None:
    original = queue._async_meta_to_realdata

    async def meta_to_realdata(meta: Any) -> Any:
        batch = await original(meta)
        if "position_ids" in batch.keys():  # noqa: SIM118 - a TensorDict is no mapping
            batch["position_ids"] = repack_positions(batch["position_ids"])
        return batch

    queue._async_meta_to_realdata = meta_to_realdata


def loses_an_epoch() -> bool:
    """Try the third fault on a loader of two batches, after its first epoch."""
    return count_after_resume(done=2) != 2


def count_after_resume(*, done: int) -> int:
    """Return how many batches SFT's next epoch has when it goes on after the first `done` of two."""
    before, after = (StatefulDataLoader(range(2), batch_size=1) for _ in range(2))
    batches = iter(before)
    for _ in range(done):
        next(batches)
    with TemporaryDirectory() as place:
        folder = Path(place) / f"global_step_{done}"
        folder.mkdir()
        torch.save(before.state_dict(), folder / "data_0.pt")
        resuming = SimpleNamespace(train_dataloader=after, rank=0, dp_rank=0)
        checkpoint_handler.CheckpointHandler._load_dataloader_state(resuming, str(folder))
    return len(list(after))


def _mend_epochs() -> None:
    original = checkpoint_handler.CheckpointHandler._load_dataloader_state

    def load_dataloader_state(handler: Any, checkpoint_path: str) -> None:
        step = checkpoint_handler.extract_step(checkpoint_path)
        if step is None or step % len(handler.train_dataloader):
            original(handler, checkpoint_path)  # otherwise the next epoch begins with its first row, as it has to

    checkpoint_handler.CheckpointHandler._load_dataloader_state = load_dataloader_state
