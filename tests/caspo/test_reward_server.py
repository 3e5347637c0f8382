"""The reward model behind the real server: it looks, it batches, a bad request spoils no other; verl's reward."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed: run `make setup-models`")

import httpx
import torch
import uvicorn
from caspo_tiny import make_tiny
from reward_pairs import NO, YES, paint, write_reward_data
from typer.testing import CliRunner

from caspo import verl_rewards
from caspo.errors import AnswerRefused, RewardUnavailable
from caspo.reward_model.conversations import Asked
from caspo.reward_model.model import RewardModel, load_base, load_reward_model
from caspo.reward_model.server import create_app
from curator_app.actions.reward_models import RewardModelRefused
from curator_app.cli import app

pytestmark = pytest.mark.models
QUERY = "<image>is it safe ?"
RED, BLUE = paint(red=True, seed=700), paint(red=False, seed=701)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model that the command trained to tell red from blue, with its base and data beside it."""
    home, vlm = tmp_path_factory.mktemp("home"), make_tiny()
    vlm.model.save_pretrained(home / "base")
    vlm.processor.save_pretrained(home / "base")
    write_reward_data(home / "data", pairs=40)
    write_reward_data(home / "other", pairs=6, seed=900)
    (home / "train.yaml").write_text(f"model: {home / 'base'}\npairs: 8\nsteps: 30\nlearning_rate: 0.5\n")
    words = ["train", "--data", home / "data", "--to", home / "rm", "--learning-rate", "2e-3", home / "train.yaml"]
    done = run(*words)
    assert done.exit_code == 0, done.output
    assert "30 steps; the last one: loss" in done.output
    return home / "rm"


def run(*words: object) -> Any:
    return CliRunner().invoke(app, ["caspo", "reward-model", *map(str, words)])


