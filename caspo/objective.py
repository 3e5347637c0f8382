"""The CASPO objective (Eq. 4-7 of the paper) as pure functions on batches: the only place where its maths lives.

Shape suffixes: B trajectories, T response tokens, P pairs of replies to one prompt. `group_B` holds the prompt that a
trajectory answers, as any integers in any order. `mask_BT` is 1 where a token counts; a trajectory without such a token
is padding, and no function lets it, or what stands under the mask (NaN too), touch the rest.

Everything is computed in float32, or in float64 when an input is float64, and returned so; half precision is read, not
computed in. Defaults follow the paper where it says something and standard GRPO (verl) where it does not; each open
choice is an option, with its reason in docs/caspo-objective.md. Importing this module imports torch.
"""

import math
from typing import Literal

import torch
from torch import Tensor

Scope = Literal["group", "position"]
Mode = Literal["hybrid", "outcome", "token"]
Weighting = Literal["sequence", "token", "fixed"]
Estimator = Literal["k1", "k2", "k3"]

_LARGEST_LOG_RATIO = 20.0
"""Beyond it exp() is held: e^20 is half a billion, and float32 ends at e^88."""


def normalize_in_group(
    values_B: Tensor, group_B: Tensor, *, eps: float = 1e-6, unbiased: bool = True, mask_B: Tensor | None = None
) -> Tensor:
    """Return R^ (B,): each outcome less its group's mean, over the group's standard deviation plus `eps`. No gradient.

    The hat of section 5.1 for outcomes; the advantage of GRPO. A group of one, and a group whose values are all the
    same, gives exactly 0 (verl gives a group of one its raw reward instead).

    Args:
        values_B: Outcome rewards, any real dtype.
        group_B: Group of each trajectory, integers.
        eps: Added to the standard deviation, in the unit of the rewards.
        unbiased: Divide the squares by n - 1 (as verl does) and not by n.
        mask_B: 1 where a trajectory counts; 0 for padding, which gets 0. None: all count.

    Raises:
        ValueError: Shapes or dtypes do not fit, `eps` is negative, or a value that counts is not finite.
    """
    if values_B.dim() != 1:
        raise ValueError(f"values_B has shape {tuple(values_B.shape)}: pass one reward for each trajectory, shape (B,)")
    index_B = _number_groups(group_B, len(values_B))
    counted_B = torch.ones_like(values_B, dtype=torch.bool) if mask_B is None else _read_mask("mask_B", mask_B, dim=1)
    values_B = values_B if values_B.is_floating_point() else values_B.float()
    clean_B = _read("values_B", values_B.detach(), counted_B)
    normal_B1 = _normalize(
        clean_B[:, None], counted_B[:, None], index_B, eps=eps, unbiased=unbiased, std_floor=0.0, pooled=False
    )
    return normal_B1[:, 0]


def token_signal(
    logp_constitution_BT: Tensor, logp_BT: Tensor, mask_BT: Tensor, *, clip: float | None = None
) -> Tensor:
    """Return r (B, T), Eq. 4: log-probability of each token under the constitution less that without it. No gradient.

    Which model scores is the caller's choice; 0 where a token does not count.

    Args:
        logp_constitution_BT: log pi(a_t | s_t, C), natural logarithm.
        logp_BT: log pi(a_t | s_t).
        mask_BT: 1 where a token counts.
        clip: Largest absolute value of r in nats; None: as it is, as in the paper.

    Raises:
        ValueError: Shapes or dtypes do not fit, `clip` is not positive, or a log-probability that counts is not finite.
    """
    if clip is not None and not clip > 0:
        raise ValueError(f"clip={clip}: give the largest absolute value of r in nats, above 0, or None for no limit")
    counted_BT = _read_mask("mask_BT", mask_BT)
    guided_BT = _read("logp_constitution_BT", logp_constitution_BT.detach(), counted_BT)
    plain_BT = _read("logp_BT", logp_BT.detach(), counted_BT)
    signal_BT = _widen(guided_BT, plain_BT).sub_(plain_BT)
    return signal_BT if clip is None else signal_BT.clamp_(-clip, clip)


