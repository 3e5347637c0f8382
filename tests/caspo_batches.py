"""Random batches for the tests of caspo.objective, and one call of all of Eq. 4-6. Imports torch."""

from typing import Any

import torch

from caspo.objective import (
    hybrid_advantage,
    kl_to_reference,
    normalize_in_group,
    normalize_tokens_in_group,
    policy_loss,
    token_signal,
)

Batch = dict[str, Any]
MODES: list[Any] = ["hybrid", "outcome", "token"]
SCOPES: list[Any] = ["group", "position"]
WEIGHTINGS: list[Any] = [("sequence", None), ("token", None), ("fixed", 16)]


def make_batch(seed: int) -> Batch:
    """Return random float64 inputs: groups in any order with odd ids, holes in the mask, rows that are padding."""
    rng = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Any:
        return torch.randn(shape, generator=rng, dtype=torch.float64)

    rows, tokens = (int(torch.randint(1, high, (), generator=rng)) for high in (14, 10))
    ids = torch.tensor([7, -3, 2**40, 0])
    batch = {
        "group": ids[torch.randint(4, (rows,), generator=rng)],
        "mask": torch.rand(rows, tokens, generator=rng) < 0.7,
        "outcome": draw(rows) * 2,
        "guided": draw(rows, tokens) * 2 - 3,
        "plain": draw(rows, tokens) - 3,
        "signal": draw(rows, tokens) * 3,
        "logp": draw(rows, tokens) - 2,
        "old": draw(rows, tokens) * 0.4,
        "advantage": draw(rows, tokens),
    }
    batch["old"] += batch["logp"]
    batch["mask"][torch.rand(rows, generator=rng) < 0.15] = False
    if seed % 3 == 0:  # a group without variance, in rewards and in tokens
        same = batch["group"] == batch["group"][0]
        batch["outcome"][same], batch["signal"][same] = 0.1, 0.1
    return batch


def make_pairs(seed: int) -> Batch:
    rng = torch.Generator().manual_seed(seed)
    pairs = int(torch.randint(1, 12, (), generator=rng))
    return {
        "predicted": torch.randn(pairs, 2, generator=rng, dtype=torch.float64) * 3,
        "score": torch.randint(0, 7, (pairs, 2), generator=rng).double(),
        "ranked": torch.rand(pairs, generator=rng) < 0.85,
        "present": torch.rand(pairs, 2, generator=rng) < 0.85,
    }


def run_all(batch: Batch) -> list[Any]:
    """Return what each function of Eq. 4-6 gives, and the gradient of the whole loss."""
    mask, group = batch["mask"], batch["group"]
    signal = token_signal(batch["guided"], batch["plain"], mask)
    normals = [normalize_tokens_in_group(signal, mask, group, std_floor=0.5, scope=scope) for scope in SCOPES]
    outcome = normalize_in_group(batch["outcome"], group, mask_B=mask.any(1))
    advantages = [hybrid_advantage(outcome, normals[0], mask, mode=mode) for mode in MODES]
    logp = batch["logp"].detach().clone().requires_grad_()
    losses = []
    for (weighting, length), estimator in zip(WEIGHTINGS, ("k1", "k2", "k3"), strict=True):
        loss = policy_loss(logp, batch["old"], advantages[0], mask, weighting=weighting, length=length)
        options: Any = {"estimator": estimator, "weighting": weighting, "length": length}
        losses.append(loss + 0.1 * kl_to_reference(logp, batch["guided"], mask, **options))
    torch.stack(losses).sum().backward()
    return [signal, *normals, outcome, *advantages, *(loss.detach() for loss in losses), logp.grad]
