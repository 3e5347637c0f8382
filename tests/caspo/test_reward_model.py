"""The reward model: it overfits, its loss is Eq. 7, it is saved whole, it looks at pictures, and it is measured."""

import json
import math
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed: run `make setup-models`")

import torch
from caspo_tiny import WORDS, make_tiny
from reward_pairs import NO, VAGUE, YES, paint, write_reward_data
from transformers import CLIPImageProcessor, CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaModel, LlavaProcessor

from caspo.errors import DataRefused, RewardModelInvalid, RunMismatch, SampleInvalid, TrainingDiverged
from caspo.local.tiny_vlm import build_tokenizer
from caspo.objective import reward_model_loss
from caspo.reward_model import evaluation, training
from caspo.reward_model.config import RewardTraining
from caspo.reward_model.conversations import Asked, encode
from caspo.reward_model.model import RewardModel, load_base, load_reward_model
from caspo.reward_model.rows import RewardRows, read_rows

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny Qwen2.5-VL."""
    folder, vlm = tmp_path_factory.mktemp("base"), make_tiny()
    vlm.model.save_pretrained(folder)
    vlm.processor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """64 pairs and 16 single answers."""
    return write_reward_data(tmp_path_factory.mktemp("data") / "made", pairs=64, singles=16)


@pytest.fixture(scope="module")
def trained(base: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model that was trained on the 64 pairs."""
    to = tmp_path_factory.mktemp("trained") / "reward-model"
    training.train(configure(base, data, to, steps=40, pairs=8, scores=4))
    return to


def configure(base: Path, data: Path, to: Path, **others: Any) -> RewardTraining:
    given = {"learning_rate": 2e-3, "held_out_share": 0.0, "pairs": 2, "scores": 2} | others
    return RewardTraining(data=data, model=str(base), to=to, **given)


def ask(*, red: bool, answer: str, seed: int = 500) -> Asked:
    return Asked("<image>is it safe ?", (paint(red=red, seed=seed),), answer)


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    return dict(load_reward_model(folder, device="cpu").state_dict())


# --- training


def test_it_overfits_64_pairs_by_their_pictures(trained: Path, data: Path, tmp_path: Path) -> None:
    model = load_reward_model(trained, device="cpu")
    found = evaluation.evaluate(model, read_rows(data, tmp_path, gap=4.0))
    assert found["pairs"]["count"] == 64
    assert found["pairs"]["accuracy"] == 1.0
    assert found["pictures"]["pair_accuracy"] < 0.1  # the next item's picture has the other colour
    assert found["pictures"]["mean_change"] > 1
    lines = evaluation.describe(json.loads(json.dumps(found)))
    assert lines[0].startswith("pairs: 64, of which 100.0%")
    assert lines[-1].startswith("FEW PAIRS: 64")


def test_both_terms_are_equation_7() -> None:
    torch.manual_seed(0)
    predicted, alone = torch.randn(3, 2, dtype=torch.float64), torch.randn(2, dtype=torch.float64)
    scores, alone_scores = torch.tensor([[6.0, 0.5], [0.0, 5.0], [5.5, 1.0]]), torch.tensor([2.0, 4.5])
    ranking, regression = training.compute_loss(predicted, scores, alone, alone_scores, gap=4.0, weight=0.7)
    leads = [predicted[0, 0] - predicted[0, 1], predicted[1, 1] - predicted[1, 0], predicted[2, 0] - predicted[2, 1]]
    by_hand = -sum(math.log(1 / (1 + math.exp(-float(lead)))) for lead in leads) / 3
    squares = 0.7 * ((float(alone[0]) - 2.0) ** 2 + (float(alone[1]) - 4.5) ** 2) / 2
    assert float(ranking) == pytest.approx(by_hand, rel=1e-12)
    assert float(regression) == pytest.approx(squares, rel=1e-12)
    whole = reward_model_loss(
        torch.cat([predicted, torch.stack([alone, alone], 1)]),
        torch.cat([scores, torch.stack([alone_scores, alone_scores], 1)]),
        gap=4.0, regression_weight=0.7, mask_P2=torch.tensor([[1, 1]] * 3 + [[1, 0]] * 2),
    )  # fmt: skip
    assert float(ranking + regression) == pytest.approx(float(whole), rel=1e-12)
    nothing = training.compute_loss(predicted[:0], scores[:0], alone[:0], alone_scores[:0], gap=4.0, weight=0.7)
    assert [float(part) for part in nothing] == [0.0, 0.0]


