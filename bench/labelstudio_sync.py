"""Pulling 200 changes out of 10,000 tasks from Label Studio, beside the SDK's export of everything, in one run.

    python -m bench.labelstudio_sync [--tasks 10000] [--changes 200] [--rounds 3] [--texts]

Each round changes so many tasks through the server's API, then pulls them with what `curator labelstudio pull` runs,
then exports the project with the SDK's `exports.as_json`. Both ask the same server; times are wall time. A pull
looks a minute further back than the last change that it knows, so the rounds begin a minute after the import, with one
change pulled. Tasks hold the starter set's pictures in turn, as `curator labelstudio push` sends them; with `--texts`
none, which makes the export as small as it can be.

Held to: with pictures a pull takes at most a tenth of the export's time.
"""

import argparse
import gc
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from bench import label_studio
from bench.big_database import add_pictures, fill
from bench.results_file import write_results
from bench.servers import make_workspace
from curator_app.labelstudio.links import read_links
from curator_app.labelstudio.mapping import write_result
from curator_app.labelstudio.pulling import OVERLAP, pull
from curator_app.labelstudio.pushing import PushRequest, push
from curator_app.labelstudio.server import Server
from storage.accounts import Role, add_user
from storage.external import list_projects
from storage.records import Grounding, Provenance, ReviewAnswers, TaskKind, Verdict


def change(address: str, token: str, tasks: list[int]) -> None:
    """Annotate these tasks, four at a time."""
    headers = {"Authorization": f"Bearer {label_studio.renew_access(address, token)}"}
    result = write_result(ReviewAnswers(verdict=Verdict.APPROVE, seconds=4.0), texts={}, seed="bench")
    with httpx.Client(base_url=address, headers=headers, timeout=300) as client, ThreadPoolExecutor(4) as pool:

        def annotate(task: int) -> None:
            client.post(f"/api/tasks/{task}/annotations/", json={"result": result, "lead_time": 4}).raise_for_status()

        list(pool.map(annotate, tasks))


def timed(act: Callable[[], Any]) -> tuple[float, Any]:
    """Return how long it took, and what came of it."""
    start = time.perf_counter()
    made = act()
    return round(time.perf_counter() - start, 3), made


def measure(folder: Path, *, tasks: int, changes: int, rounds: int, pictures: bool) -> dict[str, Any]:
    """Return the figures of all rounds."""
    label_studio.add_sdk()
    from label_studio_sdk import LabelStudio

    home = folder / "home"
    workspace = make_workspace(home=home)
    provenance = Provenance(actor="bench", tool="bench.labelstudio_sync")
    nothing = Grounding(source="description", licence="Apache-2.0", provenance=provenance)
    fill(db=workspace.db, items=tasks, overlap=2, groundings=add_pictures(workspace) if pictures else [nothing])
    with workspace.db.write() as session:  # so that what is pulled counts
        add_user(session=session, name=label_studio.EMAIL, roles=frozenset({Role.ANNOTATOR}), actor="bench")
        session.commit()
    with label_studio.serve(folder) as address:
        token = label_studio.make_token(address)
        server = Server(address, token)
        push_s, report = timed(lambda: push(workspace, server, PushRequest(kind=TaskKind.SCENARIO_REVIEW)))
        first_s, _ = timed(lambda: pull(workspace, server))
        time.sleep(OVERLAP.total_seconds())
        with workspace.db.read() as session:
            (project,) = list_projects(session=session)
            there = sorted(read_links(session=session, project=project))
        last, *chosen = random.Random(7).sample(there, 1 + changes * rounds)
        change(address, token, [last])
        pull(workspace, server)
        sdk = LabelStudio(base_url=address, api_key=token, timeout=600)
        done = []
        for start in range(0, changes * rounds, changes):
            change(address, token, chosen[start : start + changes])
            pull_s, (pulled,) = timed(lambda: pull(workspace, server))
            export_s, exported = timed(lambda: sdk.projects.exports.as_json(report.project))
            if pulled.revisions != changes or len(exported) != tasks or pulled.uses.keys() != {"counted"}:
                raise RuntimeError(f"{pulled.revisions} revisions of {changes}, {len(exported)} tasks of {tasks}")
            done.append({"pull_s": pull_s, "export_s": export_s, "share": round(pull_s / export_s, 4)})
            print(done[-1], flush=True)
            del exported  # ten thousand tasks, which a pull by the command line has not in its memory
            gc.collect()
    workspace.close()
    return {
        "tasks": tasks,
        "changes": changes,
        "push_s": push_s,
        "first_pull_s": first_s,
        "rounds": done,
        "median_share": statistics.median(each["share"] for each in done),
    }


def main() -> None:
    """Measure, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--changes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--texts", action="store_true", help="no pictures")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="labelstudio-sync-") as folder:
        figures = measure(
            Path(folder), tasks=wanted.tasks, changes=wanted.changes, rounds=wanted.rounds, pictures=not wanted.texts
        )
    print(write_results("labelstudio_sync_texts" if wanted.texts else "labelstudio_sync", figures))


if __name__ == "__main__":
    main()