def normalize_tokens_in_group(
    signal_BT: Tensor,
    mask_BT: Tensor,
    group_B: Tensor,
    *,
    eps: float = 1e-6,
    unbiased: bool = True,
    std_floor: float = 0.0,
    scope: Scope = "group",
) -> Tensor:
    """Return r^ (B, T): each r less the mean, over max(standard deviation, `std_floor`) plus `eps`. No gradient.

    The hat of section 5.1 for tokens; 0 where a token does not count. Where all r are the same, or there is one, r^ is
    exactly 0.

    Args:
        signal_BT: r of `token_signal`.
        mask_BT: 1 where a token counts.
        group_B: Group of each trajectory, integers.
        eps: Added to the standard deviation, in nats.
        unbiased: Divide the squares by n - 1 and not by n.
        std_floor: Least standard deviation in nats. 0 is the paper's; 0.5 is what we recommend.
        scope: Over what mean and deviation are taken. "group": all tokens of the group's trajectories, so that a long
            trajectory counts for more (section 5.2, "across all tokens"). "position": the group's tokens at the same t.

    Raises:
        ValueError: Shapes or dtypes do not fit, `eps` or `std_floor` is negative, or an r that counts is not finite.
    """
    _require_choice("scope", scope, ("group", "position"))
    counted_BT = _read_mask("mask_BT", mask_BT)
    clean_BT = _read("signal_BT", signal_BT.detach(), counted_BT)
    index_B = _number_groups(group_B, len(counted_BT))
    return _normalize(
        clean_BT, counted_BT, index_B, eps=eps, unbiased=unbiased, std_floor=std_floor, pooled=scope == "group"
    )


def hybrid_advantage(
    outcome_B: Tensor,
    signal_BT: Tensor,
    mask_BT: Tensor,
    *,
    lam: float = 0.3,
    mode: Mode = "hybrid",
    zero_outcome: Literal["drop", "token"] = "drop",
) -> Tensor:
    """Return A (B, T), Eq. 5: R^ (1 + lam sgn(R^) r^), which is R^ + lam |R^| r^. No gradient; 0 where masked.

    Args:
        outcome_B: R^, normalised already.
        signal_BT: r^, normalised already.
        mask_BT: 1 where a token counts.
        lam: Correction strength, at least 0; 0.3 is the paper's best. Used by mode "hybrid" only.
        mode: "hybrid"; "outcome" for R^ alone (OutR: what "hybrid" gives with lam 0); "token" for r^ alone (TokR).
        zero_outcome: What "hybrid" gives a trajectory whose R^ is exactly 0, as in a group without variance. "drop":
            0, as Eq. 5 does. "token": lam r^, as if |R^| were 1.

    Raises:
        ValueError: Shapes or dtypes do not fit, `lam` is negative, or an input that counts is not finite.
    """
    _require_choice("mode", mode, ("hybrid", "outcome", "token"))
    _require_choice("zero_outcome", zero_outcome, ("drop", "token"))
    if not 0 <= lam < math.inf:
        raise ValueError(f"lam={lam}: the correction strength is a finite number of at least 0 (the paper's is 0.3)")
    counted_BT = _read_mask("mask_BT", mask_BT)
    if outcome_B.shape != counted_BT.shape[:1]:
        raise ValueError(
            f"outcome_B has shape {tuple(outcome_B.shape)} and mask_BT {tuple(counted_BT.shape)}: pass one normalised "
            "outcome for each trajectory, in the order of the mask's rows"
        )
    signal_BT = _read("signal_BT", signal_BT.detach(), counted_BT)
    outcome_B1 = _read("outcome_B", outcome_B.detach(), counted_BT.any(1))[:, None]
    if mode == "token":
        return signal_BT
    if mode == "outcome":
        return torch.where(counted_BT, outcome_B1, 0)
    size_B1 = outcome_B1.abs()  # R^ (1 + lam sgn(R^) r^) is R^ + lam |R^| r^
    if zero_outcome == "token":
        size_B1 = torch.where(size_B1 == 0, 1, size_B1)
    advantage_BT = _widen(signal_BT, outcome_B1).mul_(lam * size_B1).add_(outcome_B1)
    return advantage_BT.masked_fill_(~counted_BT, 0)


