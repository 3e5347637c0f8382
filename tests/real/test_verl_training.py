"""CASPO on verl for real: `main_ppo` on this CPU with tiny models, and every number of its steps worked out again.

Run by `make test-verl`. Three runs of one to two minutes each are shared by all tests. Between them: both model
families, all three teachers, padding rows, rows of one length, one and two pictures, micro batches by rows and by
tokens, chunks of one row, and a resume.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import verl_runs as vr

pytestmark = [pytest.mark.verl, pytest.mark.timeout(3600)]
CLOSE = 1e-5


@pytest.fixture(scope="session")
def checks() -> Any:
    """The module that works steps out again; importing it takes torch and transformers."""
    return importlib.import_module("verl_checks")


@pytest.fixture(scope="session")
def padded(tiny_qwen: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Qwen2.5-VL, six answers a step, two rows of padding, moving and frozen (sharpened) teacher, then a checkpoint."""
    folder = tmp_path_factory.mktemp("padded")
    vr.write_rows(folder / "train.parquet", count=12)
    return vr.run_verl(
        folder,
        *vr.name_files(folder, tiny_qwen / "qwen2.5"),
        *vr.list_micro(2),
        "data.train_batch_size=3",
        "actor_rollout_ref.actor.ppo_mini_batch_size=2",
        "trainer.total_training_steps=2",
        "trainer.save_freq=2",
        "+caspo.lam=0.3",
        "+caspo.chunk_rows=3",
        environment={
            "STEPS": json.dumps([{}, {"teacher": "frozen_sft", "teacher_temperature": 0.4, "signal_floor": 0.5}])
        },
    )


@pytest.fixture(scope="session")
def resumed(padded: Any, tiny_qwen: Path) -> Any:
    """The same run gone on with for two steps, with micro batches by tokens and the model before SFT as teacher."""
    return vr.run_verl(
        padded.folder,
        *vr.name_files(padded.folder, tiny_qwen / "qwen2.5"),
        *vr.list_micro(2),
        "data.train_batch_size=3",
        "actor_rollout_ref.actor.ppo_mini_batch_size=2",
        "actor_rollout_ref.actor.use_dynamic_bsz=True",
        "actor_rollout_ref.actor.ppo_max_token_len_per_gpu=1100",
        "trainer.total_training_steps=4",
        "trainer.save_freq=-1",
        "+caspo.teacher=frozen_original",
        f"+caspo.original_model={tiny_qwen / 'original'}",
        "+caspo.zero_outcome=token",
        "+caspo.scope=position",
        environment={"STEPS": json.dumps([{}, {"teacher": "moving", "original_model": None, "mode": "token"}])},
    )


@pytest.fixture(scope="session")
def even(tiny_qwen: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Qwen3-VL, all rows equally long, scored one by one, frozen and moving teacher; one update a step."""
    folder = tmp_path_factory.mktemp("even")
    vr.write_rows(folder / "train.parquet", count=4, even=True)
    return vr.run_verl(
        folder,
        *vr.name_files(folder, tiny_qwen / "qwen3"),
        *vr.list_micro(1),
        "data.train_batch_size=2",
        "data.image_patch_size=16",
        "actor_rollout_ref.actor.ppo_mini_batch_size=2",
        "trainer.total_training_steps=2",
        "trainer.save_freq=-1",
        "+caspo.teacher=frozen_sft",
        "+caspo.chunk_rows=1",
        environment={"ANSWERS": "even", "STEPS": json.dumps([{}, {"teacher": "moving"}])},
    )


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


STEPS = [("padded", 1), ("padded", 2), ("resumed", 3), ("resumed", 4), ("even", 1), ("even", 2)]


@pytest.mark.parametrize(("run", "step"), STEPS, indirect=["run"])
def test_log_probabilities_and_advantages_are_those_of_plain_transformers(
    run: Any, step: int, tiny_qwen: Path, checks: Any
) -> None:
    dump = run.read_dump(step)
    name = "qwen3" if run.folder.name.startswith("even") else "qwen2.5"
    reference = checks.PlainModel.load(tiny_qwen / name)
    policy = checks.PlainModel.load(tiny_qwen / name, run.folder / "dumps" / f"weights-{step - 1}.pt")
    teacher = {"moving": policy, "frozen_sft": reference}.get(dump["options"]["teacher"])
    teacher = teacher or checks.PlainModel.load(tiny_qwen / "original")
    found = checks.compare(dump, run.folder / "train.parquet", policy, reference, teacher)
    assert max(found.old, found.reference, found.guided, found.advantage) <= CLOSE, found
    # The comparison sees a constitution left out and a picture that is black, in every single answer.
    assert min(found.without_constitution, found.without_picture) > 50 * CLOSE, found


def test_the_steps_differ_in_what_they_are_to_prove(padded: Any, resumed: Any, even: Any) -> None:
    dumps = [run.read_dump(step) for run, step in ((padded, 1), (padded, 2), (resumed, 3), (resumed, 4))]
    assert [dump["options"]["teacher"] for dump in dumps] == ["moving", "frozen_sft", "frozen_original", "moving"]
    assert [dump["options"]["teacher_temperature"] for dump in dumps] == [1.0, 0.4, 1.0, 1.0]
    for dump in dumps:
        assert sum(dump["padding"]) == dump["metrics"]["caspo/padding_rows"] == 2
        assert len({len(row) for row in dump["input_ids"]}) > 3
        for at, padded_row in enumerate(dump["padding"]):
            assert not padded_row or not dump["advantages"][at].any()
    for dump in (even.read_dump(1), even.read_dump(2)):
        assert not any(dump["padding"])
        assert len({len(row) for row in dump["input_ids"]}) == 1


def test_a_resumed_run_goes_on_with_weights_and_rows(padded: Any, resumed: Any) -> None:
    import torch

    asked = [{extra["index"] for extra in padded.read_dump(step)["extra_info"]} for step in (1, 2, 3, 4)]
    assert asked == [{0, 1, 2}, {3, 4, 5}, {6, 7, 8}, {9, 10, 11}]
    before, after = (torch.load(padded.folder / "dumps" / f"weights-{step}.pt") for step in (0, 2))
    assert "setting global step to 2" in resumed.log
    assert any(not torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize(("run", "steps"), [("padded", (1, 2)), ("even", (1, 2))], indirect=["run"])
def test_metrics_reach_the_log(run: Any, steps: tuple[int, ...], checks: Any) -> None:
    for step in steps:
        logged = vr.read_metrics(run.log, step)
        dump = run.read_dump(step)
        assert {name: logged[name] for name in dump["metrics"]} == pytest.approx(dump["metrics"], rel=1e-4, abs=1e-6)
        assert set(checks.SIGNAL_METRICS) <= set(logged)
        assert logged["caspo/signal_std"] > 1e-3
        assert logged["timing_s/constitution"] > 0


def test_the_hybrid_advantage_reaches_the_update(even: Any, tiny_qwen: Path, checks: Any) -> None:
    dump = even.read_dump(2)
    weights = even.folder / "dumps" / "weights-1.pt"
    policy, reference = (checks.PlainModel.load(tiny_qwen / "qwen3", one) for one in (weights, None))
    found = vr.read_metrics(even.log, 2)["actor/grad_norm"]
    table = even.folder / "train.parquet"
    assert found == pytest.approx(checks.find_gradient_norm(dump, table, policy, reference), rel=2e-4)
    outcome = dump | {"options": dump["options"] | {"mode": "outcome"}}
    assert found != pytest.approx(checks.find_gradient_norm(outcome, table, policy, reference), rel=1e-3)
