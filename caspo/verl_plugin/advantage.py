"""A step's advantages and metrics on padded batches: the maths is `caspo.objective`'s. No verl here.

Shapes as there: B answers, T response tokens. Padding rows do not get here.
"""

import torch
from torch import Tensor

from caspo.errors import LogProbsCoarse
from caspo.objective import hybrid_advantage, normalize_in_group, normalize_tokens_in_group, token_signal
from caspo.signal_metrics import describe_signal
from caspo.verl_plugin.options import VerlOptions

_ENOUGH = 16
"""Log-probabilities that have to be representable in bfloat16, all of them, before it is no chance."""


def work_out_advantage(
    options: VerlOptions,
    reward_B: Tensor,
    group_B: Tensor,
    mask_BT: Tensor,
    logp_BT: Tensor,
    guided_BT: Tensor | None,
) -> tuple[Tensor, dict[str, float]]:
    """Return the advantages (B, T) and the metrics `caspo/...` of a step.

    Args:
        options: The method.
        reward_B: Outcome reward of each answer.
        group_B: The prompt that it answers, any integers.
        mask_BT: 1 where a token counts.
        logp_BT: Log-probabilities under the policy that is being trained, without constitution.
        guided_BT: Under the teacher, with it; None in mode `outcome`.

    Raises:
        LogProbsCoarse: A log-probability comes in half precision, or went through it.
        ValueError: What `caspo.objective` refuses.
    """
    outcome_B = normalize_in_group(reward_B, group_B, eps=options.eps, mask_B=mask_BT.bool().any(1))
    signal_BT = normal_BT = None
    if guided_BT is not None:
        check_precision("the policy's", logp_BT, mask_BT)
        check_precision("the teacher's", guided_BT, mask_BT)
        signal_BT = token_signal(guided_BT, logp_BT, mask_BT, clip=options.clip)
        normal_BT = normalize_tokens_in_group(
            signal_BT, mask_BT, group_B, eps=options.eps, std_floor=options.signal_floor, scope=options.scope
        )
    advantage_BT = hybrid_advantage(
        outcome_B,
        torch.zeros_like(logp_BT, dtype=torch.float32) if normal_BT is None else normal_BT,
        mask_BT,
        lam=options.lam,
        mode=options.mode,
        zero_outcome=options.zero_outcome,
    )
    counted_BT = mask_BT.bool()
    change_N = (advantage_BT - outcome_B[:, None])[counted_BT]
    metrics = {
        "caspo/reward_mean": reward_B.float().mean().item(),
        "caspo/reward_std": reward_B.float().std(unbiased=False).item(),
        "caspo/zero_variance_groups": _count_flat_groups(outcome_B, group_B),
        "caspo/advantage_change": change_N.abs().mean().item(),
    }
    if signal_BT is not None:
        metrics |= describe_signal(signal_BT[counted_BT])
    return advantage_BT, metrics


def check_precision(whose: str, logp_BT: Tensor, mask_BT: Tensor) -> None:
    """Refuse log-probabilities in half precision: r is a small difference of two, and their rounding is as large.

    Float32 that holds nothing but bfloat16's numbers has been rounded on its way, and is refused too.

    Raises:
        LogProbsCoarse: See above.
    """
    logp_N = logp_BT[mask_BT.bool()]
    some_N = logp_N[logp_N != 0]
    rounded = len(some_N) >= _ENOUGH and torch.equal(some_N, some_N.bfloat16().to(some_N.dtype))
    if logp_BT.dtype in (torch.float32, torch.float64) and not rounded:
        return
    found = "bfloat16's numbers only" if rounded and logp_BT.dtype == torch.float32 else str(logp_BT.dtype)
    raise LogProbsCoarse(
        f"{whose} log-probabilities hold {found}: rounded so, they differ by as much as the constitution moves them. "
        "Compute them in float32: on GPUs with flash-attn (its cross entropy is float32) or with "
        "actor_rollout_ref.model.use_fused_kernels=True; anywhere with '+actor_rollout_ref.actor.fsdp_config."
        "mixed_precision={param_dtype:fp32,reduce_dtype:fp32,buffer_dtype:fp32}', the same for actor_rollout_ref.ref, "
        "and actor_rollout_ref.ref.fsdp_config.model_dtype=fp32"
    )


def _count_flat_groups(outcome_B: Tensor, group_B: Tensor) -> float:
    """Return the share of groups whose normalised outcomes are all 0."""
    groups, index_B = torch.unique(group_B, return_inverse=True)
    differing = torch.zeros(len(groups)).index_add_(0, index_B, (outcome_B != 0).float())
    return float((differing == 0).float().mean())
