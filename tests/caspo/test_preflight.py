"""Every planted fault is found, named with its value and a remedy; where nothing is wrong, nothing is found."""

import io
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from training_case import BARRED, VERSIONS, change_rows, choose, make_case, sign, write_data
from training_sources import make_row

from caspo.config import make_config
from caspo.dataset.gate import BarredRow
from caspo.launch import plan_launch, write_run
from caspo.preflight import Case, Finding, run_preflight

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("training"))


def look(case: Case) -> list[Finding]:
    return [finding for finding in run_preflight(case) if finding.level != "note"]


def find_one(case: Case, check: str, level: str = "error") -> str:
    """The one thing that is found, in words."""
    (found,) = look(case)
    assert (found.check, found.level) == (check, level), found
    assert found.change
    return found.wrong + " -> " + found.change


GPU = {"model": {"path": "/models/not-here"}, "data": {"prompts_per_step": 8}, "update": {"prompts_per_update": 8}}


@pytest.mark.parametrize("preset", ["tiny-cpu", "qwen3-vl-4b-1xh100", "paper-qwen2.5-vl-7b-16xa100"])
def test_where_nothing_is_wrong_nothing_is_found(preset: str, data: Path, tmp_path: Path) -> None:
    config = choose(data, tmp_path, preset, **({} if preset == "tiny-cpu" else GPU))
    assert look(make_case(config, tmp_path)) == []


def test_what_is_not_checked_is_said(data: Path, tmp_path: Path) -> None:
    notes = {finding.check for finding in run_preflight(make_case(choose(data, tmp_path), tmp_path, barred=()))}
    assert notes == {"model", "reward server", "contamination"}


# --- the config and the machine


def test_a_group_of_one(data: Path, tmp_path: Path) -> None:
    case = make_case(choose(data, tmp_path, data={"answers_per_prompt": 1}, update={"update_rows": 1}), tmp_path)
    assert "answers_per_prompt=1" in find_one(case, "groups")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"data": {"prompts_per_step": 4}, "update": {"prompts_per_update": 3, "update_rows": 1}},
            "does not divide data",
        ),
        (
            {"update": {"update_rows": 3}},
            "update_rows=3 does not divide the 4 answers that a GPU gets -> set it to 2",
        ),
        (
            {"update": {"score_rows": 8}},
            "score_rows=8 does not divide the 4 answers that a GPU gets -> set it to 4",
        ),
    ],
)
def test_batches_that_do_not_divide(given: dict[str, Any], said: str, data: Path, tmp_path: Path) -> None:
    assert said in find_one(make_case(choose(data, tmp_path, **given), tmp_path), "batches")


def test_answers_that_the_gpus_cannot_share(data: Path, tmp_path: Path) -> None:
    config = choose(data, tmp_path, "paper-qwen3-vl-4b-16xa100", data={"prompts_per_step": 5, "answers_per_prompt": 5},
                    update={"prompts_per_update": 5})  # fmt: skip
    assert "25 answers a step" in find_one(make_case(config, tmp_path), "batches")


def test_log_probabilities_in_half_precision(data: Path, tmp_path: Path) -> None:
    half = "actor_rollout_ref.actor.fsdp_config.mixed_precision.param_dtype=bf16"
    assert half in find_one(make_case(choose(data, tmp_path, overrides=[half]), tmp_path), "precision")
    config = choose(data, tmp_path, "qwen3-vl-4b-1xh100", **GPU)
    without = {**VERSIONS, "flash-attn": None}
    assert "flash-attn is not installed" in find_one(make_case(config, tmp_path, versions=without), "precision")


def test_too_few_cpus_for_ray(data: Path, tmp_path: Path) -> None:
    case = make_case(choose(data, tmp_path, machine={"ray_cpus": 7}), tmp_path)
    assert "Ray would have 7 CPUs and verl asks for 8" in find_one(case, "ray CPUs")


def test_fewer_cpus_than_the_config_counts_on(data: Path, tmp_path: Path) -> None:
    config = choose(data, tmp_path, "qwen3-vl-4b-1xh100", **GPU)
    assert "this machine has 6" in find_one(make_case(config, tmp_path, cpus=6), "ray CPUs", "warning")


def test_a_gpu_that_is_too_small(data: Path, tmp_path: Path) -> None:
    given = {**GPU, "update": {"prompts_per_update": 8, "offload": "none"}}
    said = find_one(make_case(choose(data, tmp_path, "qwen3-vl-4b-1xh100", **given), tmp_path), "GPU memory")
    assert "on a GPU of 80 GiB" in said
    assert "update.offload" in said
    config = choose(data, tmp_path, "qwen3-vl-4b-1xh100", **GPU)
    assert "here are 1 of 40 GiB" in find_one(make_case(config, tmp_path, gpus_gib=(40.0,)), "GPU memory")


