"""A whole run of the wind tunnel in a few steps: gate, arms, files, resuming, report."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from tiny_stage_zero import make_tiny

pytest.importorskip("torch", reason="torch is not installed: run `make setup-models`")

import torch

from caspo.errors import ArmUnknown, GateNotPassed, RunBusy, RunMismatch
from caspo.local.checkpoints import read_checkpoint
from caspo.local.config import RewardModelConfig
from caspo.local.vlm import hash_weights
from caspo.wind_tunnel.arms import ARMS, ScaleConfig
from caspo.wind_tunnel.config import MEASURED, TunnelConfig
from caspo.wind_tunnel.measures import SETS, EvaluationConfig
from caspo.wind_tunnel.reloading import reload_models
from caspo.wind_tunnel.report import make_report
from caspo.wind_tunnel.reward import RewardConfig
from caspo.wind_tunnel.run import Progress, TunnelResults, run_tunnel
from caspo.wind_tunnel.tunnel import draw_prompts
from curator_app.actions.wind_tunnel import make_painter, make_part, make_whole
from curator_app.actions.wind_tunnel_page import draw_wind_tunnel
from curator_app.actions.world_models import KnownScenes, TinyModelChat
from endpoints.errors import BadRequest
from endpoints.messages import ChatRequest, ImagePart, Message
from pipeline.hazard_world.grammar import to_prose
from storage.locks import hold_lock

pytestmark = pytest.mark.models

TINY = TunnelConfig(
    stage_zero=make_tiny(),
    stage_zero_seeds=1,
    seeds=1,
    arms=("recommended", "original", "oracle"),
    scale=ScaleConfig(steps=2, prompts=4, group_size=2, max_tokens=6, pool=8),
    evaluation=EvaluationConfig(scenes=4, hazards=3, max_tokens=6, examples=2),
    reward=RewardConfig(pairs=6, training=RewardModelConfig(steps=2, batch=4)),
)


def run(out: Path, config: TunnelConfig = TINY, **given: object) -> TunnelResults:
    return run_tunnel(make_whole, config, out, workers=1, **given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TunnelResults, list[str]]:
    """A run that was forced past its gate, with the names of the jobs that it finished."""
    out, jobs = tmp_path_factory.mktemp("tunnel"), list[str]()
    results = run(out, force=True, observer=lambda progress: jobs.append(progress.last))
    return out, results, [job for job in jobs if job]


def test_no_rl_is_started_when_stage_0_does_not_pass(
    ran: tuple[Path, TunnelResults, list[str]], tmp_path: Path
) -> None:
    shutil.copytree(ran[0] / "cache", tmp_path / "cache")
    with pytest.raises(GateNotPassed, match=r"stage 0, seed 0: .*risk questions.*--force"):
        run(tmp_path)
    assert {folder.name.split("-")[0] for folder in (tmp_path / "runs").iterdir()} == {"gate"}


def test_every_arm_is_trained_and_measured_and_the_report_says_that_it_was_forced(
    ran: tuple[Path, TunnelResults, list[str]],
) -> None:
    _, results, jobs = ran
    assert results.forced
    assert set(results.runs) == {"base", "base_constitution", "sft", "teacher", *TINY.arms}
    for runs in results.runs.values():
        (one,) = runs.values()
        assert one.measured is not None
        assert {name: len(one.measured.columns[name]["r"]) for name in SETS} == dict(
            zip(SETS, (4, 4, 3, 3), strict=True)
        )
    assert results.runs["sft"][0, -1].measured.columns["new_scenes"]["kl"] == pytest.approx([0.0] * 4, abs=1e-5)  # type: ignore[union-attr]
    rewards = {job for job in jobs if job.startswith("reward model")}
    assert rewards == {"reward model context on stage 0 0", "reward model oracle on stage 0 0"}
    report = make_report(TINY, "toy", results)
    assert report["forced"]
    assert "RL was started all the same" in draw_wind_tunnel(report, make_painter(make_whole(), TINY.evaluation))


def test_a_finished_run_does_nothing_more(ran: tuple[Path, TunnelResults, list[str]]) -> None:
    out, results, _ = ran
    told: list[Progress] = []
    again = run(out, force=True, observer=told.append)
    assert told == []
    assert json.dumps(make_report(TINY, "toy", again)) == json.dumps(make_report(TINY, "toy", results))


def test_what_was_lost_is_made_again_and_is_the_same(
    ran: tuple[Path, TunnelResults, list[str]], tmp_path: Path
) -> None:
    out, results, _ = ran
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    (folder,) = (copy / "runs").glob("recommended-*")
    before = (folder / MEASURED).read_text(encoding="utf-8")
    shutil.rmtree(folder)
    jobs: list[str] = []
    run(copy, force=True, observer=lambda progress: jobs.append(progress.last))
    assert [job for job in jobs if job] == [
        "stage 0, seed 0", "reward model context on stage 0 0",
        "self-check of Recommended: Hybrid 1.0, frozen SFT at 0.4, floor 0.5",
        "Recommended: Hybrid 1.0, frozen SFT at 0.4, floor 0.5, stage 0 0, seed 0",
    ]  # fmt: skip
    made, kept = (json.loads(text) for text in ((folder / MEASURED).read_text(encoding="utf-8"), before))
    assert (made["columns"], made["answers"]) == (kept["columns"], kept["answers"])
    assert results.forced


def test_two_workers_make_one_stage_0_together_and_it_is_the_same(
    ran: tuple[Path, TunnelResults, list[str]], tmp_path: Path
) -> None:
    with pytest.raises(GateNotPassed):
        run_tunnel(make_whole, TINY, tmp_path, workers=2)
    kept = {path.name for path in (tmp_path / "cache").iterdir()}  # hashes of the weights that each phase begins with
    assert len(kept) == 7
    assert kept < {path.name for path in (ran[0] / "cache").iterdir()}
    (gate,), (alone,) = ((out / "runs").glob("gate-*/gate.json") for out in (tmp_path, ran[0]))
    assert gate.read_text(encoding="utf-8") == alone.read_text(encoding="utf-8")


def test_arms_and_folders_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArmUnknown, match="'nothing' is unknown; known: recommended, paper"):
        run(tmp_path, TINY.model_copy(update={"arms": ("nothing",)}))
    with hold_lock(tmp_path / "lock", busy=AssertionError()), pytest.raises(RunBusy, match="another wind tunnel"):
        run(tmp_path)


def test_the_prompts_of_a_step_have_their_share_of_twins_and_are_the_same_for_all_arms() -> None:
    pool = make_part().pairs("train", count=40, seed=1)
    best, bare = (draw_prompts(pool, ARMS[name], 20, seed=3) for name in ("recommended", "no_twins"))
    first = best(0)
    assert [prompt.is_twin for prompt in first] == [True] * 9 + [False] * 11  # type: ignore[attr-defined]
    assert not any(prompt.is_twin for prompt in bare(0))  # type: ignore[attr-defined]
    assert len({prompt.pair for prompt in first}) == 20  # type: ignore[attr-defined]
    assert [prompt.pair for prompt in first] == [prompt.pair for prompt in bare(0)]  # type: ignore[attr-defined]
    assert [id(prompt) for prompt in best(0)] == [id(prompt) for prompt in first]
    assert [prompt.pair for prompt in best(1)] != [prompt.pair for prompt in first]  # type: ignore[attr-defined]
    other = draw_prompts(pool, ARMS["recommended"], 20, seed=4)
    assert [prompt.pair for prompt in other(0)] != [prompt.pair for prompt in first]  # type: ignore[attr-defined]


def test_a_part_of_the_world_has_fewer_hazards_and_the_same_words() -> None:
    part, whole = make_part(), make_whole()
    train = {hazard for pair in part.pairs("train", count=60, seed=1) for hazard in pair.hazardous.hazards}
    new = {hazard for pair in part.pairs("new_hazards", count=20, seed=1) for hazard in pair.hazardous.hazards}
    seen = {hazard for pair in part.pairs("new_scenes", count=20, seed=1) for hazard in pair.hazardous.hazards}
    everything = {hazard for pair in part.pairs("pretraining", count=80, seed=1) for hazard in pair.hazardous.hazards}
    assert (len(train), len(new)) == (4, 2)
    assert seen == train
    assert everything == train | new
    assert part.vocabulary == whole.vocabulary
    assert [pair.twin.pair for pair in part.pairs("train", count=3, seed=1)] == [0, 1, 2]
    assert part.name != whole.name


def test_models_are_loaded_again_as_the_run_left_them(ran: tuple[Path, TunnelResults, list[str]]) -> None:
    out, results, _ = ran
    pair = reload_models(make_whole(), TINY, out, arm="recommended", start=0, seed=0)
    assert hash_weights(pair.start.model) != hash_weights(pair.trained.model)
    kept = read_checkpoint(results.runs["recommended"][0, 0].folder, read_fingerprint(out))
    assert kept is not None
    trained = pair.trained.model.state_dict()
    assert all(torch.equal(trained[name], value) for name, value in kept.weights.items())
    assert not any(parameter.requires_grad for parameter in pair.trained.model.parameters())


def read_fingerprint(out: Path) -> str:
    (folder,) = (out / "runs").glob("recommended-*")
    return str(torch.load(folder / "checkpoint.pt", weights_only=True)["fingerprint"])


def test_what_was_not_trained_is_not_loaded(ran: tuple[Path, TunnelResults, list[str]], tmp_path: Path) -> None:
    with pytest.raises(RunMismatch, match="holds no finished run of the arm 'outr'; train it first"):
        reload_models(make_whole(), TINY, ran[0], arm="outr", start=0, seed=0)
    shutil.copytree(ran[0], tmp_path / "copy")
    (folder,) = (tmp_path / "copy" / "runs").glob("recommended-*")
    (folder / "checkpoint.pt").unlink()
    with pytest.raises(RunMismatch, match="not all of its training; remove the folder"):
        reload_models(make_whole(), TINY, tmp_path / "copy", arm="recommended", start=0, seed=0)


def test_a_tiny_model_answers_as_any_endpoint_and_its_seed_decides(
    ran: tuple[Path, TunnelResults, list[str]],
) -> None:
    pair = reload_models(make_whole(), TINY, ran[0], arm="recommended", start=0, seed=0)
    (shown,) = make_whole().pairs("new_scenes", count=1, seed=3)
    picture = ImagePart(b"shown", "image/png")
    chat = TinyModelChat(pair.trained, KnownScenes({picture.sha256: shown.hazardous.truth}), name="tiny")

    def ask(seed: int, *, policy: str = "", part: ImagePart = picture) -> str:
        turns = [Message("system", (policy,))] if policy else []
        user = Message("user", (to_prose(shown.hazardous.query), part))
        request = ChatRequest((*turns, user), max_tokens=6, temperature=0.9, seed=seed)
        before = torch.get_rng_state()
        reply = asyncio.run(chat.complete(request))
        assert torch.equal(torch.get_rng_state(), before)
        assert reply.model == "tiny" and reply.usage is not None and 1 <= reply.usage.completion_tokens <= 6
        return reply.text

    texts = [ask(seed) for seed in range(4)]
    assert texts == [ask(seed) for seed in range(4)]
    assert len(set(texts)) > 1
    assert [ask(seed, policy=shown.hazardous.constitution) for seed in range(4)] != texts
    with pytest.raises(BadRequest, match="no scene of the releases"):
        ask(0, part=ImagePart(b"another", "image/png"))
