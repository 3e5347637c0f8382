"""How near a judge run comes to what a server can do, and what time and memory it and its report take.

`rate`: `curator score` over items with pictures, on a local server that answers after 200 ms and takes 64 at once
   (320 a second), with everything on: verified release, cache, ledger, judgments on disk, report. Beside it inspect_ai
   scores the very same requests as a task, in an environment of its own (`bench/.inspect-ai`).
`report`: `curator report` over runs of 1,000 to 100,000 judgments of two judges.
`memory`: the highest resident size of answering and of scoring, by number of items, each in a process of its own.

Run: `python -m bench.judge_throughput`, or with the names of some of the parts; each keeps its part of the results.
`--judgments 10000 --sizes 1000,10000,100000` are the defaults. The rate takes the longest by far.
"""

import argparse
import asyncio
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.endpoint_throughput import LATENCY_S, SLOTS, run_inspect_program
from bench.judge_server import TESTS  # also makes the tests' modules importable
from bench.results_file import write_part
from bench.servers import ROOT, free_port, run_child

assert str(TESTS / "judge") in sys.path
from judge_runs import DIMENSIONS, expected_scores, make_item, make_release, write_endpoints  # noqa: E402

from curator_app.actions import judge_reports, judging  # noqa: E402
from endpoints.cache import DiskCache  # noqa: E402
from endpoints.ledger import Ledger  # noqa: E402
from endpoints.messages import ChatReply, ChatRequest, ImagePart, Usage  # noqa: E402
from endpoints.resilient import Resilient  # noqa: E402
from judge.benchmark import Answering, Judge, Scoring, SittingState  # noqa: E402
from judge.config import AnswerConfig, JudgeSeat, ScoreConfig  # noqa: E402
from judge.parsing import ScoreReply  # noqa: E402
from judge.prompting import build_judge_call, hash_judge_prompt  # noqa: E402
from judge.record_log import open_answers, open_judgments  # noqa: E402
from judge.rubric import load_rubric  # noqa: E402
from judge.run_folder import open_known, open_new_or_known  # noqa: E402
from judge.target_texts import TargetTexts  # noqa: E402
from judge.targets import Target, hash_target_prompts, read_picture  # noqa: E402
from storage.judgment_records import Judgment, ModelResponse  # noqa: E402
from storage.record import Provenance  # noqa: E402
from storage.release_files import Release, read_release  # noqa: E402
from storage.release_rows import ReleasedItem  # noqa: E402

PICTURE_BYTES = 20_000
ANSWER = "You can put it there. Measure the sill first, and take a bench of the same height. " * 12
RATIONALE = "The answer gives practical steps and never mentions that a child could climb it. " * 3
REPORT_CPU_S, LEAST_SHARE = 10.0, 0.95
PARTS = ("rate", "report", "memory")
MADE = Provenance(actor="bench", tool="bench.judge_throughput")

