"""Our reward managers on rows of verl's own data set: what a reward function gets, and what is kept of its failures.

Run by `make test-verl`. `test_verl_launch.py` lets a whole run of verl be rewarded by a server.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import verl_runs as vr

from caspo.errors import AnswerRefused, RewardUnavailable

pytestmark = [pytest.mark.verl, pytest.mark.timeout(600)]
ANSWER = "no: it may burn you."


@pytest.fixture(scope="module")
def rows(tiny_qwen: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], Any]:
    """The rows of a training file, and verl's data set of them."""
    from hydra import compose, initialize_config_module
    from verl.utils import hf_processor, hf_tokenizer
    from verl.utils.dataset.rl_dataset import RLHFDataset

    table, model = tmp_path_factory.mktemp("rewards") / "train.parquet", str(tiny_qwen / "qwen3")
    written = vr.write_rows(table, count=4)
    with initialize_config_module("verl.trainer.config", version_base=None):
        config = compose("ppo_trainer", overrides=[f"data.train_files={table}"])
    data = RLHFDataset(
        data_files=str(table), tokenizer=hf_tokenizer(model), processor=hf_processor(model), config=config.data
    )
    return written, data


def reward(data: Any, at: int, compute_score: Callable[..., Any], *, twin: bool = False) -> tuple[Any, Any]:
    """Return the manager and what it makes of an answer, a trajectory put together as verl's agent loop does."""
    import numpy as np
    import torch
    from tensordict import TensorDict
    from verl import DataProto

    from caspo.verl_plugin.rewards import PictureRewardManager

    row = dict(data[at])
    row["extra_info"] = {**row["extra_info"], "twin": twin}
    ids = torch.tensor([[*data.tokenizer.encode(ANSWER), data.tokenizer.eos_token_id]])
    fields = {name: np.array([value] * 1) for name, value in row.items() if not isinstance(value, torch.Tensor)}
    fields |= {"__num_turns__": np.array([2]), "tool_extra_fields": np.array([{}], dtype=object)}
    batch = TensorDict({"responses": ids, "attention_mask": torch.ones_like(ids)}, batch_size=1)
    manager = PictureRewardManager(None, data.tokenizer, compute_score)
    trajectory = DataProto(batch=batch, non_tensor_batch=fields)
    return manager, lambda: manager.loop.run_until_complete(manager.run_single(trajectory))


@pytest.mark.parametrize("at", range(4))
def test_a_reward_function_gets_the_words_and_all_pictures_of_the_training_file(rows: Any, at: int) -> None:
    written, data = rows
    got: dict[str, Any] = {}

    async def compute_score(**told: Any) -> dict[str, float]:
        got.update(told)
        return {"score": 4.5}

    _, rate = reward(data, at, compute_score, twin=at == 2)
    assert rate() == {"reward_score": 4.5, "reward_extra_info": {"score": 4.5, "twin": float(at == 2)}}
    pictures = [one["bytes"] for one in written[at]["images"]]
    assert got["extra_info"]["pictures"] == pictures and len(pictures) == (2 if at == 3 else 1)
    assert got["extra_info"]["query"] == written[at]["prompt"][0]["content"]
    assert got["solution_str"] == ANSWER


@pytest.mark.parametrize(("error", "ends_run"), [(RewardUnavailable("gone"), True), (AnswerRefused("long"), False)])
def test_why_an_answer_got_no_reward_is_kept_until_it_is_taken(rows: Any, error: Exception, ends_run: bool) -> None:
    from caspo.verl_plugin.rewards import take_unrewarded

    async def compute_score(**_: Any) -> float:
        raise error

    manager, rate = reward(rows[1], 0, compute_score)
    with pytest.raises(type(error)):
        rate()
    worker = SimpleNamespace(reward_manager=manager)
    (kept,) = take_unrewarded(worker)
    assert kept.ends_run is ends_run and str(error) in kept.why
    assert take_unrewarded(worker) == []
    assert take_unrewarded(SimpleNamespace(reward_manager=object())) == []
