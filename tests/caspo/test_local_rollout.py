"""Sampling with the cache of keys and values: what it draws, and that its log-probabilities are a scoring pass's."""

import pytest

pytest.importorskip("torch", reason="torch is not installed: run `make setup-models`")

import torch
from caspo_tiny import make_prompts, make_tiny

from caspo.local.rollout import Rollout, sample_answers
from caspo.local.vlm import Vlm, encode_answers, encode_prompts, score_answers

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def vlm() -> Vlm:
    return make_tiny()


def draw(vlm: Vlm, seed: int, *, guided: bool = False, temperature: float = 1.0, cap: int = 12) -> Rollout:
    torch.manual_seed(seed)
    encoded = encode_prompts(vlm, make_prompts(6), guided=guided).repeat(4)
    return sample_answers(vlm, encoded, max_tokens=cap, temperature=temperature)


@pytest.mark.parametrize(("guided", "temperature"), [(False, 1.0), (True, 1.0), (False, 0.7), (True, 1.3)])
def test_what_generation_says_equals_a_scoring_pass(vlm: Vlm, guided: bool, temperature: float) -> None:
    rollout = draw(vlm, 1, guided=guided, temperature=temperature)
    encoded = encode_prompts(vlm, make_prompts(6), guided=guided).repeat(4)
    with torch.no_grad():
        scored = score_answers(vlm, encoded, rollout.ids_BT, rollout.mask_BT, temperature=temperature)
    mask_BT = rollout.mask_BT
    assert scored.logp_BT.dtype == torch.float32
    assert len(set(mask_BT.sum(1).tolist())) > 2  # answers of several lengths
    torch.testing.assert_close(rollout.logp_BT[mask_BT], scored.logp_BT[mask_BT], rtol=0, atol=1e-4)


def test_generation_reads_one_token_at_a_time(vlm: Vlm) -> None:
    lengths: list[int] = []
    text_model = vlm.model.model.language_model
    handle = text_model.register_forward_pre_hook(
        lambda _module, _args, kwargs: lengths.append(kwargs["inputs_embeds"].shape[1]), with_kwargs=True
    )
    try:
        rollout = draw(vlm, 1)
    finally:
        handle.remove()
    assert lengths[0] > 1
    assert lengths[1:] == [1] * (rollout.ids_BT.shape[1] - 1)


def test_answers_end_with_their_end_token_or_at_the_cap(vlm: Vlm) -> None:
    rollout = draw(vlm, 1)
    end = vlm.tokenizer.eos_token_id
    assert 0 < rollout.capped_B.sum() < len(rollout.texts)
    for ids, mask, capped, text in zip(rollout.ids_BT, rollout.mask_BT, rollout.capped_B, rollout.texts, strict=True):
        kept = ids[mask].tolist()
        assert kept == ids[: len(kept)].tolist()  # no gap
        assert capped == (end not in kept)
        assert len(kept) == 12 if capped else kept.index(end) == len(kept) - 1
        if not capped:
            again, again_mask = encode_answers(vlm, [text])
            assert again[again_mask].tolist() == kept


def test_the_seed_alone_decides(vlm: Vlm) -> None:
    one, again, other = draw(vlm, 1), draw(vlm, 1), draw(vlm, 2)
    assert one.texts == again.texts != other.texts
    assert torch.equal(one.logp_BT, again.logp_BT)


def test_the_models_own_habits_of_sampling_do_not_matter() -> None:
    vlm = make_tiny()
    plain = draw(vlm, 1)
    for name, value in {"top_k": 1, "top_p": 0.1, "repetition_penalty": 5.0, "no_repeat_ngram_size": 1}.items():
        setattr(vlm.model.generation_config, name, value)
    assert draw(vlm, 1).texts == plain.texts


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_tokens_come_as_often_as_their_probability_says(vlm: Vlm, temperature: float) -> None:
    torch.manual_seed(3)
    encoded = encode_prompts(vlm, make_prompts(1), guided=False)
    rollout = sample_answers(vlm, encoded.repeat(2_000), max_tokens=1, temperature=temperature)
    vocabulary = vlm.model.config.get_text_config().vocab_size
    share_V = torch.bincount(rollout.ids_BT[:, 0], minlength=vocabulary) / 2_000
    with torch.no_grad():
        ids_A1 = torch.tensor([[token] for token in range(vocabulary) if token not in vlm.banned])
        logp_A = score_answers(
            vlm, encoded.repeat(len(ids_A1)), ids_A1, torch.ones_like(ids_A1), temperature=temperature
        ).logp_BT[:, 0]
    chance_V = torch.zeros(vocabulary).index_put((ids_A1[:, 0],), logp_A.exp())
    assert chance_V.sum() == pytest.approx(1, abs=1e-5)  # what no answer may hold has no share in it
    deviation_V = (chance_V * (1 - chance_V) / 2_000).sqrt()
    assert ((share_V - chance_V).abs() <= 4.5 * deviation_V + 1e-6).all()