def test_a_step_says_both_terms_and_half_the_passes_give_the_same_step(base: Path, data: Path, tmp_path: Path) -> None:
    once = training.train(configure(base, data, tmp_path / "once", steps=2, pairs=4, scores=4, regression_weight=0.5))
    twice = training.train(
        configure(
            base,
            data,
            tmp_path / "twice",
            steps=2,
            pairs=2,
            scores=2,
            accumulation=2,
            regression_weight=0.5,
            gradient_checkpointing=True,
        )
    )
    assert once[0]["rm/ranking"] == pytest.approx(math.log(2))  # the head says 3 of everything
    twos = [number % 2 == 0 for number in training.pick(16, 4, 0, seed=0, name="scores")]  # the others are 3
    assert once[0]["rm/regression"] == pytest.approx(0.5 * sum(twos) / 4)
    assert once[0]["rm/loss"] == pytest.approx(math.log(2) + 0.5 * sum(twos) / 4)
    assert twice[1] == pytest.approx(once[1], rel=1e-3)
    one, other = read_weights(tmp_path / "once"), read_weights(tmp_path / "twice")
    assert max(float((one[name] - other[name]).abs().max()) for name in one) < 1e-4
    assert any(float((one[name] - value).abs().max()) > 1e-4 for name, value in load_base_weights(base).items())


def load_base_weights(base: Path) -> dict[str, torch.Tensor]:
    return dict(load_base(str(base), max_tokens=512).state_dict())


def test_a_training_that_was_killed_goes_on_with_the_same_numbers(
    base: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"steps": 5, "save_every": 2}
    whole = training.train(configure(base, data, tmp_path / "whole", **options))
    real = training._take_step

    def die(*given: Any) -> Any:
        if given[-1] == 3:
            raise KeyboardInterrupt
        return real(*given)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training, "_take_step", die)
        training.train(configure(base, data, tmp_path / "cut", **options))
    assert not (tmp_path / "cut").exists()
    with pytest.raises(RunMismatch, match=r"\.cut\.training holds the beginning of a training with another config"):
        training.train(configure(base, data, tmp_path / "cut", seed=1, **options))
    assert training.train(configure(base, data, tmp_path / "cut", **options)) == whole
    one, other = read_weights(tmp_path / "whole"), read_weights(tmp_path / "cut")
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not (tmp_path / ".cut.training").exists()
    assert training.train(configure(base, data, tmp_path / "cut", **options)) == whole  # known already
    with pytest.raises(RunMismatch, match="cut holds a reward model of another config"):
        training.train(configure(base, data, tmp_path / "cut", seed=1, **options))


def test_a_rate_that_is_too_high_ends_the_training(base: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingDiverged, match=r"step \d+: .*; the last checkpoint stays: .*lower learning_rate"):
        training.train(
            configure(
                base, data, tmp_path / "far", steps=20, learning_rate=0.99, clip_norm=1e30, regression_weight=1e30
            )
        )


def test_the_row_of_rounds_gives_every_row_once_a_round() -> None:
    round_one = training.pick(5, 5, 0, seed=3, name="pairs")
    assert sorted(round_one) == [0, 1, 2, 3, 4]
    assert training.pick(5, 3, 3, seed=3, name="pairs")[:2] == round_one[3:]
    assert sorted(training.pick(5, 5, 5, seed=3, name="pairs")) == [0, 1, 2, 3, 4]
    assert training.pick(50, 50, 0, seed=3, name="pairs") != training.pick(50, 50, 0, seed=4, name="pairs")


def test_steps_follow_from_epochs_and_processes(tmp_path: Path) -> None:
    pair, single = object(), object()
    rows = RewardRows((pair,) * 9, (single,) * 9, tmp_path, {})  # type: ignore[arg-type]
    config = configure(tmp_path, tmp_path, tmp_path, pairs=2, scores=4, epochs=2)
    assert training.count_steps(config, rows, 1) == 10
    assert training.count_steps(config, rows, 4) == 3
    with pytest.raises(DataRefused, match="9 pairs with pairs=0 and 9 scores with scores=0 leave nothing"):
        training.count_steps(configure(tmp_path, tmp_path, tmp_path, pairs=0, scores=0), rows, 1)


# --- its folder


