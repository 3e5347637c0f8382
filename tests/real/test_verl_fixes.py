"""The three faults of verl 0.9.1 are there, are mended, and where they are not there verl is left alone."""

from types import SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.verl


@pytest.fixture
def fixes(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, with verl as it is installed; what a test mends is undone."""
    from verl.models.transformers import qwen2_vl
    from verl.utils import transferqueue_utils
    from verl.utils.checkpoint.checkpoint_handler import CheckpointHandler

    from caspo.verl_plugin import fixes

    for module, name in (
        (qwen2_vl, "_get_input_embeds"),
        (transferqueue_utils, "_async_meta_to_realdata"),
        (CheckpointHandler, "_load_dataloader_state"),
    ):
        monkeypatch.setattr(module, name, find_original(getattr(module, name)))
    return fixes


def find_original(function: Any) -> Any:
    """What verl wrote, also where another test has mended this process."""
    while function.__module__.startswith("caspo."):
        held = dict(zip(function.__code__.co_freevars, function.__closure__, strict=True))
        function = held["original"].cell_contents
    return function


def test_the_faults_are_there_and_are_mended_once(fixes: Any) -> None:
    assert fixes.crashes_without_pictures()
    assert fixes.packs_positions_wrongly()
    assert [fixes.count_after_resume(done=done) for done in (1, 2)] == [1, 0]
    assert fixes.mend_verl() == ["pictureless micro batch", "positions of rows of one length", "an epoch lost"]
    assert not fixes.crashes_without_pictures()
    assert not fixes.packs_positions_wrongly()
    assert [fixes.count_after_resume(done=done) for done in (1, 2)] == [1, 2]
    assert fixes.mend_verl() == []


def test_what_upstream_has_mended_is_left_alone(fixes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def pack_rightly(rows: list[Any]) -> Any:
        return fixes.nested_tensor_from_tensor_list(rows)

    def embed_rightly(model: Any, input_ids: Any, *_: Any) -> Any:
        return model.get_input_embeddings()(input_ids), None

    monkeypatch.setattr(fixes.AsyncSimpleStorageManager, "_pack_field_values", staticmethod(pack_rightly))
    monkeypatch.setattr(fixes.qwen2_vl, "_get_input_embeds", embed_rightly)
    monkeypatch.setattr(fixes.checkpoint_handler.CheckpointHandler, "_load_dataloader_state", lambda *_: None)
    fetch = fixes.queue._async_meta_to_realdata
    assert fixes.mend_verl() == []
    assert fixes.qwen2_vl._get_input_embeds is embed_rightly
    assert fixes.queue._async_meta_to_realdata is fetch


@pytest.mark.parametrize("count", [1, 2, 5])
def test_positions_of_rows_of_one_length_come_whole_through_verls_cutting(fixes: Any, count: int) -> None:
    """What the engine does with fetched positions, one micro batch a row: faulty before, every position there after."""
    import torch
    from tensordict import TensorDict
    from verl.utils.tensordict_utils import chunk_tensordict, maybe_fix_3d_position_ids

    rows = [torch.arange(28).view(4, 7) + 100 * number for number in range(count)]

    def cut() -> list[Any]:
        batch = TensorDict({"position_ids": fixes.fetch_as_worker(rows)}, batch_size=count)
        maybe_fix_3d_position_ids(batch)
        return [part["position_ids"].values() for part in chunk_tensordict(batch, chunks=count)]

    try:
        before = cut()
    except RuntimeError:  # the crash of training
        before = []
    assert not before or any(part.shape != (4, 7) for part in before)
    fixes.mend_verl()
    assert all(torch.equal(part, row) for part, row in zip(cut(), rows, strict=True))


def test_positions_of_other_shapes_are_handed_on_as_they_are(fixes: Any) -> None:
    import torch

    fixes.mend_verl()
    uneven = [torch.arange(12).view(4, 3), torch.arange(20).view(4, 5)]
    fetched = fixes.fetch_as_worker(uneven)
    assert fetched._ragged_idx == 2
    assert torch.equal(fetched.values(), torch.cat(uneven, dim=1))
    text = [torch.arange(5), torch.arange(5)]
    assert all(torch.equal(a, b) for a, b in zip(fixes.fetch_as_worker(text).unbind(), text, strict=True))


def test_a_blank_picture_leaves_the_words_as_they_are_and_the_vision_tower_in_the_graph(fixes: Any) -> None:
    import torch
    from transformers.modeling_outputs import BaseModelOutputWithPooling

    tower, words = torch.nn.Linear(3 * 2 * 4, 2), torch.nn.Embedding(3, 2)
    model = SimpleNamespace(
        get_input_embeddings=lambda: words,
        visual=lambda pixels, grid_thw: BaseModelOutputWithPooling(pooler_output=tower(pixels)),
        config=SimpleNamespace(
            vision_config=SimpleNamespace(in_channels=3, temporal_patch_size=2, patch_size=2), image_token_id=2
        ),
    )
    fixes.mend_verl()
    ids, mask = torch.tensor([[0, 1]]), torch.ones(1, 2)
    embeds, kept = fixes.qwen2_vl._get_input_embeds(model, ids, mask)
    assert torch.equal(embeds, words(ids))
    assert kept is mask
    embeds.sum().backward()
    assert tower.weight.grad is not None


@pytest.mark.parametrize("found", ["0.9.0", "0.8.3", "0.10.0", "1.0.0"])
def test_another_verl_is_refused(fixes: Any, monkeypatch: pytest.MonkeyPatch, found: str) -> None:
    from caspo.errors import VerlUnfit

    fixes.check_verl()
    monkeypatch.setattr(fixes, "version", lambda name: found)
    with pytest.raises(VerlUnfit, match=rf"verl {found} is installed; .*: pip install verl==0\.9\.1"):
        fixes.check_verl()


def test_a_later_patch_is_taken(fixes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixes, "version", lambda name: "0.9.2.post1")
    fixes.check_verl()


def test_a_fault_that_mending_does_not_cure_is_told(fixes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from caspo.errors import VerlUnfit

    monkeypatch.setattr(fixes, "_mend_pictureless", lambda: None)
    with pytest.raises(VerlUnfit, match=r"has the fault 'pictureless micro batch', and mending it does not help"):
        fixes.mend_verl()


@pytest.mark.parametrize(
    ("padding", "unit", "chosen"),
    [
        ([False] * 4, 2, [0, 1, 2, 3]),
        ([False, True, False, True, False, True], 2, [0, 2, 4, 1]),
        ([True, False, False, True], 2, [1, 2]),
        ([False, True, True], 1, [0]),
        ([True, False, True, True], 4, [1, 0, 2, 3]),
    ],
)
def test_padding_is_scored_only_to_fill_the_last_unit(padding: list[bool], unit: int, chosen: list[int]) -> None:
    from caspo.verl_plugin.scoring import choose_rows

    assert choose_rows(padding, unit) == chosen


def test_rows_that_cannot_be_shared_out_are_told_of() -> None:
    from caspo.errors import VerlUnfit
    from caspo.verl_plugin.scoring import choose_rows

    with pytest.raises(VerlUnfit, match=r"3 answers cannot be shared out in multiples of 4 .*divide data\.train_batch"):
        choose_rows([False] * 3, 4)
