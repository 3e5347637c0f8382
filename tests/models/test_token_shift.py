"""Token shift by real transformers models, small ones with random weights: a Llama that reads texts, a Qwen2.5-VL.

Held to is that each token's distributions are those of a whole forward pass made in another way.
"""

import importlib.util
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from needs import leave_out
from tiny_images import QWEN_SPECIAL, train_tokenizer
from typer.testing import CliRunner

pytestmark = [pytest.mark.models, pytest.mark.xdist_group("models")]

CONSTITUTION = "careful say what happens ."
QUERY = "may the cup go on the stove ?"
ANSWER = "no . the stove may burn the cup . go ahead here ."
LONGEST = 160


def draw(colour: str) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (48, 32), colour).save(buffer, "PNG")
    return buffer.getvalue()


def build_tiny_llama(folder: Path, seed: int) -> Path:
    """Save a Llama whose tokenizer cuts words into pieces; its weights are made large, so that the prompt matters."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = train_tokenizer(QWEN_SPECIAL, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=-(-len(tokenizer) // 64) * 64 + 64 * seed, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=LONGEST, tie_word_embeddings=True,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        model.get_input_embeddings().weight.mul_(4)
        for name, weight in model.model.layers.named_parameters():
            if name.endswith("proj.weight"):
                weight.mul_(8)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def llamas(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two with the same tokenizer; the second has more rows without a token."""
    return [build_tiny_llama(tmp_path_factory.mktemp("models") / f"llama{seed}", seed) for seed in (0, 1)]


@pytest.fixture(scope="module")
def vlm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from caspo_tiny import make_tiny

    from caspo.local.vlm import save_vlm

    folder = tmp_path_factory.mktemp("models") / "vlm"
    save_vlm(make_tiny(), folder)
    return folder


def give(text: str = ANSWER, picture: bytes | None = None, category: str = "self_harm") -> Any:
    from judge.given_answers import GivenAnswer

    return GivenAnswer("item", 0, category, QUERY, picture, text)


def score_whole(model: Any, reader: Any, constitution: str | None, picture: Any) -> Any:
    """Log-probabilities (T, V) at the answer's tokens; prompt and answer are cut into tokens as one text."""
    import torch

    turns: list[dict[str, Any]] = [{"role": "system", "content": constitution}] if constitution else []
    image = [{"type": "image"}] if picture is not None else []
    turns.append({"role": "user", "content": [{"type": "text", "text": QUERY}, *image]})
    prompt = reader.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    given: dict[str, Any] = {"images": [picture]} if picture is not None else {}
    made = reader(text=[prompt + ANSWER], return_tensors="pt", **given)
    answer = reader.tokenizer if hasattr(reader, "tokenizer") else reader
    tokens = len(answer(ANSWER, add_special_tokens=False)["input_ids"])
    with torch.inference_mode():
        logits = model(**made).logits[0, -tokens - 1 : -1, : len(answer)]
    return logits.float().log_softmax(-1), made["input_ids"][0, -tokens:]


