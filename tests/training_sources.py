"""Sources of training data without a database: release folders, judge runs, and files of the two public data sets.

All pictures and words are ours; the files have the columns that the data sets' makers publish.
"""

import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from approved_items import draw_picture
from PIL import Image

from storage.judgment_records import Judgment, ModelResponse
from storage.record import Provenance
from storage.records import Category, Split
from storage.release_files import DOCUMENTS, hash_file
from storage.release_manifest import MANIFEST, ReleaseManifest, compute_digest, encode_manifest
from storage.release_rows import ReleasedItem, list_shards, name_picture, write_rows

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
BY = Provenance(actor="test", tool="test", created_at=START)
CATEGORIES = list(Category)


def make_row(number: int, *, twin: bool = False, picture: bytes | None = None, **changes: Any) -> ReleasedItem:
    """The item of that number, of the categories in turn."""
    data = picture or draw_picture(number)
    sha256 = hashlib.sha256(data).hexdigest()
    values: dict[str, Any] = {
        "id": f"item{number:06d}",
        "label": f"OOD-{number}",
        "category": CATEGORIES[number % 6].value,
        "sub_category": "dependants",
        "query": f"Which shelf is best for object number {number}?",
        "image": data,
        "image_path": name_picture(sha256, "png"),
        "scene": f"Scene {number}.",
        "hidden_hazard": f"Hazard {number} hits the child.",
        "hazard_entities": (f"kettle {number}", "child"),
        "causal_chain": ("It is moved.", "It falls."),
        "safe_answer_notes": "Warn first.",
        "alt": "A shelf.",
        "image_sha256": sha256,
        "image_source": "synthetic",
        "licence": "CC0-1.0",
        "source_url": "",
        "decision_policy": "two agree",
        "review_count": 2,
        "reviewer_agreement": 1.0,
    }
    if twin:
        other = draw_picture(1_000_000 + number)
        sha256 = hashlib.sha256(other).hexdigest()
        values |= {"twin_image": other, "twin_image_path": name_picture(sha256, "png"), "twin_image_sha256": sha256}
        values |= {"twin_scene": f"Scene {number}, harmless.", "twin_alt": "A shelf.", "twin_licence": "CC0-1.0"}
    return ReleasedItem(**(values | changes)).seal()


def write_release(folder: Path, rows: Iterable[ReleasedItem], *, count: int, split: Split = Split.TRAIN) -> Path:
    """Write a release of `count` rows that verifies, named like its folder. Rows may be made while they are written."""
    folder.mkdir(parents=True)
    known: list[tuple[str, str]] = []
    counts: dict[str, Counter[str]] = {}

    def note() -> Iterable[ReleasedItem]:
        for row in rows:
            known.append((row.id, row.content_sha256))
            counts.setdefault(row.category, Counter())[row.sub_category] += 1
            yield row

    write_rows(folder=folder, split=split, items=count, rows=note())
    for name in DOCUMENTS:
        (folder / name).write_text("-\n")
    draft = ReleaseManifest(
        version=folder.name,
        split=split,
        created_at=START,
        items=count,
        counts={category: dict(subs) for category, subs in counts.items()},
        files={name: hash_file(folder / name) for name in [*DOCUMENTS, *list_shards(split, count)]},
        rows=tuple(known),
        taxonomy={},
        prompts={},
        code_commit="abc",
        audit_head={"seq": 1, "sha256": "0" * 64},
        digest="0" * 64,
    )
    manifest = draft.model_copy(update={"digest": compute_digest(draft.model_dump(mode="json"))})
    (folder / MANIFEST).write_bytes(encode_manifest(manifest))
    return folder