def policy_loss(
    logp_BT: Tensor,
    logp_old_BT: Tensor,
    advantage_BT: Tensor,
    mask_BT: Tensor,
    *,
    clip_ratio: float | None = 0.2,
    weighting: Weighting = "sequence",
    length: int | None = None,
) -> Tensor:
    """Return the scalar to minimise: minus the first term of Eq. 6, the mean of importance ratio times advantage.

    Eq. 6 whole is `policy_loss(...) + beta * kl_to_reference(...)` with the same `weighting`. The gradient flows into
    `logp_BT` only. Without a token that counts the loss is 0, and its gradient too.

    Args:
        logp_BT: log pi_theta(a_t | s_t), with gradient.
        logp_old_BT: The same under the policy that sampled.
        advantage_BT: A of `hybrid_advantage`.
        mask_BT: 1 where a token counts.
        clip_ratio: The pessimistic clip of PPO and GRPO at 1 - c and 1 + c. None: no clip, Eq. 6 as it is written.
        weighting: "sequence": mean of the trajectories' means, 1/G sum 1/T_i. "token": mean of all tokens (verl's
            default), so that long trajectories weigh more. "fixed": sum over `length`, mean over trajectories.
            Padding rows are not among the trajectories.
        length: Divisor of "fixed", in tokens: the longest response that the run allows.

    Raises:
        ValueError: Shapes or dtypes do not fit, an option is out of range, or an input that counts is not finite.
    """
    if clip_ratio is not None and not 0 < clip_ratio < 1:
        raise ValueError(f"clip_ratio={clip_ratio}: give a number between 0 and 1 (GRPO's is 0.2), or None for no clip")
    counted_BT = _read_mask("mask_BT", mask_BT)
    logp_BT = _read("logp_BT", logp_BT, counted_BT)
    logp_old_BT = _read("logp_old_BT", logp_old_BT.detach(), counted_BT)
    advantage_BT = _read("advantage_BT", advantage_BT.detach(), counted_BT)
    ratio_BT = torch.exp((logp_BT - logp_old_BT).clamp(max=_LARGEST_LOG_RATIO))
    gain_BT = ratio_BT * advantage_BT
    if clip_ratio is not None:
        gain_BT = torch.minimum(gain_BT, ratio_BT.clamp(1 - clip_ratio, 1 + clip_ratio) * advantage_BT)
    return -_average(gain_BT, counted_BT, weighting=weighting, length=length)


def kl_to_reference(
    logp_BT: Tensor,
    logp_reference_BT: Tensor,
    mask_BT: Tensor,
    *,
    estimator: Estimator = "k3",
    weighting: Weighting = "sequence",
    length: int | None = None,
) -> Tensor:
    """Return the scalar estimate of KL(pi_theta || pi_ref) in nats per token, the second term of Eq. 6 without beta.

    Estimated from the sampled tokens (J. Schulman, "Approximating KL divergence", 2020), with d = log pi_ref - log pi:
    k1 = -d, k2 = d^2 / 2, k3 = e^d - 1 - d. In expectation k1 and k3 are the divergence and k2 nearly. As a loss k2 has
    the divergence's gradient, k3 nearly, and k1 none in expectation: k1 is for reading. The gradient flows into
    `logp_BT` only.

    Args:
        logp_BT: log pi_theta(a_t | s_t), with gradient.
        logp_reference_BT: The same under the reference policy.
        mask_BT: 1 where a token counts.
        estimator: "k1", "k2" or "k3" (verl's low_var_kl, without its cap of 10 on a token).
        weighting: As in `policy_loss`.
        length: As in `policy_loss`.

    Raises:
        ValueError: Shapes or dtypes do not fit, an option is unknown, or an input that counts is not finite.
    """
    _require_choice("estimator", estimator, ("k1", "k2", "k3"))
    counted_BT = _read_mask("mask_BT", mask_BT)
    logp_BT = _read("logp_BT", logp_BT, counted_BT)
    d_BT = _read("logp_reference_BT", logp_reference_BT.detach(), counted_BT) - logp_BT
    if estimator == "k1":
        kl_BT = -d_BT
    elif estimator == "k2":
        kl_BT = d_BT.square() / 2
    else:
        d_BT = d_BT.clamp(max=_LARGEST_LOG_RATIO)
        kl_BT = torch.expm1(d_BT) - d_BT
    return _average(kl_BT, counted_BT, weighting=weighting, length=length)