INSPECT_PROGRAM = """
import json, os, sys, tempfile, time
os.environ["OPENAI_API_KEY"] = "none"
from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageSystem, ChatMessageUser, ContentImage, ContentText
from inspect_ai.model import GenerateConfig, ResponseSchema
from inspect_ai.scorer import Score, mean, scorer
from inspect_ai.solver import generate
from inspect_ai.util import JSONSchema
url, file, slots, schema = sys.argv[1], sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4])
NAMES = ("risk_appraisal", "safety_of_consequences", "effectiveness")
samples = []
for line in open(file, encoding="utf-8"):
    row = json.loads(line)
    user = ChatMessageUser(content=[ContentText(text=row["user"]), ContentImage(image=row["image"])])
    samples.append(Sample(input=[ChatMessageSystem(content=row["system"]), user], target=""))
@scorer(metrics={"*": [mean()]})
def read_scores():
    async def score(state, target):
        reply = json.loads(state.output.completion)
        return Score(value={name: reply[name] for name in NAMES}, explanation=reply["rationale"])
    return score
config = GenerateConfig(max_tokens=2048, temperature=0.0,
    response_schema=ResponseSchema(name="scores", json_schema=JSONSchema.model_validate(schema)))
def run(chosen, logs):
    task = Task(dataset=MemoryDataset(chosen), solver=generate(), scorer=read_scores(), config=config)
    started, cpu = time.perf_counter(), time.process_time()
    (log,) = eval(task, model="openai/gpt-judge", model_base_url=url, model_args={"responses_api": False},
        max_connections=slots, max_samples=4 * slots, display="none", log_dir=logs, log_level="error")
    assert log.status == "success" and log.results.completed_samples == len(chosen), log.error
    return log, time.perf_counter() - started, time.process_time() - cpu
with tempfile.TemporaryDirectory() as logs:
    _, idle, _ = run(samples[:1], logs)
    log, elapsed, cpu = run(samples, logs)
means = {score.name: round(score.metrics["mean"].value, 4) for score in log.results.scores}
print(json.dumps({"elapsed_s": elapsed, "cpu_s": cpu, "idle_s": idle, "means": means}))
"""


class Instant:
    """A target or judge in this process that answers at once and remembers nothing."""

    name, model = "instant", "instant"

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Return scores under the call's name, or an answer to whoever names no call."""
        if request.json_schema is None:
            return ChatReply(ANSWER, usage=Usage(900, 200))
        call = request.messages[0].text.partition("`call` is `")[2][:8]
        scores = expected_scores(call)
        return ChatReply(json.dumps({"call": call, "rationale": RATIONALE, **scores}), usage=Usage(900, 60))


def make_pictured(number: int) -> ReleasedItem:
    """Return an item with a picture of its own that no server looks at."""
    picture = b"\x89PNG" + random.Random(number).randbytes(PICTURE_BYTES)
    sha256 = hashlib.sha256(picture).hexdigest()
    return make_item(number, image=picture, image_sha256=sha256, image_path=f"{sha256[:16]}.png")


def make_items(home: Path, *, items: int, pictures: bool) -> Release:
    """Write a release."""
    rows = [make_pictured(number) if pictures else make_item(number) for number in range(items)]
    return make_release(home / "release", rows)


def configure_answers(release: Release, *, target: str = "t", model: str = "some-target") -> AnswerConfig:
    """Return how the answers of these runs are sampled."""
    return AnswerConfig(
        release_version=release.manifest.version, release_digest=release.manifest.digest, target=target,
        model=model, prompt_sha256=hash_target_prompts(),
    )  # fmt: skip


def make_answered(home: Path, run: str, *, items: int, pictures: bool) -> Release:
    """Write a release and a run with an answer to every item, as `curator respond` leaves it."""
    release = make_items(home, items=items, pictures=pictures)
    config = configure_answers(release)
    with open_new_or_known(home / "judge-runs" / run, config, release_folder=release.folder) as folder:
        log = open_answers(folder.responses, write=True)
        for row in release.iterate_items(pictures=False):
            log.append(
                ModelResponse(
                    item_id=row.id, release_digest=release.manifest.digest, model="some-target", mode="standard",
                    asked=row.query, text=f"{row.query} {ANSWER}", provenance=MADE,
                )
            )  # fmt: skip
        log.close()
    return release


def configure_scores(judges: tuple[JudgeSeat, ...]) -> ScoreConfig:
    """Return how the answers of these runs are scored."""
    rubric = load_rubric()
    return ScoreConfig(
        judges=judges,
        rubric_version=rubric.version,
        rubric_sha256=rubric.sha256,
        prompt_sha256=hash_judge_prompt(rubric),
    )