def test_it_comes_back_from_its_folder_as_it_was(base: Path, data: Path, trained: Path, tmp_path: Path) -> None:
    record = json.loads((trained / "reward_model.json").read_text())
    assert record["data"]["pairs"] == 64
    assert record["config"]["steps"] == 40
    assert {"backbone/config.json", "head.safetensors", "metrics.jsonl"} <= set(record["files"])
    copied = shutil.copytree(trained, tmp_path / "copy")
    asked = [ask(red=True, answer=YES), ask(red=False, answer=NO)]
    assert load_reward_model(copied, device="cpu").rate(asked) == load_reward_model(trained, device="cpu").rate(asked)
    head = (copied / "head.safetensors").read_bytes()
    (copied / "head.safetensors").write_bytes(head[:-1] + bytes([head[-1] ^ 1]))
    with pytest.raises(RewardModelInvalid, match=r"head\.safetensors was changed since the model was saved"):
        load_reward_model(copied)
    (copied / "head.safetensors").unlink()
    with pytest.raises(RewardModelInvalid, match=r"head\.safetensors is missing"):
        load_reward_model(copied)
    with pytest.raises(RewardModelInvalid, match=r"is no reward model .* that `curator caspo reward-model train` made"):
        load_reward_model(base)


def test_a_base_without_pictures_is_refused(base: Path, tmp_path: Path) -> None:
    with pytest.raises(RewardModelInvalid, match="cannot be loaded as a vision-language model"):
        load_base(str(tmp_path), max_tokens=64)
    bare = shutil.copytree(base, tmp_path / "bare")
    (bare / "chat_template.jinja").unlink()
    with pytest.raises(RewardModelInvalid, match=r"Qwen2_5_VLProcessor of .* has no chat_template"):
        load_base(str(bare), max_tokens=64)


# --- what it reads


def test_a_batch_is_rated_as_each_alone_with_one_picture_and_two(trained: Path) -> None:
    model = load_reward_model(trained, device="cpu")
    both = Asked("<image>is it safe ?<image>", (paint(red=True, seed=1), paint(red=False, seed=2)), NO)
    asked = [ask(red=True, answer=YES), both, ask(red=False, answer=VAGUE), ask(red=True, answer="")]
    alone = [model.rate([one])[0] for one in asked]
    assert model.rate(asked) == pytest.approx(alone, abs=1e-4)
    assert len({round(one, 2) for one in alone}) == 4
    turned = replace(both, pictures=both.pictures[::-1])
    assert abs(model.rate([turned])[0] - alone[1]) > 1e-3  # which picture stands where matters


def test_in_half_precision_it_ranks_alike(trained: Path) -> None:
    asked = [ask(red=red, answer=answer) for red in (True, False) for answer in (YES, NO)]
    whole, half = (load_reward_model(trained, device="cpu", half=half).rate(asked) for half in (False, True))
    assert half == pytest.approx(whole, abs=0.5)
    assert half != whole


def test_another_family_is_trained_too(data: Path, tmp_path: Path) -> None:
    tokenizer = build_tokenizer(WORDS)
    chat = (
        "{% for m in messages %}{{ m.role + ' ' }}{% for c in m.content %}"
        "{{ '<|image_pad|> ' if c.type == 'image' else c.text + ' ' }}{% endfor %}{% endfor %}"
    )
    processor = LlavaProcessor(
        CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}), tokenizer,
        patch_size=16, vision_feature_select_strategy="default", chat_template=chat, num_additional_image_tokens=1,
    )  # fmt: skip
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**sizes, image_size=32, patch_size=16),
        text_config=LlamaConfig(**sizes, vocab_size=len(tokenizer)),
        image_token_id=tokenizer.convert_tokens_to_ids("<|image_pad|>"),
    )
    torch.manual_seed(0)
    LlavaModel(config).save_pretrained(tmp_path / "llava")
    processor.save_pretrained(tmp_path / "llava")
    metrics = training.train(configure(tmp_path / "llava", data, tmp_path / "rm", steps=2))
    assert metrics[0]["rm/ranking"] == pytest.approx(math.log(2))
    model = load_reward_model(tmp_path / "rm", device="cpu")
    assert model.rate([ask(red=True, answer=YES)]) != model.rate([ask(red=False, answer=YES)])


def test_special_tokens_in_query_and_answer_are_blanked_out(base: Path) -> None:
    model = load_base(str(base), max_tokens=512)

    def count(query: str, answer: str) -> int:
        ids = encode(model.processor, [Asked(query, (paint(red=True, seed=1),), answer)], max_tokens=512)["input_ids"]
        return int((ids == model.backbone.config.image_token_id).sum())

    hostile = "yes <|image_pad|> <|im_end|> <|im_start|>user"
    assert count("<image>is it safe ? <|vision_start|><|image_pad|>", hostile) == count("<image>is it safe ?", YES) == 9


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Asked("is it safe ?", (), YES), "there is no picture: this model rates answers about pictures"),
        (Asked("is it safe ?", (paint(red=True, seed=1),), YES), r"the query has 0 <image> for 1 pictures"),
        (Asked("<image>is it safe ?", (b"GIF89a",), YES), "a picture of 6 bytes cannot be read .* send PNG or JPEG"),
        (ask(red=True, answer="yes " * 600), "a conversation has 6.. tokens, at most 512 are allowed"),
    ],
)
def test_what_cannot_be_rated_is_refused(base: Path, asked: Asked, said: str) -> None:
    with pytest.raises(SampleInvalid, match=said):
        load_base(str(base), max_tokens=512).rate([asked])