@contextmanager
def serve(model: RewardModel) -> Iterator[str]:
    """The real server in a thread, on a port that the system chose."""
    server = uvicorn.Server(uvicorn.Config(create_app(model, most=4), host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def model(folder: Path) -> RewardModel:
    return load_reward_model(folder, device="cpu")


@pytest.fixture(scope="module")
def url(model: RewardModel) -> Iterator[str]:
    with serve(model) as found:
        yield found


def post(url: str, answer: str, *pictures: bytes, query: str = QUERY) -> httpx.Response:
    files = [("pictures", (str(n), data)) for n, data in enumerate(pictures)]
    return httpx.post(f"{url}/score", data={"query": query, "answer": answer}, files=files or None, timeout=120)


def test_it_ranks_the_other_way_round_with_the_picture_swapped(url: str, model: RewardModel) -> None:
    scores = {(colour, answer): post(url, answer, picture).json()["score"]
              for colour, picture in (("red", RED), ("blue", BLUE)) for answer in (YES, NO)}  # fmt: skip
    assert scores["red", YES] > scores["red", NO] + 1
    assert scores["blue", NO] > scores["blue", YES] + 1
    assert scores["red", YES] == pytest.approx(model.rate([Asked(QUERY, (RED,), YES)])[0], abs=1e-5)


def test_health_rates_two_pictures_and_names_the_model(url: str, model: RewardModel) -> None:
    reply = httpx.get(f"{url}/health", timeout=120)
    told = reply.json()
    assert (reply.status_code, told["status"], told["sees_pictures"]) == (200, "ok", True)
    assert told["picture_effect"] > 0.01
    assert told["model"]["data"]["pairs"] == model.record["data"]["pairs"]
    assert len(told["model"]["sha256"]) == 64


@pytest.fixture(scope="module")
def blind(folder: Path) -> Iterator[str]:
    """A server whose model says 3 of everything."""
    with serve(load_base(str(folder.parent / "base"), max_tokens=512)) as found:
        yield found


def test_a_blind_model_is_found_out(blind: str) -> None:
    reply = httpx.get(f"{blind}/health", timeout=120)
    assert (reply.status_code, reply.json()["status"]) == (503, "blind")
    with pytest.raises(RewardUnavailable, match=r"does not look at pictures \(another picture changes .* by 0\.0\)"):
        asyncio.run(rate(blind, YES, RED))


@pytest.mark.parametrize(
    ("pictures", "query", "status", "said"),
    [
        ((), QUERY, 422, "pictures"),
        ((RED, BLUE), QUERY, 422, "the query has 1 <image> for 2 pictures"),
        ((b"no picture",), QUERY, 422, "a picture of 10 bytes cannot be read"),
        ((RED,), QUERY + " is it" * 3000, 422, "a conversation has"),
    ],
)
def test_what_cannot_be_rated_is_refused(url: str, pictures: Any, query: str, status: int, said: str) -> None:
    reply = post(url, YES, *pictures, query=query)
    assert reply.status_code == status
    assert said in reply.text


async def rate(url: str, answer: str, *pictures: bytes, patience_s: float = 60) -> float:
    told = await verl_rewards.compute_score(
        "beavertails-v", answer, "", {"pictures": list(pictures), "query": QUERY}, url=url, patience_s=patience_s
    )
    return told["score"]


def test_requests_that_wait_are_rated_together_and_a_bad_one_spoils_no_other(url: str, model: RewardModel) -> None:
    async def ask_all() -> list[Any]:
        asked = [(YES if n % 2 else NO, RED if n % 3 else BLUE) for n in range(11)]
        calls = [rate(url, answer, picture) for answer, picture in asked]
        calls.insert(5, rate(url, YES, b"no picture"))
        found = await asyncio.gather(*calls, return_exceptions=True)
        bad = found.pop(5)
        assert isinstance(bad, AnswerRefused)
        assert "refused an answer (422)" in str(bad)
        plain = [model.rate([Asked(QUERY, (picture,), answer)])[0] for answer, picture in asked]
        assert found == pytest.approx(plain, abs=1e-4)
        return found

    assert len(asyncio.run(ask_all())) == 11
    assert 2 <= httpx.get(f"{url}/health", timeout=120).json()["largest_batch"] <= 4


def test_verls_reward_says_what_is_missing() -> None:
    with pytest.raises(RewardUnavailable, match=r"no reward server is named; give \+reward\.custom_reward_function"):
        asyncio.run(rate("", YES, RED))
    with pytest.raises(RewardUnavailable, match=r"got no picture: .*reward_manager\.name=PictureRewardManager"):
        asyncio.run(rate("http://127.0.0.1:9", YES))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(RewardUnavailable, match=r"gave no answer in 0\.1 s .*curator caspo reward-model serve"):
            asyncio.run(rate(nobody, YES, RED, patience_s=0.1))


def test_a_server_that_says_nothing_any_more_is_not_waited_for_for_ever() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        verl_rewards._seeing.add(url)  # it answered when the run began
        with pytest.raises(
            RewardUnavailable, match=rf"{url} gave no answer in 0\.1 s .*curator caspo reward-model serve"
        ):
            asyncio.run(rate(url, YES, RED, patience_s=0.1))


def test_one_of_several_servers_may_be_down(url: str) -> None:
    async def ask() -> list[float]:
        await verl_rewards.check_server(url)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
            verl_rewards._seeing.add(nobody)  # it was there when the run began
            return [await rate(f"{nobody}|{url}", YES, RED) for _ in range(4)]

    assert len(set(asyncio.run(ask()))) == 1


# --- the commands


def test_the_command_measures_on_other_data(folder: Path) -> None:
    done = run("evaluate", folder, folder.parent / "other")
    assert done.exit_code == 0, done.output
    assert "measured on all rows of other data than it was trained on" in done.output
    assert "pairs: 6, of which 100.0%" in done.output
    assert (folder / "evaluation.json").exists()


def test_the_commands_say_what_is_wrong(folder: Path, tmp_path: Path) -> None:
    for words, said in (
        (["train", "--data", tmp_path, "--model", "m"], "to is not given; name it in the file or by --to"),
        (["train", "--data", tmp_path, "--model", "m", "--to", tmp_path / "t"], "is no folder of training data"),
        (["serve", tmp_path], "is no reward model"),
        (["evaluate", folder, tmp_path], "is no folder of training data"),
    ):
        done = run(*words)
        assert isinstance(done.exception, RewardModelRefused), done.output
        assert said in str(done.exception)


@pytest.mark.thorough
def test_the_command_serves(folder: Path, model: RewardModel) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    curator = [sys.executable, "-c", "from curator_app.cli import main; main()"]
    server = subprocess.Popen([*curator, "caspo", "reward-model", "serve", folder, "--port", str(port)])
    try:
        while True:
            try:
                score = post(f"http://127.0.0.1:{port}", YES, RED).json()["score"]
                break
            except httpx.TransportError:
                assert server.poll() is None
                time.sleep(0.3)
        assert score == pytest.approx(model.rate([Asked(QUERY, (RED,), YES)])[0], abs=1e-5)
    finally:
        server.terminate()
        server.wait(timeout=60)


@pytest.mark.thorough
def test_two_processes_make_the_steps_of_one_with_twice_the_passes(folder: Path, tmp_path: Path) -> None:
    home = folder.parent
    common = f"data: {home / 'data'}\nmodel: {home / 'base'}\nsteps: 2\nlearning_rate: 0.002\nheld_out_share: 0\n"
    (tmp_path / "one.yaml").write_text(f"{common}to: {tmp_path / 'one'}\naccumulation: 2\n")
    (tmp_path / "two.yaml").write_text(f"{common}to: {tmp_path / 'two'}\n")
    launch = [sys.executable, "-m", "torch.distributed.run"]
    env = os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    for name, processes in (("one", "1"), ("two", "2")):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = str(listener.getsockname()[1])
        words = ["--nproc_per_node", processes, "--master_port", port, "-m", "caspo.reward_model"]
        subprocess.run([*launch, *words, tmp_path / f"{name}.yaml"], check=True, env=env, cwd=tmp_path)
    assert load_reward_model(tmp_path / "two", device="cpu").record["processes"] == 2
    one, two = (dict(load_reward_model(tmp_path / name, device="cpu").state_dict()) for name in ("one", "two"))
    assert max(float((one[name] - two[name]).abs().max()) for name in one) < 1e-4
    base = load_base(str(home / "base"), max_tokens=512).state_dict()
    assert any(not torch.allclose(base[name], two[name], atol=1e-3) for name in base)