@pytest.mark.parametrize("kind", ["llama", "vlm"])
def test_divergence_under_a_constitution_is_that_of_whole_forward_passes(
    kind: str, llamas: list[Path], vlm: Path
) -> None:
    import torch
    from PIL import Image
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, AutoProcessor, AutoTokenizer

    from judge.teacher_forcing import Side, compare_sides, load_model

    folder, picture = (llamas[0], None) if kind == "llama" else (vlm, draw("red"))
    local = load_model(str(folder), device="cpu")
    assert local.sees is (kind == "vlm") and local.name == folder.name
    guided = Side(local, {"self_harm": CONSTITUTION})
    found = compare_sides(give(picture=picture), guided, Side(local), direction="forward")
    opened = None if picture is None else Image.open(io.BytesIO(picture)).convert("RGB")
    model_kind, reader_kind = (
        (AutoModelForCausalLM, AutoTokenizer) if kind == "llama" else (AutoModelForImageTextToText, AutoProcessor)
    )
    model, reader = model_kind.from_pretrained(folder).eval(), reader_kind.from_pretrained(folder)
    logp_TV, ids_T = score_whole(model, reader, CONSTITUTION, opened)
    logq_TV, _ = score_whole(model, reader, None, opened)
    kl_T = (logp_TV.exp() * (logp_TV - logq_TV)).sum(-1)
    delta_T = (logp_TV - logq_TV).gather(-1, ids_T[:, None])[:, 0]
    torch.testing.assert_close(torch.tensor(found.kl), kl_T, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(torch.tensor(found.delta), delta_T, atol=1e-4, rtol=1e-4)
    assert min(found.kl) >= 0 and max(found.kl) > 0.01, "the constitution moved nothing"
    assert "".join(ANSWER[slice(*span)] for span in found.spans).replace(" ", "") == ANSWER.replace(" ", "")
    backwards = compare_sides(give(picture=picture), guided, Side(local), direction="reverse")
    assert backwards.kl != found.kl and backwards.delta == found.delta


def test_equal_sides_do_not_diverge_and_another_picture_does(vlm: Path) -> None:
    import torch

    from judge.teacher_forcing import Side, _read_logits, compare_sides, load_model

    local = load_model(str(vlm), device="cpu")
    same = compare_sides(give(picture=draw("red")), Side(local), Side(local), direction="forward")
    assert max(same.kl) < 1e-6 and max(map(abs, same.delta)) < 1e-6
    ids_T = torch.tensor(local.tokenizer(ANSWER, add_special_tokens=False)["input_ids"])
    seen = [_read_logits(Side(local), give(picture=picture), ids_T) for picture in (draw("red"), draw("blue"), None)]
    assert all(float((one - other).abs().max()) > 1e-3 for one, other in ((seen[0], seen[1]), (seen[0], seen[2])))


def test_two_models_with_one_vocabulary_are_compared_though_their_rows_differ(llamas: list[Path], vlm: Path) -> None:
    from judge.errors import ShiftInvalid
    from judge.teacher_forcing import Side, check_comparable, compare_sides, load_model

    one, other = (load_model(str(folder), device="cpu") for folder in llamas)
    assert one.model.config.vocab_size != other.model.config.vocab_size
    check_comparable(one, other)
    found = compare_sides(give(), Side(one), Side(other), direction="forward")
    assert all(value > 0 for value in found.kl)
    with pytest.raises(ShiftInvalid, match="vlm and llama0 have different vocabularies"):
        check_comparable(load_model(str(vlm), device="cpu"), one)


def test_what_cannot_be_put_to_a_model_is_told_by_kind(llamas: list[Path], vlm: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    from endpoints.errors import BadConfig
    from judge.errors import AnswerUnusable
    from judge.teacher_forcing import Side, compare_sides, load_model

    text, seeing = load_model(str(llamas[0]), device="cpu"), load_model(str(vlm), device="cpu")
    bare = load_model(str(llamas[0]), device="cpu")
    bare.tokenizer.chat_template = None
    policy = {"self_harm": CONSTITUTION}
    for kind, side, answer in (
        ("too_long", Side(text), give(text=ANSWER * 9)),
        ("no_constitution", Side(text, policy), give(category="")),
        ("refused_by_template", Side(bare), give()),
        ("bad_picture", Side(seeing), give(picture=b"no picture")),
        ("no_token", Side(text), replace(give(), text="")),
    ):
        with pytest.raises(AnswerUnusable) as refused:
            compare_sides(answer, side, side, direction="forward")
        assert refused.value.kind == kind, str(refused.value)
    with pytest.raises(BadConfig, match="'/nowhere/model' does not exist"):
        load_model("/nowhere/model")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadConfig, match="empty cannot be loaded"):
        load_model(str(tmp_path / "empty"))


# --- with spaCy


@pytest.fixture
def spacy_here() -> None:
    if importlib.util.find_spec("spacy") is None:
        leave_out("spaCy is not installed: run `make setup-models`")


def test_spacy_tags_words_and_markdown(spacy_here: None) -> None:
    from judge.errors import ShiftInvalid
    from judge.speech_parts import load_tagger, tag_pieces

    tag, name = load_tagger()
    assert "en_core_web_sm" in name and "spaCy 3." in name
    text = "**Please** do not put the old kettle there:\n\n- It quickly burns, and 3.5 children can't run!"
    words = [found.span() for found in re.finditer(r"\*\*|[A-Za-z]+|\d\.\d|\n+|[^\w\s]", text)]
    tags = dict(zip((text[slice(*span)] for span in words), tag_pieces(text, words, tag(text)), strict=True))
    expected = {
        "**": "PUNCT", "put": "VERB", "the": "DET", "old": "ADJ", "kettle": "NOUN", ":": "PUNCT", "\n\n": "SPACE",
        "-": "PUNCT", "It": "PRON", "quickly": "ADV", "burns": "VERB", ",": "PUNCT", "and": "CONJ", "3.5": "NUM",
        "children": "NOUN", "run": "VERB", "!": "PUNCT", "not": "PRT",
    }  # fmt: skip
    assert {word: tags[word] for word in expected} == expected
    with pytest.raises(ShiftInvalid, match="spaCy cannot load 'xx_absent'"):
        load_tagger("xx_absent")


def test_the_command_compares_with_and_without_the_shipped_constitutions(
    spacy_here: None, llamas: list[Path], vlm: Path, tmp_path: Path
) -> None:
    from curator_app.cli import app

    lines = [
        {"id": f"i{number}", "category": "violent_content", "query": QUERY, "answer": ANSWER, "image": "p.png"}
        for number in range(3)
    ]
    (tmp_path / "p.png").write_bytes(draw("red"))
    (tmp_path / "answers.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    for model, options in (
        (vlm, ["--constitutions", "shipped"]),
        (llamas[0], ["--reference", str(llamas[1])]),
    ):
        words = ["token-shift", str(tmp_path / "answers.jsonl"), "--model", str(model), "--device", "cpu", *options]
        done = CliRunner().invoke(app, [*words, "--to", str(tmp_path / model.name)])
        assert done.exit_code == 0, done.output or done.exception
        report = json.loads((tmp_path / model.name / "token-shift.json").read_text("utf-8"))
        assert report["counts"]["selected"] == 15 and report["counts"]["blind"] == (3 if model != vlm else 0)
        assert all(each["top"][0]["kl"] > 0 for each in report["answers"])
        assert sum(row["share"] for row in report["tags"]) == pytest.approx(1, abs=1e-4)
        assert str(tmp_path) not in json.dumps(report["config"]), "a path of this machine got into the report"