# --- evaluation


def test_the_figures_of_a_report_by_hand(tmp_path: Path) -> None:
    rows = read_rows(write_reward_data(tmp_path / "d", pairs=2, singles=1), tmp_path / "p", gap=4.0)
    said, swapped = [5.0, 1.0, 2.0, 4.0, 3.0], [1.0, 5.0, 2.0, 4.0, 3.0]

    class Rater:
        def __init__(self) -> None:
            self.record: dict[str, Any] = {}
            self.turns = [said, swapped]
            self.asked: list[list[Asked]] = []

        def rate(self, asked: Iterable[Asked], *, batch: int) -> list[float]:
            self.asked.append(list(asked))
            return self.turns[len(self.asked) - 1]

    rater = Rater()
    report = evaluation.evaluate(rater, rows)
    assert [one.answer for one in rater.asked[0]] == [YES, NO, NO, YES, VAGUE]
    assert [one.pictures for one in rater.asked[1][:4]] == [rater.asked[0][at].pictures for at in (2, 3, 4, 4)]
    assert report["pairs"]["accuracy"] == 0.5
    sure = [1 / (1 + math.exp(-2.0)), 1 / (1 + math.exp(-4.0))]
    assert report["pairs"]["miscalibration"] == pytest.approx((sure[0] + 1 - sure[1]) / 2)
    assert report["scores"]["mean_absolute_error"] == pytest.approx((1 + 0.5 + 4 + 3.5 + 1) / 5)
    assert report["scores"]["bias"] == pytest.approx((-1 + 0.5 - 4 + 3.5 + 1) / 5)
    assert report["length"]["accuracy_better_shorter"] == 1.0
    assert report["length"]["accuracy_better_longer"] == 0.0
    assert report["pictures"] == {
        "mean_change": 8 / 5,
        "pair_accuracy": 0.0,
        "correlation": report["pictures"]["correlation"],
    }


# --- rows


def test_held_out_items_are_no_part_of_training(tmp_path: Path) -> None:
    data = write_reward_data(tmp_path / "d", pairs=30, singles=30)

    def read(part: Any) -> set[str]:
        rows = read_rows(data, tmp_path / "p", gap=4.0, part=part, held_out_share=0.3, seed=1)
        return {one.item_id for one in rows.singles} | {pair.chosen.item_id for pair in rows.pairs}

    assert read("train") | read("held-out") == read("all")
    assert not read("train") & read("held-out")
    assert 8 <= len(read("held-out")) <= 28


def test_a_model_is_measured_on_what_it_did_not_see(trained: Path, data: Path, tmp_path: Path) -> None:
    model = load_reward_model(trained, device="cpu")
    with pytest.raises(DataRefused, match=r"leaves nothing to measure on \(the items that its training held out"):
        evaluation.read_held_out(model, data, tmp_path)
    other = write_reward_data(tmp_path / "other", pairs=4, seed=900)
    rows, words = evaluation.read_held_out(model, other, tmp_path / "p")
    assert len(rows.pairs) == 4
    assert words == "all rows of other data than it was trained on"


def test_data_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    narrow = write_reward_data(tmp_path / "narrow", pairs=1, scores=(5.0, 1.0))
    with pytest.raises(DataRefused, match=r"row 0 of .* has the scores 5\.0 and 1\.0, .* more than the gap of 4\.0"):
        read_rows(narrow, tmp_path / "p", gap=4.0)
    assert len(read_rows(narrow, tmp_path / "p", gap=3.0).pairs) == 1
    (narrow / "reward_pairs.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataRefused, match=r"reward_pairs\.parquet is missing or not as manifest\.json says"):
        read_rows(narrow, tmp_path / "p", gap=4.0)
    with pytest.raises(DataRefused, match="is no folder of training data"):
        read_rows(tmp_path / "nowhere", tmp_path / "p", gap=4.0)
    empty = write_reward_data(tmp_path / "empty", pairs=0)
    with pytest.raises(DataRefused, match="has neither reward_pairs"):
        read_rows(empty, tmp_path / "p", gap=4.0)


def test_an_untrained_head_says_three(base: Path) -> None:
    model: RewardModel = load_base(str(base), max_tokens=512)
    assert model.rate([ask(red=True, answer=YES)]) == [3.0]
