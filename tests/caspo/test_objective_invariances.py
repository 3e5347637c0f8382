"""What must not change the objective: order of trajectories, names of groups, padding, shift and scale of rewards."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="torch is not installed: run `make setup-models`")

import torch
from caspo_batches import SCOPES, Batch, make_batch, run_all

from caspo.objective import normalize_in_group, normalize_tokens_in_group

pytestmark = pytest.mark.models

SEED = st.integers(0, 10_000)
few = settings(max_examples=25)
SIGNALS = 7
"""So many of what `run_all` returns are signals and advantages; then come three losses and their gradient."""


def near(found: Any, wanted: Any, atol: float = 1e-9) -> None:
    torch.testing.assert_close(found, wanted, rtol=1e-7, atol=atol)


@few
@given(seed=SEED, order=st.randoms(use_true_random=False))
def test_the_order_of_trajectories_does_not_matter(seed: int, order: Any) -> None:
    batch = make_batch(seed)
    rows = list(range(len(batch["group"])))
    order.shuffle(rows)
    moved = {name: value[rows] for name, value in batch.items()}
    for found, wanted in zip(run_all(moved), run_all(batch), strict=True):
        near(found, wanted[rows] if wanted.dim() else wanted)


@few
@given(seed=SEED, names=st.lists(st.integers(-(2**62), 2**62), min_size=4, max_size=4, unique=True))
def test_the_names_of_groups_do_not_matter(seed: int, names: list[int]) -> None:
    batch = make_batch(seed)
    renamed = torch.tensor(names)[torch.unique(batch["group"], return_inverse=True)[1]]
    for found, wanted in zip(run_all({**batch, "group": renamed}), run_all(batch), strict=True):
        near(found, wanted)


def pad(batch: Batch, rows: int, tokens: int, *, own_group: bool) -> Batch:
    """Return the batch with garbage rows and columns that the mask leaves out."""
    height, width = batch["mask"].shape
    wider = {}
    for name, value in batch.items():
        fill: Any = False if name == "mask" else 12_345
        shape = (height + rows, width + tokens)[: value.dim()]
        wider[name] = torch.full(shape, fill, dtype=value.dtype)
        wider[name][tuple(slice(size) for size in value.shape)] = value
    if not own_group:
        wider["group"][height:] = batch["group"][0]
    return wider


@few
@given(seed=SEED, rows=st.integers(0, 3), tokens=st.integers(0, 3), own_group=st.booleans())
def test_padding_rows_and_tokens_do_not_matter(seed: int, rows: int, tokens: int, own_group: bool) -> None:
    batch = make_batch(seed)
    height, width = batch["mask"].shape
    for found, wanted in zip(run_all(pad(batch, rows, tokens, own_group=own_group)), run_all(batch), strict=True):
        if found.dim():
            assert not found[height:].any()
            found = found[:height]
        if found.dim() == 2:
            assert not found[:, width:].any()
            found = found[:, :width]
        near(found, wanted)


@few
@given(seed=SEED, shift=st.floats(-1e3, 1e3), scale=st.floats(1e-2, 1e2))
def test_shifting_and_scaling_rewards_does_not_matter(seed: int, shift: float, scale: float) -> None:
    batch = make_batch(seed)
    outcome, group = batch["outcome"], batch["group"]
    near(normalize_in_group(outcome + shift, group), normalize_in_group(outcome, group), 1e-6)
    # Scale is exact without epsilon; with it, eps is in the unit of the rewards and is scaled along.
    for eps in (0.0, 1e-6):
        near(
            normalize_in_group(outcome * scale, group, eps=eps * scale),
            normalize_in_group(outcome, group, eps=eps),
            1e-6,
        )


@few
@given(seed=SEED, shift=st.floats(-1e3, 1e3), scale=st.floats(1e-2, 1e2), scope=st.sampled_from(SCOPES))
def test_shifting_and_scaling_the_token_signal_does_not_matter(
    seed: int, shift: float, scale: float, scope: Any
) -> None:
    batch = make_batch(seed)
    given_, mask, group = batch["signal"], batch["mask"], batch["group"]
    wanted = normalize_tokens_in_group(given_, mask, group, scope=scope, std_floor=0.5)
    near(normalize_tokens_in_group(given_ + shift, mask, group, scope=scope, std_floor=0.5), wanted, 1e-6)
    floor, eps = 0.5 * scale, 1e-6 * scale
    near(normalize_tokens_in_group(given_ * scale, mask, group, scope=scope, std_floor=floor, eps=eps), wanted, 1e-6)


@few
@given(seed=SEED)
def test_one_group_does_not_touch_another(seed: int) -> None:
    batch = make_batch(seed)
    here = batch["group"] == batch["group"][0]
    alone = {name: value[here] for name, value in batch.items()}
    for found, wanted in list(zip(run_all(alone), run_all(batch), strict=True))[:SIGNALS]:
        near(found, wanted[here])
