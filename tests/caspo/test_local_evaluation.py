"""Sampled answers, what is measured of each, and the divergence from a reference."""

import pytest

pytest.importorskip("torch", reason="torch is not installed: run `make setup-models`")

import torch
from caspo_tiny import make_prompts, make_tiny

from caspo.local.evaluation import evaluate
from caspo.local.vlm import diverge, encode_answers, encode_prompts, read_distributions

pytestmark = pytest.mark.models

PROMPTS = make_prompts(5)


def test_the_means_are_those_of_the_answers_and_entropy_is_by_token() -> None:
    vlm = make_tiny()
    found = evaluate(
        vlm, PROMPTS, lambda asked, said: [{"words": len(text.split())} for text in said], guided=True, seed=1,
        max_tokens=8, batch=2, reference=make_tiny(seed=1),
    )  # fmt: skip
    figures = found.figures
    tokens = sum(one.length for one in figures)
    assert len(figures) == len(found.answers) == 5
    assert found.means["length"] == tokens / 5
    assert found.means["entropy"] == pytest.approx(sum(one.entropy for one in figures) / tokens)
    assert found.means["kl"] == pytest.approx(sum(one.kl for one in figures) / tokens)
    assert found.means["capped"] == sum(one.capped for one in figures) / 5
    for answer, one in zip(found.answers, figures, strict=True):
        assert one.length == len(answer.split()) + (not one.capped)
        assert 0 < one.entropy < one.length * 4


def test_the_divergence_is_that_of_the_whole_distributions_without_the_constitution() -> None:
    vlm, reference = make_tiny(), make_tiny(seed=1)
    found = evaluate(
        vlm, PROMPTS[:1], lambda asked, said: [{}] * len(said), guided=True, seed=1, max_tokens=8, reference=reference
    )
    ids_BT, mask_BT = (tensor[:, : found.figures[0].length] for tensor in encode_answers(vlm, found.answers))
    with torch.no_grad():
        own, other = (
            read_distributions(one, encode_prompts(one, PROMPTS[:1], guided=guided), ids_BT, mask_BT).double()
            for one, guided in ((vlm, True), (reference, False))
        )
    kept = torch.isfinite(own[0])
    wanted = sum(
        float((row.exp() * (row - beside)).sum()) for row, beside in zip(own[:, kept], other[:, kept], strict=True)
    )
    assert found.figures[0].kl == pytest.approx(wanted, rel=1e-4)
    assert wanted > 0.1


def test_a_model_does_not_diverge_from_itself() -> None:
    vlm = make_tiny()
    found = evaluate(
        vlm, PROMPTS, lambda asked, said: [{}] * len(said), guided=False, seed=1, max_tokens=8, reference=vlm
    )
    assert found.means["kl"] == pytest.approx(0, abs=1e-6)


def test_what_is_banned_adds_nothing_to_a_divergence() -> None:
    one = torch.tensor([[[0.2, 0.8, 0.0]]]).log()
    other = torch.tensor([[[0.5, 0.5, 0.0]]]).log()
    wanted = 0.2 * torch.tensor(0.4).log() + 0.8 * torch.tensor(1.6).log()
    torch.testing.assert_close(diverge(one, other)[0, 0], wanted)