def reward_model_loss(
    predicted_P2: Tensor,
    score_P2: Tensor,
    *,
    gap: float = 4.0,
    ranked_P: Tensor | None = None,
    regression_weight: float = 1.0,
    mask_P2: Tensor | None = None,
) -> Tensor:
    """Return the scalar of Eq. 7: Bradley-Terry on pairs that differ clearly, squared error on all other replies.

    A pair whose scores differ by more than `gap` is ranked: minus the mean of log sigmoid of the better reply's
    prediction less the worse one's. Both replies of every other pair are regressed on their scores. Each term is the
    mean over its own set; an empty set adds 0. The gradient flows into `predicted_P2` only.

    Args:
        predicted_P2: r_phi of the two replies, with gradient.
        score_P2: Their summed R + S + E, 0 to 6; any real dtype.
        gap: Least difference, itself not included.
        ranked_P: 1 where a pair may be ranked; the paper draws it with probability 0.85. None: every pair may.
        regression_weight: The lambda of Eq. 7, at least 0.
        mask_P2: 0 where a reply is missing; its partner is regressed. None: none is missing.

    Raises:
        ValueError: Shapes or dtypes do not fit, an option is negative, or a value that counts is not finite.
    """
    _require_at_least_zero(gap=gap, regression_weight=regression_weight)
    if predicted_P2.dim() != 2 or predicted_P2.shape[1] != 2:
        raise ValueError(f"predicted_P2 has shape {tuple(predicted_P2.shape)}: pass two replies for each pair, (P, 2)")
    present_P2 = torch.ones_like(predicted_P2, dtype=torch.bool) if mask_P2 is None else _read_mask("mask_P2", mask_P2)
    predicted_P2 = _read("predicted_P2", predicted_P2, present_P2)
    score_P2 = score_P2 if score_P2.is_floating_point() else score_P2.float()
    score_P2 = _read("score_P2", score_P2.detach(), present_P2)
    lead_P = score_P2[:, 0] - score_P2[:, 1]
    ranks_P = (lead_P.abs() > gap) & present_P2.all(1)
    if ranked_P is not None:
        if ranked_P.shape != lead_P.shape:
            raise ValueError(
                f"ranked_P has shape {tuple(ranked_P.shape)} for {len(lead_P)} pairs: pass one 0 or 1 for each pair"
            )
        ranks_P = ranks_P & _read_mask("ranked_P", ranked_P, dim=1)
    margin_P = (predicted_P2[:, 0] - predicted_P2[:, 1]) * lead_P.sign()
    ranking = torch.where(ranks_P, torch.nn.functional.softplus(-margin_P), 0).sum() / ranks_P.sum().clamp(min=1)
    regressed_P2 = present_P2 & ~ranks_P[:, None]
    squares_P2 = torch.where(regressed_P2, (predicted_P2 - score_P2).square(), 0)
    return ranking + regression_weight * squares_P2.sum() / regressed_P2.sum().clamp(min=1)


def _normalize(
    values_BC: Tensor,
    counted_BC: Tensor,
    index_B: Tensor,
    *,
    eps: float,
    unbiased: bool,
    std_floor: float,
    pooled: bool,
) -> Tensor:
    """Return the values normalised over the rows of one group: column by column, or `pooled` over all columns.

    The values are 0 where they do not count, and are overwritten. K groups. The lowest value of each group is
    subtracted first, so that equal values leave exactly 0, whatever their size, and not the rounding of their mean
    blown up by a small deviation.
    """
    _require_at_least_zero(eps=eps, std_floor=std_floor)
    if values_BC.numel() == 0:
        return values_BC
    groups = int(index_B.max()) + 1

    def add_up(each_BC: Tensor) -> Tensor:
        each_BC = each_BC.sum(1, keepdim=True, dtype=values_BC.dtype) if pooled else each_BC.to(values_BC.dtype)
        return each_BC.new_zeros(groups, each_BC.shape[1]).index_add_(0, index_B, each_BC)

    low_BC = torch.where(counted_BC, values_BC, values_BC.new_tensor(math.inf))
    low_BC = low_BC.amin(1, keepdim=True) if pooled else low_BC
    low_KC = low_BC.new_full((groups, low_BC.shape[1]), math.inf)
    low_KC.scatter_reduce_(0, index_B[:, None].expand_as(low_BC), low_BC, "amin")
    low_KC = torch.where(torch.isinf(low_KC), 0, low_KC)  # a group in which nothing counts
    del low_BC
    count_KC = add_up(counted_BC)
    masked_BC = ~counted_BC
    shifted_BC = values_BC.sub_(low_KC[index_B]).masked_fill_(masked_BC, 0)
    mean_KC = add_up(shifted_BC) / count_KC.clamp(min=1)
    centred_BC = shifted_BC.sub_(mean_KC[index_B]).masked_fill_(masked_BC, 0)
    std_KC = (add_up(centred_BC.square()) / (count_KC - int(unbiased)).clamp(min=1)).sqrt()
    divisor_KC = std_KC.clamp(min=std_floor) + eps
    divisor_KC = torch.where(divisor_KC == 0, 1, divisor_KC)
    return centred_BC.div_(divisor_KC[index_B])