def test_pixel_values_beyond_the_memory(data: Path, tmp_path: Path) -> None:
    def enlarge(rows: Rows) -> None:
        buffer = io.BytesIO()
        Image.new("RGB", (2800, 2800)).save(buffer, "PNG")
        for row in rows:
            row["images"] = [{"bytes": buffer.getvalue()}]

    large = change_rows(data, tmp_path / "large", enlarge)
    given = {"data": {"answers_per_prompt": 32}, "update": {"score_rows": 8}}
    said = find_one(make_case(choose(large, tmp_path, **given), tmp_path), "memory")
    assert "pixel values 11.0" in said or "pixel values 1" in said


def test_less_memory_than_the_config_counts_on(data: Path, tmp_path: Path) -> None:
    assert "4 GiB" in find_one(make_case(choose(data, tmp_path), tmp_path, memory_gib=4.0), "memory", "warning")


def test_a_disk_that_is_too_small(data: Path, tmp_path: Path) -> None:
    given = {**GPU, "logging": {"save_every": 1, "keep": None}}
    config = choose(data, tmp_path, "qwen3-vl-4b-1xh100", **given)
    said = find_one(make_case(config, tmp_path, free_gib=100), "disk")
    assert "3 checkpoints need about 148 GiB; 100 GiB are free" in said


@pytest.mark.parametrize(
    ("package", "version", "remedy"),
    [
        ("verl", "0.9.0", "verl==0.9.1"),
        ("verl", "0.10.0", "verl==0.9.1"),
        ("transformers", "5.11.0", "transformers<5.11"),
        ("TransferQueue", None, "TransferQueue>=0.1.10"),
        ("torchvision", None, "no picture"),
        ("trl", "1.16.0", "uninstall trl"),
    ],
)
def test_versions_that_do_not_go_together(
    package: str, version: str | None, remedy: str, data: Path, tmp_path: Path
) -> None:
    case = make_case(choose(data, tmp_path), tmp_path, versions={**VERSIONS, package: version})
    assert remedy in find_one(case, "versions")


def test_a_module_that_is_not_there(data: Path, tmp_path: Path) -> None:
    found = frozenset({"generate_rollout", "caspo.verl_plugin.trainer"})
    assert "cpu_platform" in find_one(make_case(choose(data, tmp_path), tmp_path, modules=found), "modules")


# --- the training data


def plant(data: Path, home: Path, change: Callable[[dict[str, Any]], None]) -> Case:
    """The case with its second row changed."""
    return make_case(choose(change_rows(data, home / "planted", lambda rows: change(rows[1])), home), home)


def test_a_picture_without_its_placeholder(data: Path, tmp_path: Path) -> None:
    def change(row: dict[str, Any]) -> None:
        row["prompt"][0]["content"] = row["prompt"][0]["content"].removeprefix("<image>")

    said = find_one(plant(data, tmp_path, change), "placeholders")
    assert "1 row: item000002 has 0 `<image>` and 1 pictures" in said


def test_a_token_of_the_chat_template_in_a_question(data: Path, tmp_path: Path) -> None:
    def change(row: dict[str, Any]) -> None:
        row["prompt"][0]["content"] += "<|image_pad|>"

    assert "item000002 has '<|image_pad|>'" in find_one(plant(data, tmp_path, change), "control tokens")


def test_a_picture_that_cannot_be_opened(data: Path, tmp_path: Path) -> None:
    def change(row: dict[str, Any]) -> None:
        row["images"][0]["bytes"] = b"no picture"

    assert "item000002 cannot be opened" in find_one(plant(data, tmp_path, change), "pictures")


def test_a_row_without_constitution_or_with_a_system_turn(data: Path, tmp_path: Path) -> None:
    def empty(row: dict[str, Any]) -> None:
        row["extra_info"]["constitution"] = " "

    def add(row: dict[str, Any]) -> None:
        row["prompt"].insert(0, {"role": "system", "content": "Be brief."})

    assert "1 row without a constitution" in find_one(plant(data, tmp_path, empty), "constitutions")
    assert "1 row with a system turn" in find_one(plant(data, tmp_path, add), "constitutions")


def test_a_held_out_row(data: Path, tmp_path: Path) -> None:
    def change(row: dict[str, Any]) -> None:
        row["extra_info"]["split"] = "val"

    assert "of the split 'val', item000002" in find_one(plant(data, tmp_path, change), "split")


def test_too_few_twins(data: Path, tmp_path: Path) -> None:
    case = make_case(choose(data, tmp_path, "tiny-cpu-recommended"), tmp_path)
    assert "0% of the rows are harmless twins" in find_one(case, "twins", "warning")


def test_a_source_without_licence(data: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "train.parquet").write_bytes((data / "train.parquet").read_bytes())
    sources = [{"name": "spa-vl", "kind": "spa-vl", "licence": "unknown"}]
    case = make_case(choose(sign(data, tmp_path / "other", sources=sources), tmp_path), tmp_path)
    assert "spa-vl has pictures under 'unknown'" in find_one(case, "licences")


