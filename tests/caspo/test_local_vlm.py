"""The tiny model is a real Qwen2.5-VL; prompts, positions and masks; log-probabilities against the model's own."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: run `make setup-models`")

import torch
from caspo_tiny import WORDS, make_prompts, make_tiny, paint

from caspo.errors import SampleInvalid
from caspo.local.samples import Prompt
from caspo.local.tiny_vlm import build_tiny_vlm
from caspo.local.vlm import (
    Vlm,
    copy_frozen,
    decode_answers,
    encode_answers,
    encode_prompts,
    hash_weights,
    load_vlm,
    look,
    rate_tokens,
    save_vlm,
    score_answers,
)

pytestmark = pytest.mark.models

ANSWERS = ["yes .", "no the stove may burn the cup .", "careful", ""]


@pytest.fixture(scope="module")
def vlm() -> Vlm:
    return make_tiny()


def test_the_tiny_model_is_qwens_of_about_a_million_parameters() -> None:
    vlm = build_tiny_vlm([f"word{n}" for n in range(450)])
    assert type(vlm.model).__name__ == "Qwen2_5_VLForConditionalGeneration"
    assert type(vlm.processor).__name__ == "Qwen2_5_VLProcessor"
    assert 0.5e6 < sum(parameter.numel() for parameter in vlm.model.parameters()) < 1.5e6


def test_the_seed_alone_makes_the_weights() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one, again, other = (hash_weights(build_tiny_vlm(WORDS, seed=seed).model) for seed in (1, 1, 2))
    assert one == again != other
    assert torch.rand(1) == expected  # the global random state is as it was


def test_the_constitution_is_a_system_turn(vlm: Vlm) -> None:
    prompt = Prompt(paint(red=True, seed=0), "is it safe ?", "careful .")
    plain, guided = (
        vlm.tokenizer.decode(encode_prompts(vlm, [prompt], guided=guided).ids_BP[0]) for guided in (False, True)
    )
    turn = "<|im_start|> user <|vision_start|>" + " <|image_pad|>" * 9
    asked = f"{turn} <|vision_end|> is it safe ? <|im_end|> <|im_start|> assistant"
    assert plain == asked
    assert guided == f"<|im_start|> system careful . <|im_end|> {asked}"


@pytest.mark.parametrize("guided", [False, True])
def test_positions_go_on_after_the_picture_by_its_longer_side(vlm: Vlm, guided: bool) -> None:
    prompt = Prompt(paint(red=True, seed=0, side=(48, 64)), "is it safe ?", "careful .")
    longer = Prompt(prompt.picture, "is it safe to put the cup on the stove ?", "careful careful say no .")
    encoded = encode_prompts(vlm, [prompt, longer], guided=guided)
    assert encoded.attention_BP[0, 0] == 0  # padded left
    found = encoded.positions_3BP[:, 0, encoded.attention_BP[0] == 1].T.tolist()
    before = 8 if guided else 3  # the system turn <|im_start|> system careful . <|im_end|>, then <|im_start|> user ...
    wanted = [[n] * 3 for n in range(before)]
    wanted += [[before, before + row, before + column] for row in range(3) for column in range(4)]
    wanted += [[n] * 3 for n in range(before + 4, before + 4 + 8)]
    assert found == wanted


def test_a_padded_batch_scores_as_each_row_alone(vlm: Vlm) -> None:
    prompts = make_prompts(4)
    flags = [True, False, True, False]
    ids_BT, mask_BT = encode_answers(vlm, ANSWERS)
    assert mask_BT.sum(1).tolist() == [3, 9, 2, 1]
    batched = score_answers(vlm, encode_prompts(vlm, prompts, guided=flags), ids_BT, mask_BT)
    banned = list(vlm.banned)
    for row, (prompt, flag) in enumerate(zip(prompts, flags, strict=True)):
        alone = encode_prompts(vlm, [prompt], guided=flag)
        answer = ids_BT[row, mask_BT[row]]
        ids = torch.cat([alone.ids_BP, answer[None]], 1)
        with torch.no_grad():  # without padding, and with the positions that the model itself works out
            logits = vlm.model(
                input_ids=ids,
                pixel_values=alone.pixels,
                image_grid_thw=alone.grid_B3,
                mm_token_type_ids=(ids == vlm.model.config.image_token_id).int(),
            ).logits[0, -len(answer) - 1 : -1]
        logits[:, banned] = -torch.inf
        wanted = torch.distributions.Categorical(logits=logits)
        torch.testing.assert_close(batched.logp_BT[row, mask_BT[row]], wanted.log_prob(answer), rtol=0, atol=1e-5)
        torch.testing.assert_close(batched.entropy_BT[row, mask_BT[row]], wanted.entropy(), rtol=0, atol=1e-5)


def test_tokens_are_rated_alike_with_and_without_their_entropy(vlm: Vlm) -> None:
    encoded, answers = encode_prompts(vlm, make_prompts(4), guided=True), encode_answers(vlm, ANSWERS)
    alone = rate_tokens(vlm, encoded, *answers, temperature=0.7)
    whole = score_answers(vlm, encoded, *answers, temperature=0.7).logp_BT
    torch.testing.assert_close(alone[answers[1]], whole[answers[1]], rtol=0, atol=1e-5)


def test_picture_and_constitution_both_matter(vlm: Vlm) -> None:
    prompt = make_prompts(1)[0]
    blue = dataclasses.replace(prompt, picture=paint(red=False, seed=0))
    ids_BT, mask_BT = encode_answers(vlm, ["yes ."] * 3)
    encoded = encode_prompts(vlm, [prompt, blue, prompt], guided=[False, False, True])
    plain, other, guided = score_answers(vlm, encoded, ids_BT, mask_BT).logp_BT
    assert (plain - other).abs().max() > 1e-3
    assert (plain - guided).abs().max() > 1e-3


def test_repeated_rows_stand_next_to_each_other_and_see_the_same_picture(vlm: Vlm) -> None:
    prompts = make_prompts(2)
    twice = encode_prompts(vlm, [prompts[0], prompts[0], prompts[1], prompts[1]], guided=False)
    repeated = encode_prompts(vlm, prompts, guided=False).repeat(2)
    for name in ("ids_BP", "attention_BP", "positions_3BP"):
        assert torch.equal(getattr(repeated, name), getattr(twice, name)), name
    for found, wanted in zip(repeated.spread_pictures(), (twice.pixels, twice.grid_B3), strict=True):
        assert torch.equal(found, wanted)
    answers = encode_answers(vlm, ANSWERS)
    scores = [score_answers(vlm, encoded, *answers).logp_BT for encoded in (repeated, twice)]
    torch.testing.assert_close(*scores, rtol=0, atol=1e-5)


def test_shared_prompts_and_several_passes_change_neither_scores_nor_gradients() -> None:
    vlm, prompts, words = make_tiny(), make_prompts(10), ["yes", "no", "the", "stove", "cup", "careful", "."]
    answers = [" ".join(words[(row + n) % 7] for n in range(row % 9)) for row in range(40)]
    ids_BT, mask_BT = encode_answers(vlm, answers)
    weight_BT = torch.rand(ids_BT.shape, generator=torch.Generator().manual_seed(0))
    shared = encode_prompts(vlm, prompts, guided=True).repeat(4)
    apart = encode_prompts(vlm, [prompt for prompt in prompts for _ in range(4)], guided=True)
    found = []
    for encoded in (shared, apart):
        vlm.model.zero_grad()
        scores = score_answers(vlm, encoded, ids_BT, mask_BT)
        (scores.logp_BT * weight_BT)[mask_BT].sum().backward()
        gradients = torch.cat([one.grad.flatten() for one in vlm.model.parameters() if one.grad is not None])
        found.append((scores.logp_BT, scores.entropy_BT, gradients))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)
    assert found[0][2].abs().max() > 0.1


def test_pictures_that_were_looked_at_once_score_alike(vlm: Vlm) -> None:
    encoded, answers = encode_prompts(vlm, make_prompts(4), guided=False), encode_answers(vlm, ANSWERS)
    seen = look(vlm, encoded)
    assert seen.seen_KH is not None and not seen.seen_KH.requires_grad
    assert torch.equal(rate_tokens(vlm, encoded, *answers), rate_tokens(vlm, seen, *answers))
    blank = dataclasses.replace(seen, seen_KH=torch.zeros_like(seen.seen_KH))
    assert not torch.equal(rate_tokens(vlm, blank, *answers), rate_tokens(vlm, seen, *answers))


def test_answers_come_back_as_they_went_in(vlm: Vlm) -> None:
    assert decode_answers(vlm, *encode_answers(vlm, ANSWERS)) == ANSWERS


def test_a_saved_model_scores_alike(vlm: Vlm, tmp_path: Path) -> None:
    save_vlm(vlm, tmp_path)
    loaded = load_vlm(tmp_path)
    assert hash_weights(loaded.model) == hash_weights(vlm.model)
    prompts, answers = make_prompts(4), encode_answers(vlm, ANSWERS)
    one, other = (score_answers(v, encode_prompts(v, prompts, guided=True), *answers).logp_BT for v in (vlm, loaded))
    assert torch.equal(one[answers[1]], other[answers[1]])


def test_a_frozen_copy_stays_as_it_is() -> None:
    vlm = make_tiny()
    frozen, before = copy_frozen(vlm), hash_weights(vlm.model)
    with torch.no_grad():
        next(vlm.model.parameters()).add_(1)
    assert hash_weights(frozen.model) == before != hash_weights(vlm.model)
    assert not any(parameter.requires_grad for parameter in frozen.model.parameters())


@pytest.mark.parametrize(
    ("changed", "guided", "said"),
    [
        ({"query": "is the gnu safe ?"}, False, "'gnu'"),
        ({"constitution": "beware ."}, True, "'beware'"),
        ({"constitution": ""}, True, "has no constitution"),
        ({"picture": np.zeros((48, 48, 3))}, False, "float64"),
        ({"picture": np.zeros((48, 48), np.uint8)}, False, r"\(48, 48\)"),
    ],
)
def test_a_prompt_that_cannot_be_used_is_named(vlm: Vlm, changed: dict, guided: bool, said: str) -> None:
    with pytest.raises(SampleInvalid, match=said):
        encode_prompts(vlm, [dataclasses.replace(make_prompts(1)[0], **changed)], guided=guided)


@pytest.mark.parametrize(("answer", "said"), [("yes <|image_pad|>", "image_pad"), ("a gnu", "<unk>")])
def test_an_answer_that_cannot_be_used_is_named(vlm: Vlm, answer: str, said: str) -> None:
    with pytest.raises(SampleInvalid, match=said):
        encode_answers(vlm, ["yes .", answer])


@pytest.mark.parametrize(("words", "hidden"), [(["two words"], 128), ([""], 128), (["cup"], 100)])
def test_a_model_that_cannot_be_built_is_refused(words: list[str], hidden: int) -> None:
    with pytest.raises(SampleInvalid):
        build_tiny_vlm(words, hidden=hidden)
