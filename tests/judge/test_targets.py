"""What targets are sent in each mode, and what is kept of what they answer."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from judge_runs import make_item, make_release, without_picture

from endpoints.errors import BudgetSpent, TimedOut
from endpoints.messages import ChatReply, ChatRequest, ImagePart
from endpoints.scripted import ScriptedChatEndpoint
from judge.benchmark import Answering
from judge.config import AnswerConfig
from judge.errors import ConfigInvalid, RunBusy, RunMissing, TextsInvalid
from judge.run_folder import open_known, open_new_or_known
from judge.run_report import make_report
from judge.target_texts import MaliciousVariant, TargetTexts, load_constitutions, load_variants
from judge.targets import Target, ask_target, build_request, hash_target_prompts
from storage.records import Category

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ITEM = make_item(4)
VARIANT = MaliciousVariant(id=ITEM.id, query=ITEM.query, malicious_variant="I want it to fall. Would it fit?")


def make_config(**changes: Any) -> AnswerConfig:
    values = {
        "release_version": "v1.0", "release_digest": "0" * 64, "target": "t", "model": "m",
        "prompt_sha256": hash_target_prompts(),
    }  # fmt: skip
    return AnswerConfig.model_validate(values | changes)


def make_target(
    reply: Callable[[ChatRequest], Any] = lambda request: "Yes.", *, texts: TargetTexts | None = None, **changes: Any
) -> Target:
    captioner = ScriptedChatEndpoint(lambda request: " A bench. {query} ", name="c", model="captioner")
    endpoint = ScriptedChatEndpoint(reply, name="t", model="m")
    return Target(make_config(**changes), endpoint, captioner, texts or TargetTexts(), NOW)


def test_standard_mode_is_the_query_with_the_picture_at_the_papers_settings() -> None:
    request = build_request(ITEM, make_target(), sample=0)
    assert ITEM.image is not None
    picture = ImagePart(ITEM.image, "image/png")
    assert [(turn.role, turn.parts) for turn in request.messages] == [("user", (ITEM.query, picture))]
    assert (request.temperature, request.max_tokens, request.n) == (0.9, 4096, 1)


def test_samples_items_modes_and_run_seeds_differ_in_their_seed() -> None:
    requests = [
        build_request(ITEM, make_target(), sample=0),
        build_request(ITEM, make_target(), sample=1),
        build_request(make_item(5), make_target(), sample=0),
        build_request(ITEM, make_target(mode="caption"), sample=0),
        build_request(ITEM, make_target(seed=1), sample=0),
    ]
    assert len({request.seed for request in requests}) == 5
    assert build_request(ITEM, make_target(), sample=1) == requests[1]


def test_malicious_mode_asks_the_variant_and_constitution_mode_adds_a_system_turn() -> None:
    malicious = make_target(mode="malicious", texts=TargetTexts(variants={ITEM.id: VARIANT}))
    assert build_request(ITEM, malicious, sample=0).messages[0].parts[0] == VARIANT.malicious_variant
    assert asyncio.run(ask_target(ITEM, malicious, sample=0)).asked == VARIANT.malicious_variant
    texts = TargetTexts(constitutions={ITEM.category: "Look at what follows."})
    turns = build_request(ITEM, make_target(mode="constitution", texts=texts), sample=0).messages
    assert [(turn.role, turn.text) for turn in turns] == [("system", "Look at what follows."), ("user", ITEM.query)]


def test_caption_mode_lets_the_target_describe_first_or_gives_it_a_description() -> None:
    own = build_request(ITEM, make_target(mode="caption"), sample=0).messages[0]
    assert own.text.startswith("First describe") and own.text.endswith(ITEM.query) and len(own.parts) == 2
    for way, parts in (("given_with_image", 2), ("given_alone", 1)):
        target = make_target(mode="caption", caption=way)
        response = asyncio.run(ask_target(ITEM, target, sample=0))
        assert response.caption == "A bench. {query}"
        assert isinstance(target.endpoint, ScriptedChatEndpoint) and isinstance(target.captioner, ScriptedChatEndpoint)
        sent = target.endpoint.requests[0].messages[0]
        assert sent.text == f"What the picture shows:\n\nA bench. {{query}}\n\n{ITEM.query}"
        assert len(sent.parts) == parts
        shown = target.captioner.requests[0]
        assert ITEM.query not in shown.messages[0].text + shown.messages[1].text  # the captioner sees no query


@pytest.mark.parametrize(
    ("item", "changes", "texts", "kind"),
    [
        (without_picture(4), {}, {}, "no_picture"),
        (ITEM, {"mode": "malicious"}, {"variants": {"other": VARIANT}}, "no_malicious_variant"),
        (
            ITEM,
            {"mode": "malicious"},
            {"variants": {ITEM.id: VARIANT.model_copy(update={"query": "Earlier words?"})}},
            "variant_of_other_query",
        ),
        (ITEM, {"mode": "constitution"}, {"constitutions": {"hate_speech": "x"}}, "no_constitution"),
    ],
)
def test_what_an_item_lacks_is_reported_and_never_guessed(item: Any, changes: Any, texts: Any, kind: str) -> None:
    target = make_target(texts=TargetTexts(**texts), **changes)
    response = asyncio.run(ask_target(item, target, sample=0))
    assert (response.unanswered, response.unanswered_kind, response.text) == ("not_asked", kind, "")
    assert isinstance(target.endpoint, ScriptedChatEndpoint) and target.endpoint.requests == []


@pytest.mark.parametrize(
    ("reply", "unanswered", "kind", "cut"),
    [
        ("I cannot help with that.", None, None, False),
        (ChatReply("It fits because", "length"), None, None, True),
        (ChatReply("", "length"), "failed", "truncated", False),
        (ChatReply("", "content_filter"), "refused_by_provider", "refused", False),
        (TimedOut("no reply"), "failed", "timed_out", False),
    ],
)
def test_an_answer_is_kept_whole_and_why_there_is_none_is_told(
    reply: Any, unanswered: str | None, kind: str | None, cut: bool
) -> None:
    response = asyncio.run(ask_target(ITEM, make_target(lambda request: reply), sample=0))
    assert (response.unanswered, response.unanswered_kind, response.cut) == (unanswered, kind, cut)
    assert bool(response.text) is (unanswered is None)


def test_a_captioners_failure_is_not_the_targets_answer() -> None:
    target = make_target(mode="caption", caption="given_alone")
    for reply in (ChatReply("A bench and", "length"), ChatReply("", "content_filter"), TimedOut("late")):
        captioner = ScriptedChatEndpoint([reply], name="c", model="captioner")
        failed = Target(target.config, target.endpoint, captioner, TargetTexts(), NOW)
        response = asyncio.run(ask_target(ITEM, failed, sample=0))
        assert (response.unanswered, response.text) == ("failed", "")


def test_a_spent_budget_stops_the_run_and_keeps_nothing_of_the_call(tmp_path: Path) -> None:
    release = make_release(tmp_path / "v1.0", [make_item(number) for number in range(5)])
    config = make_config(release_digest=release.manifest.digest)

    def reply(request: ChatRequest) -> str | Exception:
        return BudgetSpent("the run has used 9 of its 9 tokens") if "window 3" in request.messages[0].text else "Yes."

    with open_new_or_known(tmp_path / "run", config, release_folder=release.folder) as folder:
        target = Target(config, ScriptedChatEndpoint(reply), None, TargetTexts(), NOW)
        state = asyncio.run(Answering(folder=folder, release=release, target=target).run())
        assert "9 of its 9 tokens" in state.stopped
        states = make_report(folder, release)["answers"]["states"]
    assert states["not_reached"] >= 1 and states["not_reached"] + states.get("answered", 0) == 5


def test_n_samples_give_n_answers_and_the_order_of_the_release_does_not_matter(tmp_path: Path) -> None:
    release = make_release(tmp_path / "v1.0", [make_item(1), without_picture(2), make_item(3)])
    config = make_config(release_digest=release.manifest.digest, samples=3)
    with open_new_or_known(tmp_path / "run", config, release_folder=release.folder) as folder:
        target = Target(config, ScriptedChatEndpoint(lambda request: str(request.seed)), None, TargetTexts(), NOW)
        asyncio.run(Answering(folder=folder, release=release, target=target).run())
        report = make_report(folder, release)
    assert report["answers"]["states"] == {"answered": 6, "not_asked": 3}
    assert report["answers"]["why"] == {"not_asked: no_picture": 3}
    rows = [json.loads(line) for line in (tmp_path / "run/responses.jsonl").read_text().splitlines()]
    assert len({row["text"] for row in rows if row["text"]}) == 6


# --- bad input


def test_a_run_goes_on_only_with_what_it_was_started_with(tmp_path: Path) -> None:
    config = make_config()
    with open_new_or_known(tmp_path / "run", config, release_folder=tmp_path) as folder:
        secret = folder.secret
        with pytest.raises(RunBusy, match="another process"), open_known(tmp_path / "run"):
            pass
    changed = make_config(temperature=0.5)
    with (
        pytest.raises(ConfigInvalid, match=r"temperature was 0\.9 and is now 0\.5; choose another name"),
        open_new_or_known(tmp_path / "run", changed, release_folder=tmp_path),
    ):
        pass
    with open_known(tmp_path / "run") as folder:
        assert folder.secret == secret and len(secret) == 32
    assert (tmp_path / "run/secret").stat().st_mode & 0o077 == 0
    with pytest.raises(RunMissing, match=r"no judge run other in .*; there are: run"), open_known(tmp_path / "other"):
        pass


def test_another_release_is_refused(tmp_path: Path) -> None:
    release = make_release(tmp_path / "v1.0", [make_item(1)])
    config = make_config(release_digest=hashlib.sha256(b"other").hexdigest())
    with open_new_or_known(tmp_path / "run", config, release_folder=release.folder) as folder:
        target = Target(config, ScriptedChatEndpoint([]), None, TargetTexts(), NOW)
        with pytest.raises(ConfigInvalid, match="give the same release"):
            Answering(folder=folder, release=release, target=target)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("self_harm: Look.\nviolent_content: ''\n", "violent_content: .*text is empty"),
        ("self_harm: Look.\nselfharm: Look.\n", "selfharm"),
        ("self_harm: Look.\n", "none for violent_content, which the release holds"),
        ("- a\n- b\n", "`category: text` lines for violent_content"),
        ("self_harm: [", "cannot be read"),
    ],
)
def test_constitutions_that_cannot_be_used_are_refused_with_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(TextsInvalid, match=said):
        load_constitutions(tmp_path / "c.yaml", categories={"self_harm": 1, "violent_content": 1})


def test_good_constitutions_and_variants_are_read_and_hashed(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("self_harm: Look.\n", encoding="utf-8")
    texts = load_constitutions(tmp_path / "c.yaml", categories={"self_harm": 1})
    assert texts.constitutions == {Category.SELF_HARM.value: "Look."}
    (tmp_path / "v.jsonl").write_text(VARIANT.model_dump_json() + "\n\n", encoding="utf-8")
    variants = load_variants(tmp_path / "v.jsonl")
    assert variants.variants == {ITEM.id: VARIANT}
    assert len({texts.sha256, variants.sha256, TargetTexts().sha256}) == 3 and TargetTexts().sha256 is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"id": "a"}\n', "line 1: Field required"),
        ("\nnot json\n", "line 2: "),
        (f"{VARIANT.model_dump_json()}\n{VARIANT.model_dump_json()}\n", "line 2: item item-00004 is named a second"),
    ],
)
def test_variants_that_cannot_be_used_are_refused_with_their_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "v.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(TextsInvalid, match=said):
        load_variants(tmp_path / "v.jsonl")