def test_a_licence_without_commercial_use_is_a_note(data: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "train.parquet").write_bytes((data / "train.parquet").read_bytes())
    sources = [{"name": "beavertails-v", "kind": "beavertails-v", "licence": "CC BY-NC 4.0 (the code is Apache-2.0)"}]
    case = make_case(choose(sign(data, tmp_path / "other", sources=sources), tmp_path), tmp_path)
    assert "no commercial use" in next(one.wrong for one in run_preflight(case) if one.check == "licences")


@pytest.mark.parametrize("by", ["id", "picture", "query"])
def test_rows_that_models_are_measured_with(by: str, data: Path, tmp_path: Path) -> None:
    row = make_row(3)
    barred = {
        "id": BarredRow("release v2.0, item OOD-3", "", (), row.id),
        "picture": BarredRow("release v2.0, item OOD-3", "", ((str(row.image_sha256), "0" * 16),)),
        "query": BarredRow("benchmark siuo, row 3", row.query, ()),
    }[by]
    said = find_one(make_case(choose(data, tmp_path), tmp_path, barred=(BARRED, barred)), "contamination")
    assert f" of {barred.where}" in said
    assert "item000003: " in said or by == "query"  # by words, the items of these tests are all alike


def test_a_training_file_that_is_not_the_manifests(data: Path, tmp_path: Path) -> None:
    other = change_rows(data, tmp_path / "other", lambda rows: rows.reverse())
    (other / "manifest.json").write_bytes((data / "manifest.json").read_bytes())
    said = find_one(make_case(choose(other, tmp_path), tmp_path), "training data")
    assert "is not the file that its manifest names" in said


def test_fewer_rows_than_a_step_takes(data: Path, tmp_path: Path) -> None:
    case = make_case(choose(data, tmp_path, data={"prompts_per_step": 16}), tmp_path)
    assert "8 rows are fewer than data.prompts_per_step=16" in find_one(case, "training data")


# --- the reward and the run's folder


def test_a_reward_function_that_is_not_there(data: Path, tmp_path: Path) -> None:
    case = make_case(choose(data, tmp_path, reward={"name": "score"}), tmp_path)
    assert "has no function 'score' -> set reward.name to one of compute_score" in find_one(case, "reward")
    case = make_case(choose(data, tmp_path, reward={"function": str(tmp_path / "none.py")}), tmp_path)
    assert "none.py is no file" in find_one(case, "reward")


@pytest.fixture
def serve() -> Iterator[Callable[[int, Any], str]]:
    """Starts servers that give one answer to `GET /health`."""
    servers: list[HTTPServer] = []

    def start(status: int, told: Any) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status if self.path == "/health" else 404)
                self.end_headers()
                self.wfile.write(json.dumps(told).encode())

            def log_message(self, *_: Any) -> None:
                pass

        servers.append(HTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def with_server(url: str, data: Path, home: Path) -> Case:
    return make_case(choose(data, home, reward={"function": ".", "server": url}), home)


def test_reward_servers_that_look_pass(serve: Any, data: Path, tmp_path: Path) -> None:
    both = "|".join(serve(200, {"sees_pictures": True, "picture_effect": 0.7}) for _ in range(2))
    assert look(with_server(both, data, tmp_path)) == []


def test_a_reward_server_that_does_not_look(serve: Any, data: Path, tmp_path: Path) -> None:
    case = with_server(serve(503, {"sees_pictures": False, "picture_effect": 0.0}), data, tmp_path)
    assert "does not look: another picture changes its reward by 0.0" in find_one(case, "reward server")


def test_a_reward_server_that_does_not_answer(serve: Any, data: Path, tmp_path: Path) -> None:
    for url in ("http://127.0.0.1:9/", serve(200, "well")):
        assert "gives no answer to GET /health" in find_one(with_server(url, data, tmp_path), "reward server")


def test_checkpoints_of_another_run(data: Path, tmp_path: Path) -> None:
    case = make_case(choose(data, tmp_path), tmp_path)
    (case.folder / "checkpoints" / "global_step_5").mkdir(parents=True)
    latest = case.folder / "checkpoints" / "latest_checkpointed_iteration.txt"
    latest.write_text("5")
    assert "the run would go on from them" in find_one(case, "resume")
    write_run(plan_launch(case.config, case.folder))
    assert look(case) == []
    latest.write_text("7")
    assert "names step 7" in find_one(case, "resume")


def test_a_folder_of_another_config(data: Path, tmp_path: Path) -> None:
    case = make_case(choose(data, tmp_path), tmp_path)
    write_run(plan_launch(make_config(case.config.model_dump() | {"changes": {"lam": 0.6}}), case.folder))
    assert "holds a run whose method is" in find_one(case, "resume")