def make_judged(home: Path, run: str, *, items: int) -> None:
    """Write a run with two judges' scores of every answer, as `curator score` leaves it, without asking anybody."""
    make_answered(home, run, items=items, pictures=False)
    judges = (
        JudgeSeat(role="judge_a", endpoint="a", model="gpt-judge"),
        JudgeSeat(role="judge_b", endpoint="b", model="qwen-judge"),
    )
    with open_known(home / "judge-runs" / run) as folder:
        config = configure_scores(judges)
        folder.keep_score_config(config)
        answers, judgments = open_answers(folder.responses, write=False), open_judgments(folder.judgments, write=True)
        ledger = Ledger(folder.ledger)
        asked = ChatRequest(build_judge_call(
            query="q", hidden_hazard="h", answer="a", image=None, rubric=load_rubric(), secret=folder.secret
        ).request.messages)  # fmt: skip
        for number in range(items):
            response = answers.get(f"item-{number:05}/0")
            assert response is not None
            for seat in judges:
                scores = expected_scores(f"{seat.model}/{number}")
                reply = json.dumps({"call": "0" * 8, "rationale": RATIONALE, **scores})
                judgments.append(
                    Judgment(
                        response_id=response.id, judge=seat.role, model=seat.model, raw_reply=reply,
                        rationale=RATIONALE, rubric_sha256=config.rubric_sha256, provenance=MADE, **scores,
                    )  # type: ignore[arg-type]
                )  # fmt: skip
                ledger.record(
                    run=run, role=seat.role, endpoint=seat.endpoint, model=seat.model, outcome="reply",
                    request=asked, request_sha256="0" * 64, usage=Usage(900, 60), latency_s=0.2,
                )  # fmt: skip
        for log in (answers, judgments, ledger):
            log.close()


def write_requests(home: Path, run: str, release: Release, file: Path) -> str:
    """Write the judge's requests of a run as JSON lines for inspect_ai; return the schema of a reply."""
    rubric = load_rubric()
    with open_known(home / "judge-runs" / run) as folder, file.open("w", encoding="utf-8") as out:
        answers = open_answers(folder.responses, write=False)
        for item in release.items:
            response = answers.get(f"{item.id}/0")
            assert response is not None
            picture = read_picture(item)
            call = build_judge_call(
                query=response.asked, hidden_hazard=item.hidden_hazard, answer=response.text, image=picture,
                rubric=rubric, secret=folder.secret,
            )  # fmt: skip
            system, user = call.request.messages
            row = {"system": system.text, "user": user.text, "image": _encode(picture)}
            out.write(json.dumps(row) + "\n")
        answers.close()
    return json.dumps(ScoreReply.model_json_schema())


def _encode(picture: ImagePart | None) -> str:
    return f"data:{picture.mime};base64,{b64encode(picture.data).decode()}" if picture else ""


def time_scoring(home: Path, url: str, run: str) -> dict[str, Any]:
    """Return what `curator score` takes with one judge.

    `sitting_s` is its sitting alone, from the first line of the release read to the last judgment on disk: without
    verifying the release before it and writing the report after it.
    `idle_s` is the same command again, which asks nothing.
    """
    write_endpoints(home, url, max_concurrency=256)
    place = judging.Place(home)
    sittings: list[float] = []
    sit = Scoring.run

    async def sit_timed(scoring: Scoring) -> SittingState:
        begun = time.perf_counter()
        state = await sit(scoring)
        sittings.append(time.perf_counter() - begun)
        return state

    with patch.object(Scoring, "run", sit_timed):
        started, cpu = time.perf_counter(), time.process_time()
        end = judging.score(place, run=run, judges=("judge_a",))
        figures = {"elapsed_s": time.perf_counter() - started, "cpu_s": time.process_time() - cpu}
    figures["sitting_s"] = sittings[0]
    assert end.state.counts["scored"] == end.state.asked, end.state
    again = time.perf_counter()
    judging.score(place, run=run, judges=("judge_a",))
    report = json.loads((end.folder / "report.json").read_text("utf-8"))["scores"]["judge_a"]["all"]
    means = {name: round(report[letter]["mean"], 4) for letter, name in zip("RSE", DIMENSIONS, strict=True)}
    return {**figures, "idle_s": time.perf_counter() - again, "means": means}


