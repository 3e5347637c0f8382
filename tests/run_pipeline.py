"""A run in a workspace of its own, also as a process to be killed: `python run_pipeline.py HOME URL [CONFIG]`."""

import asyncio
import json
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from factories import make_answers

from endpoints.config import Endpoint, build_endpoints, read_endpoints
from endpoints.ledger import Budget, Ledger
from pipeline.config import PipelineConfig, load_config
from pipeline.few_shot_library import FewShotLibrary, load_few_shot
from pipeline.run_folder import open_run_folder
from pipeline.run_parts import RunParts
from pipeline.run_report import RunReport, make_report, write_report
from pipeline.runner import Observer, Runner, RunState
from pipeline.taxonomy import load_taxonomy
from storage.accounts import Role, add_user
from storage.audit import verify_chain
from storage.blobs import BlobStore
from storage.db import Database, open_database
from storage.items import get_history, list_items
from storage.records import Record, TaskKind
from storage.reviews import claim_next, submit_review
from storage.schema import migrate


@cache
def load_library() -> FewShotLibrary:
    return load_few_shot(load_taxonomy())


CHAT_ROLES = ("critic", "rewriter", "validator", "text_only_probe", "target")


def make_config(**changes: Any) -> PipelineConfig:
    values: dict[str, Any] = {
        "batch": "trial",
        "seed": 21,
        "quotas": {"dependants": 8, "property": 8},
        "grounding": {"pictures": "synthetic", "licence": "CC0-1.0"},
    }
    return PipelineConfig.model_validate(values | changes)


def endpoints_file(url: str = "http://127.0.0.1:9/v1", **entry: Any) -> dict[str, Any]:
    near = {"kind": "openai", "base_url": url, "model": "m", "max_concurrency": 16, "timeout_s": 10} | entry
    return {
        "endpoints": {
            "near": near,
            "pictures": {"kind": "scripted_images", "side_px": 64},
            "vectors": {"kind": "hash_embeddings"},
        },
        "roles": {
            "generator": [{"endpoint": "near"}],
            "image": "pictures",
            "embedding": "vectors",
            **dict.fromkeys(CHAT_ROLES, "near"),
        },
    }


def run_once(
    home: Path,
    *,
    url: str = "http://127.0.0.1:9/v1",
    given: Mapping[str, Endpoint] | None = None,
    config: PipelineConfig | None = None,
    budget: Budget | None = None,
    observer: Observer | None = None,
    entry: dict[str, Any] | None = None,
    prepare: Any = None,
    **more: Any,
) -> tuple[RunState, RunReport]:
    """Run or resume; `prepare(runner)` may change the runner before it starts, `more` are further parts of the run."""
    config = config or make_config()
    db = open_database(f"sqlite:///{home / 'curator.db'}")
    migrate(db=db)
    taxonomy = load_taxonomy()
    try:
        with open_run_folder(home / "runs" / config.batch, config) as folder:
            ledger = Ledger(folder.ledger)
            roles = build_endpoints(
                read_endpoints(endpoints_file(url, **(entry or {}))),
                cache_dir=folder.cache,
                ledger=ledger,
                budget=budget,
                run=config.batch,
                given=given,
            )
            parts = RunParts(
                config=config,
                taxonomy=taxonomy,
                library=load_library(),
                roles=roles,
                db=db,
                blobs=BlobStore(home / "blobs"),
                folder=folder,
                dedup_folder=home / "dedup",
                **more,
            )

            async def run() -> RunState:
                runner = Runner(parts, observer=observer)
                if prepare:
                    prepare(runner)
                try:
                    return await runner.run()
                finally:
                    await roles.aclose()

            state = asyncio.run(run())
            report = make_report(
                folder=folder, config=config, taxonomy=taxonomy, db=db, ledger=ledger, stopped=state.stopped
            )
            write_report(report, folder.path)
            ledger.close()
            return state, report
    finally:
        db.close()


def open_home(home: Path) -> Database:
    return open_database(f"sqlite:///{home / 'curator.db'}")


def approve(home: Path, count: int) -> list[int]:
    """Two people approve `count` scenarios; return the people."""
    db = open_home(home)
    people = []
    with db.write() as session:
        for name in ("ann", "ben"):
            person = add_user(session=session, name=name, roles=frozenset({Role.ANNOTATOR}), actor="tests")
            people.append(person.id)
            for claim in claim_next(session=session, user_id=person.id, kind=TaskKind.SCENARIO_REVIEW, count=count):
                submit_review(
                    session=session, user_id=person.id, claim_id=claim.claim_id, answers=make_answers(),
                    idempotency_key=claim.claim_id,
                )  # fmt: skip
        session.commit()
    db.close()
    return people


def histories(home: Path) -> dict[str, tuple[str, list[Record]]]:
    db = open_home(home)
    with db.read() as session:
        found = {
            item.id: (item.stage, get_history(session=session, item_id=item.id))
            for item in list_items(session=session, limit=1_000)
        }
        verify_chain(session=session)
    db.close()
    return found


def content(home: Path) -> dict[str, Any]:
    """Everything that a run made, without times and without the order in which items were done."""

    def plain(record: Record) -> Any:
        body = record.model_dump(mode="json")
        body["provenance"].pop("created_at")
        return body

    return {
        item_id: (stage, sorted((json.dumps(plain(record), sort_keys=True), record.id) for record in records))
        for item_id, (stage, records) in histories(home).items()
    }


if __name__ == "__main__":
    given_config = load_config(Path(sys.argv[3])) if len(sys.argv) > 3 else None
    run_once(Path(sys.argv[1]), url=sys.argv[2], config=given_config)
