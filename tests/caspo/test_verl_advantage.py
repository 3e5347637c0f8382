"""A step's advantages and metrics in the plugin for verl, against loops over float64 numbers; refused precision."""

from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed: run `make setup-models`")

import caspo_loops as loops
import torch
from torch import Tensor

from caspo.errors import LogProbsCoarse
from caspo.verl_plugin.advantage import check_precision, work_out_advantage
from caspo.verl_plugin.options import VerlOptions

pytestmark = pytest.mark.models

GROUPS = [3, 0, 3, 0, 7, 7]
REWARDS = [1.0, 4.0, 2.5, -1.0, 2.0, 2.0]
LENGTHS = [5, 3, 1, 4, 2, 5]


def make_step() -> tuple[Tensor, Tensor, Tensor]:
    """The mask and two sets of log-probabilities (B, T); NaN under the mask."""
    draw = torch.Generator().manual_seed(4)
    mask_BT = torch.tensor([[1] * length + [0] * (5 - length) for length in LENGTHS])
    logp_BT = -torch.rand(6, 5, generator=draw) * 3
    guided_BT = logp_BT + torch.randn(6, 5, generator=draw) * 4
    return mask_BT, logp_BT.masked_fill(mask_BT == 0, torch.nan), guided_BT.masked_fill(mask_BT == 0, torch.nan)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"mode": "token", "signal_floor": 6.0},
        {"lam": 1.0, "zero_outcome": "token", "scope": "position", "eps": 0.01},
        {"clip": 2.0, "teacher": "frozen_sft"},
        {"mode": "outcome"},
    ],
    ids=str,
)
def test_advantages_and_metrics_are_those_of_the_loops(changed: dict[str, Any]) -> None:
    options = VerlOptions(**changed)
    mask_BT, logp_BT, guided_BT = make_step()
    found_BT, metrics = work_out_advantage(
        options, torch.tensor(REWARDS), torch.tensor(GROUPS), mask_BT, logp_BT,
        None if options.mode == "outcome" else guided_BT,
    )  # fmt: skip
    mask, counted = mask_BT.tolist(), mask_BT.bool()
    signal_BT = (guided_BT.double() - logp_BT.double()).masked_fill(~counted, 0)
    if options.clip is not None:
        signal_BT = signal_BT.clamp(-options.clip, options.clip)
    outcome = loops.normalize_in_group(REWARDS, GROUPS, [1] * 6, eps=options.eps, unbiased=True)
    normal = loops.normalize_tokens(
        signal_BT.tolist(), mask, GROUPS, eps=options.eps, unbiased=True, floor=options.signal_floor,
        scope=options.scope,
    )  # fmt: skip
    wanted = torch.tensor(
        loops.hybrid_advantage(
            outcome, normal, mask, lam=options.lam, mode=options.mode, zero_outcome=options.zero_outcome
        )
    )
    assert torch.allclose(found_BT.double(), wanted.double(), atol=1e-5)
    signal_N = signal_BT[counted]
    change = (wanted - torch.tensor(outcome)[:, None])[counted].abs().mean()
    expected = {
        "reward_mean": 1.75, "reward_std": torch.tensor(REWARDS).std(unbiased=False), "zero_variance_groups": 1 / 3,
        "advantage_change": change,
    }  # fmt: skip
    if options.mode != "outcome":
        expected |= {
            "signal_mean": signal_N.mean(), "signal_std": signal_N.std(unbiased=False),
            "signal_p01": signal_N.quantile(0.01), "signal_p99": signal_N.quantile(0.99),
            "signal_far": (signal_N.abs() > 5).double().mean(),
        }  # fmt: skip
        assert options.clip is not None or expected["signal_far"] > 0
    assert metrics == {f"caspo/{name}": pytest.approx(float(value), abs=1e-5) for name, value in expected.items()}


@pytest.mark.parametrize("whose", ["policy", "teacher"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_refused(whose: str, dtype: torch.dtype) -> None:
    mask_BT, logp_BT, guided_BT = make_step()
    both = [logp_BT.to(dtype), guided_BT] if whose == "policy" else [logp_BT, guided_BT.to(dtype)]
    with pytest.raises(LogProbsCoarse, match=rf"the {whose}'s log-probabilities hold {dtype}: .*param_dtype:fp32"):
        work_out_advantage(VerlOptions(), torch.tensor(REWARDS), torch.tensor(GROUPS), mask_BT, *both)


def test_half_precision_in_the_clothes_of_float32_is_refused() -> None:
    mask_BT, logp_BT, _ = make_step()
    check_precision("the policy's", logp_BT, mask_BT)
    with pytest.raises(LogProbsCoarse, match=r"hold bfloat16's numbers only"):
        check_precision("the policy's", logp_BT.bfloat16().float(), mask_BT)
    few_BT = mask_BT.clone()
    few_BT[1:] = 0  # five numbers may be such by chance
    check_precision("the policy's", logp_BT.bfloat16().float(), few_BT)


def test_without_the_constitution_nothing_is_asked_of_precision() -> None:
    mask_BT, logp_BT, _ = make_step()
    options = VerlOptions(mode="outcome")
    found_BT, _ = work_out_advantage(
        options, torch.tensor(REWARDS), torch.tensor(GROUPS), mask_BT, logp_BT.bfloat16(), None
    )
    assert found_BT.dtype == torch.float32