def _average(values_BT: Tensor, counted_BT: Tensor, *, weighting: Weighting, length: int | None) -> Tensor:
    """Return the mean of the values, which are 0 where they do not count, as `policy_loss` describes it."""
    _require_choice("weighting", weighting, ("sequence", "token", "fixed"))
    if (weighting == "fixed") != (length is not None) or (length is not None and length < 1):
        raise ValueError(
            f"length={length} with weighting={weighting!r}: 'fixed' needs the longest response in tokens, and only it"
        )
    tokens_B = counted_BT.sum(1)
    if weighting == "token":
        return values_BT.sum() / tokens_B.sum().clamp(min=1)
    rows = (tokens_B > 0).sum().clamp(min=1)
    each_B = values_BT.sum(1) / (tokens_B.clamp(min=1) if length is None else length)
    return each_B.sum() / rows


def _widen(values: Tensor, beside: Tensor) -> Tensor:
    """Return the values, which are ours to overwrite, in the wider of the two precisions."""
    return values.to(torch.promote_types(values.dtype, beside.dtype))


def _read(name: str, values: Tensor, counted: Tensor) -> Tensor:
    """Return a copy of the values in float32 or float64, 0 where they do not count; what counts must be finite."""
    if values.shape != counted.shape:
        raise ValueError(
            f"{name} has shape {tuple(values.shape)} and its mask {tuple(counted.shape)}: pass tensors of one shape"
        )
    if not values.is_floating_point():
        raise ValueError(f"{name} has dtype {values.dtype}: pass floating-point numbers")
    clean = torch.where(counted, values, values.new_zeros(()))
    if clean.dtype != torch.float64:
        clean = clean.float()
    if math.isfinite(clean.detach().sum().item()):  # a third of the time of looking at each value
        return clean
    bad = (~torch.isfinite(clean)).nonzero()
    if len(bad):
        place = bad[0].tolist()
        raise ValueError(
            f"{name}{place} is {clean[tuple(place)].item()}, and {len(bad)} values that the mask counts are not "
            "finite: mask them out, or find out what made them"
        )
    return clean


def _read_mask(name: str, mask: Tensor, *, dim: int = 2) -> Tensor:
    """Return the mask as booleans."""
    if mask.dim() != dim:
        shape = "(B, T): trajectories by response tokens" if dim == 2 else "one dimension"
        raise ValueError(f"{name} has shape {tuple(mask.shape)}: pass {shape}")
    if mask.dtype == torch.bool:
        return mask
    counted = mask != 0
    other = counted & (mask != 1)
    if bool(other.any()):
        raise ValueError(f"{name} holds {mask[other][0].item()}: pass booleans, or 0 and 1")
    return counted


def _number_groups(group_B: Tensor, rows: int) -> Tensor:
    """Return the groups as 0, 1, 2, ..."""
    if group_B.shape != (rows,) or group_B.is_floating_point() or group_B.is_complex() or group_B.dtype == torch.bool:
        raise ValueError(
            f"group_B has shape {tuple(group_B.shape)} and dtype {group_B.dtype} for {rows} trajectories: pass one "
            "integer for each"
        )
    index_B: Tensor = torch.unique(group_B, return_inverse=True)[1]
    return index_B


def _require_choice(name: str, given: str, choices: tuple[str, ...]) -> None:
    if given not in choices:
        raise ValueError(f"{name}={given!r}: choose one of {', '.join(map(repr, choices))}")


def _require_at_least_zero(**options: float) -> None:
    for name, given in options.items():
        if not 0 <= given < math.inf:
            raise ValueError(f"{name}={given}: give a finite number of at least 0")