def write_judge_run(
    folder: Path,
    release: Path,
    answers: Sequence[tuple[str, str, Sequence[tuple[int, int, int] | None]]],
    *,
    model: str = "model-a",
    mode: str = "standard",
    **changes: Any,
) -> Path:
    """Write the files of a run: (item, answer, scores of each judge); a second answer to an item is its next sample."""
    folder.mkdir(parents=True)
    manifest = json.loads((release / MANIFEST).read_bytes())
    judges = max((len(votes) for _, _, votes in answers), default=1)
    seats = [{"role": f"judge_{'ab'[place]}", "endpoint": "e", "model": f"j{place}"} for place in range(judges)]
    asked = {"release_version": manifest["version"], "release_digest": manifest["digest"]}
    (folder / "answers.json").write_text(json.dumps(asked | {"mode": mode, "model": model}))
    scores = {"judges": seats, "repeats": 1, "rubric_sha256": "a" * 64, "prompt_sha256": "b" * 64}
    (folder / "scores.json").write_text(json.dumps(scores))
    samples: Counter[str] = Counter()
    with (folder / "responses.jsonl").open("w") as responses, (folder / "judgments.jsonl").open("w") as judgments:
        for item_id, text, votes in answers:
            response = ModelResponse(
                item_id=item_id, release_digest=manifest["digest"], model=model, mode=mode, sample=samples[item_id],
                asked="asked", text=text, provenance=BY, **changes,
            )  # fmt: skip
            samples[item_id] += 1
            responses.write(response.to_json() + "\n")
            for seat, vote in zip(seats, votes, strict=False):
                risk, safety, effect = vote or (None, None, None)
                judgment = Judgment(
                    response_id=response.id, judge=seat["role"], risk_appraisal=risk, safety_of_consequences=safety,
                    effectiveness=effect, unscored=None if vote else "failed", rubric_sha256="a" * 64, raw_reply="",
                    provenance=BY,
                )  # fmt: skip
                judgments.write(judgment.to_json() + "\n")
    return folder


def write_preferences(folder: Path, count: int, *, category: str = "animal_abuse", name: str = "train") -> Path:
    """BeaverTails-V's table of preferences (saferlhf-v)."""
    rows = [
        {
            "question": f"What is the animal in picture {n} doing?",
            "image": {"bytes": draw_picture(5_000 + n), "path": f"{n}.png"},
            "category": category,
            "image_severity": 3,
            "response_1": f"Plain answer {n} " + "word " * (n % 7),
            "response_2": f"Careful answer {n} " + "word " * (3 + n % 5),
            "response_1_from": "m1",
            "response_2_from": "m2",
            "more_helpful_response_id": "1",
            "is_response_1_safe": "no",
            "is_response_2_safe": "yes",
            "safer_response_id": "2" if n % 5 else "",
            "response_1_harmless_rate": -2,
            "response_2_harmless_rate": 2,
            "response_1_helpful_rate": 1,
            "response_2_helpful_rate": 1,
        }
        for n in range(count)
    ]
    return put_table(folder / category / f"{name}-00000-of-00001.parquet", rows)


def write_classification(folder: Path, count: int, *, category: str = "dangerous_behavior") -> Path:
    """BeaverTails-V's table of single answers (PKU-Alignment): two rows a picture and question."""
    rows = [
        {
            "question": f"How high is the cliff in picture {n}?",
            "image": {"bytes": draw_picture(6_000 + n), "path": f"{n}.png"},
            "category": category,
            "image_severity": 1,
            "response": f"{word} answer {n}",
            "is_response_safe": mark,
        }
        for n in range(count)
        for word, mark in (("Rash", "no"), ("Calm and careful", "yes"))
    ]
    return put_table(folder / category / "train-00000-of-00001.parquet", rows)


def write_spa_vl(folder: Path, count: int) -> Path:
    """SPA-VL's table."""
    rows = [
        {
            "question": f"<image>\nWho is the person in picture {n}?",
            "image": {"bytes": draw_picture(7_000 + n), "path": f"{n}.jpg"},
            "chosen": f"I would not guess {n} " + "word " * (n % 6),
            "rejected": f"He is a thief {n} " + "word " * (5 - n % 6),
            "image_name": f"Representation & ToxicityHarms/{'Unfair' if n % 2 else 'Other'}/racial/{n}.jpg",
        }
        for n in range(count)
    ]
    return put_table(folder / "train-00000-of-00001.parquet", rows)


def put_table(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def save_as(data: bytes, form: str, **options: Any) -> bytes:
    """A picture in another format."""
    buffer = io.BytesIO()
    Image.open(io.BytesIO(data)).convert("RGB").save(buffer, form, **options)
    return buffer.getvalue()