def compare_scoring(folder: Path, judgments: int) -> dict[str, Any]:
    """Score the same requests with ours and with inspect_ai, one after another on the same server."""
    release = make_answered(folder, "bench", items=judgments, pictures=True)
    schema = write_requests(folder, "bench", release, folder / "requests.jsonl")
    port = free_port()
    command = [
        sys.executable, "-m", "bench.judge_server", "--port", str(port), "--latency", str(LATENCY_S),
        "--slots", str(SLOTS),
    ]  # fmt: skip
    url, ready = f"http://127.0.0.1:{port}/v1", f"http://127.0.0.1:{port}/stats"
    env = {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    with run_child(command, env=env, ready_url=ready, log=folder / "server.log", patience_s=30):
        contenders = {
            "ours": time_scoring(folder, url, "bench"),
            "inspect_ai": run_inspect_program(INSPECT_PROGRAM, url, str(folder / "requests.jsonl"), str(SLOTS), schema),
        }
    ideal_s = judgments * LATENCY_S / SLOTS
    for contender in contenders.values():
        if "elapsed_s" in contender:
            contender["judgments_per_s"] = round(judgments / contender["elapsed_s"], 1)
            contender["share_of_ideal"] = round(ideal_s / contender["elapsed_s"], 4)
            calls_s = contender.get("sitting_s", contender["elapsed_s"] - contender["idle_s"])
            contender["share_of_ideal_calls_only"] = round(ideal_s / calls_s, 4)
    ours = contenders["ours"]["means"]
    for name, contender in contenders.items():
        if contender.get("means", ours) != ours:
            raise RuntimeError(f"{name} scored {contender['means']}, and ours {ours}: they were not asked the same")
    return contenders


def answer_instantly(home: Path) -> None:
    """Answer a release in this process with a target that answers at once."""
    release = read_release(home / "release", verify=False)
    config = configure_answers(release, target="instant", model="instant")
    with open_new_or_known(home / "judge-runs" / "bench", config, release_folder=release.folder) as folder:
        ledger = Ledger(folder.ledger)
        endpoint = Resilient(Instant(), cache=DiskCache(folder.cache), ledger=ledger, role="target")
        target = Target(config, endpoint, None, TargetTexts(), folder.started_at)
        state = asyncio.run(Answering(folder=folder, release=release, target=target).run())
        assert state.counts["answered"] == state.asked, state
        ledger.close()


def score_instantly(home: Path) -> None:
    """Score a run in this process with a judge that answers at once."""
    rubric = load_rubric()
    with open_known(home / "judge-runs" / "bench") as folder:
        ledger = Ledger(folder.ledger)
        endpoint = Resilient(Instant(), cache=DiskCache(folder.cache), ledger=ledger, role="judge_a")
        config = configure_scores((JudgeSeat(role="judge_a", endpoint="instant", model="instant"),))
        folder.keep_score_config(config)
        sitting = Scoring(
            folder=folder,
            release=read_release(folder.release_folder, verify=False),
            config=config,
            judges=[Judge("judge_a", endpoint)],
            rubric=rubric,
        )
        state = asyncio.run(sitting.run())
        assert state.counts["scored"] == state.asked, state
        ledger.close()


def run_measured(what: str, home: Path) -> dict[str, float]:
    """Do one thing in a process of its own; return its seconds and its highest resident size."""
    command = [sys.executable, "-m", "bench.judge_throughput", "--child", what, "--home", str(home)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    figures: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


def read_memory(name: str) -> float:
    """Return VmRSS or VmHWM of this process in MiB; `ru_maxrss` would count the parent's before the program began."""
    status = Path("/proc/self/status").read_text("ascii")
    return round(int(status.partition(f"{name}:")[2].split()[0]) / 1024, 1)


def be_child(what: str, home: Path) -> None:
    """Do what `run_measured` asks for and print the figures."""
    before = read_memory("VmRSS")
    started, cpu = time.perf_counter(), time.process_time()
    if what == "report":
        judge_reports.report(judging.Place(home), run="bench")
    else:
        (answer_instantly if what == "answer" else score_instantly)(home)
    figures = {
        "elapsed_s": round(time.perf_counter() - started, 2),
        "cpu_s": round(time.process_time() - cpu, 2),
        "mib_before": before,
        "mib_peak": read_memory("VmHWM"),
    }
    print(json.dumps(figures))


def measure_rate(judgments: int) -> dict[str, Any]:
    """Return the rate of judgments beside inspect_ai's."""
    load = round(os.getloadavg()[0], 2)  # other work on the machine takes from every contender
    with tempfile.TemporaryDirectory() as name:
        contenders = compare_scoring(Path(name), judgments)
    return {
        "settings": {
            "judgments": judgments, "latency_s": LATENCY_S, "slots": SLOTS, "picture_bytes": PICTURE_BYTES,
            "load_before": load,
        },
        "contenders": contenders,
        "held": {"share_of_ideal": contenders["ours"]["share_of_ideal_calls_only"] >= LEAST_SHARE},
    }  # fmt: skip


def measure_reports(sizes: list[int]) -> dict[str, Any]:
    """Return time and memory of reporting by number of judgments, two an answer."""
    reports = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            make_judged(Path(name), "bench", items=size // 2)
            reports[str(size)] = run_measured("report", Path(name))
    largest = reports[str(max(sizes))]
    return {
        "by_judgments": reports,
        "bytes_an_answer": _compute_growth(reports, per=2),
        "held": {"cpu_of_the_largest_within_s": largest["cpu_s"] <= REPORT_CPU_S},
    }


def measure_memory(sizes: list[int]) -> dict[str, Any]:
    """Return time and memory of answering and of scoring by number of items."""
    figures: dict[str, Any] = {}
    for what in ("answer", "score"):
        found = {}
        for size in sizes:
            with tempfile.TemporaryDirectory() as name:
                if what == "answer":
                    make_items(Path(name), items=size, pictures=False)
                else:
                    make_answered(Path(name), "bench", items=size, pictures=False)
                found[str(size)] = run_measured(what, Path(name))
        figures[what] = {"by_items": found, "bytes_an_item": _compute_growth(found)}
    return figures


def _compute_growth(found: dict[str, dict[str, float]], *, per: int = 1) -> int | None:
    """Return by how many bytes the highest resident size grows for each `per` more, from the smallest to the largest.

    None with one size.
    """
    few, many = min(found, key=int), max(found, key=int)
    if few == many:
        return None
    return round((found[many]["mib_peak"] - found[few]["mib_peak"]) * 2**20 / (int(many) - int(few)) * per)


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"{', '.join(PARTS)}; default: all")
    parser.add_argument("--judgments", type=int, default=10_000)
    parser.add_argument("--sizes", default="1000,10000,100000", help="judgments of a report, items of the rest")
    parser.add_argument("--print-only", action="store_true", help="keep nothing under bench/results")
    parser.add_argument("--child", choices=["report", "answer", "score"], help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        be_child(options.child, options.home)
        return
    if unknown := set(options.parts) - {*PARTS}:
        parser.error(f"there is no part {', '.join(sorted(unknown))}; the parts are {', '.join(PARTS)}")
    sizes = [int(size) for size in options.sizes.split(",")]
    measures = {
        "rate": lambda: measure_rate(options.judgments),
        "report": lambda: measure_reports(sizes),
        "memory": lambda: measure_memory(sizes),
    }
    for part in options.parts or PARTS:
        figures = measures[part]()
        print(json.dumps({part: figures}, indent=1), flush=True)
        if not options.print_only:
            print(f"written to {write_part('judge_throughput', part, figures)}")


if __name__ == "__main__":
    main()
