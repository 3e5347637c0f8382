"""A manifest is read in pieces when it is in order, and whole when it is not; both say the same."""

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import release_manifest
from storage.release_manifest import (
    MANIFEST,
    ReleaseManifest,
    compute_digest,
    encode_manifest,
    iterate_row_hashes,
    read_manifest,
)

IDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


def list_rows(ids) -> list[tuple[str, str]]:
    return [(item_id, hashlib.sha256(item_id.encode()).hexdigest()) for item_id in ids]


def write_manifest(folder: Path, rows, **more) -> ReleaseManifest:
    content = {
        "version": "v1.0", "split": "benchmark", "notes": 'It says "rows":[["a", twice.', "items": len(rows),
        "created_at": "2026-01-01T00:00:00Z", "counts": {}, "files": {}, "rows": rows, "prompts": {},
        "taxonomy": {"rows": [[1, 2]], "digest": "none"}, "code_commit": "abc", "audit_head": {}, "digest": "0" * 64,
    } | more  # fmt: skip
    draft = ReleaseManifest.model_validate(content)
    manifest = draft.model_copy(update={"digest": compute_digest(draft.model_dump(mode="json"))})
    (folder / MANIFEST).write_bytes(encode_manifest(manifest))
    return manifest


@pytest.fixture
def no_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading the manifest whole fails."""

    def refuse(path: Path):
        raise AssertionError("the manifest was read whole")

    monkeypatch.setattr(release_manifest, "_read_whole", refuse)


@pytest.mark.parametrize("count", [0, 1, 2, 9_000])
@pytest.mark.parametrize("piece", [4096, 1 << 18])
def test_a_manifest_in_order_is_read_in_pieces(
    tmp_path: Path, no_whole: None, monkeypatch: pytest.MonkeyPatch, count: int, piece: int
) -> None:
    monkeypatch.setattr(release_manifest, "_PIECE_BYTES", piece)
    rows = list_rows(f"scenario-ü-]],{number}" for number in range(count))
    manifest = write_manifest(tmp_path, rows)
    read, problems = read_manifest(tmp_path)
    assert problems == [] and read is not None
    assert (read.rows, read.repeated) == (count, ())
    assert read.facts.model_dump() == {k: v for k, v in manifest.model_dump().items() if k != "rows"}
    assert list(iterate_row_hashes(tmp_path)) == rows


@settings(max_examples=150, deadline=None)
@given(ids=st.lists(IDS, max_size=8), odd=st.booleans())
def test_whatever_the_ids_are_the_rows_come_back(tmp_path_factory: pytest.TempPathFactory, ids, odd: bool) -> None:
    folder = tmp_path_factory.mktemp("odd")
    rows = list_rows([*ids, 'a "quoted" \\ one\n'] if odd else ids)
    write_manifest(folder, rows)
    read, problems = read_manifest(folder)
    assert problems == [] and read is not None and read.rows == len(rows)
    assert sorted(read.repeated) == sorted({name for name, _ in rows if [n for n, _ in rows].count(name) > 1})
    assert list(iterate_row_hashes(folder)) == rows


HASHES = [content for _, content in list_rows("xyz")]
CHANGES = {
    "another hash in a row": lambda text: text.replace(HASHES[1], HASHES[2]),
    "another number": lambda text: text.replace('"items":3', '"items":4'),
    "another digest": lambda text: text.replace('"digest":"', '"digest":"0', 1),
    "a space between rows": lambda text: text.replace('"],["', '"], ["', 1),
    "no end of line": str.rstrip,
    "half of it": lambda text: text[: len(text) // 2],
    "rows dropped": lambda text: json.dumps({k: v for k, v in json.loads(text).items() if k != "rows"}),
    "rows of three": lambda text: text.replace('"],["', '","x"],["', 1),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_manifest_that_was_edited_is_told_of_as_a_whole(tmp_path: Path, change: str) -> None:
    write_manifest(tmp_path, list_rows("xyz"))
    text = (tmp_path / MANIFEST).read_text(encoding="utf-8")
    changed = CHANGES[change](text)
    assert changed != text
    (tmp_path / MANIFEST).write_text(changed, encoding="utf-8")
    read, problems = read_manifest(tmp_path)
    assert problems and all(problem.startswith(f"{MANIFEST}: ") for problem in problems)
    assert read is None or read.rows == 3
