"""The divergence of two distributions, on tables of logits that were worked out by hand."""

from math import log

import pytest

pytest.importorskip("torch", reason="torch is not installed: run `make setup-models`")

import torch

from judge.teacher_forcing import compare_logits

# Position 0: p = 1/2, 1/4, 1/4 and q = 1/8, 1/8, 3/4. Position 1: both 1/3, one shifted by a constant.
P = [[0.5, 0.25, 0.25], [1 / 3, 1 / 3, 1 / 3]]
Q = [[0.125, 0.125, 0.75], [1 / 3, 1 / 3, 1 / 3]]
FORWARD = log(4) / 2 + log(2) / 4 - log(3) / 4
REVERSE = -log(4) / 8 - log(2) / 8 + 3 * log(3) / 4


def logits(table: list[list[float]], shift: float = 0.0) -> torch.Tensor:
    return torch.tensor(table, dtype=torch.float64).log() + shift


def test_divergence_and_log_ratio_are_those_of_the_table() -> None:
    ids_T = torch.tensor([2, 0])
    for direction, expected in (("forward", FORWARD), ("reverse", REVERSE)):
        kl_T, delta_T, raised_T = compare_logits(logits(P), logits(Q, shift=7.0), ids_T, direction=direction)
        assert kl_T.tolist() == pytest.approx([expected, 0.0], abs=1e-6)
        assert delta_T.tolist() == pytest.approx([log(1 / 3), 0.0], abs=1e-6)
        assert int(raised_T[0]) == 0  # 1/2 log 4 is the largest part, though token 2 stands there
    assert (round(FORWARD, 4), round(REVERSE, 4)) == (0.5918, 0.5640)


def test_equal_distributions_do_not_diverge_and_never_less_than_zero() -> None:
    table = torch.randn(50, 300)
    kl_T, delta_T, _ = compare_logits(table, table + 3.0, torch.zeros(50, dtype=torch.long), direction="forward")
    assert float(kl_T.min()) >= 0 and float(kl_T.max()) < 1e-5 and float(delta_T.abs().max()) < 1e-5


def test_a_token_without_probability_adds_nothing_and_one_that_only_pi_has_is_infinite() -> None:
    never, once = [[0.5, 0.5, 0.0]], [[0.25, 0.75, 0.0]]
    ids_T = torch.tensor([0])
    kl_T, _, _ = compare_logits(logits(never), logits(once), ids_T, direction="forward")
    assert kl_T.tolist() == pytest.approx([log(2) / 2 + log(2 / 3) / 2], abs=1e-6)
    kl_T, _, _ = compare_logits(logits([[0.5, 0.25, 0.25]]), logits(once), ids_T, direction="forward")
    assert kl_T.tolist() == [float("inf")]


def test_a_long_answer_is_worked_on_in_parts_with_the_same_outcome() -> None:
    torch.manual_seed(0)
    one, other, ids_T = torch.randn(150, 40), torch.randn(150, 40), torch.randint(0, 40, (150,))
    kl_T, delta_T, raised_T = compare_logits(one, other, ids_T, direction="forward")
    p_TV, logp_TV, logq_TV = one.softmax(-1), one.log_softmax(-1), other.log_softmax(-1)
    torch.testing.assert_close(kl_T, (p_TV * (logp_TV - logq_TV)).sum(-1), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(delta_T, (logp_TV - logq_TV)[torch.arange(150), ids_T])
    assert raised_T.tolist() == (p_TV * (logp_TV - logq_TV)).argmax(-1).tolist()
