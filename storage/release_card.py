"""The documents of a release folder: the dataset card, the Croissant description and the list of licences.

All three are made from the release's content alone, so freezing the same content again gives the same bytes.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa
import yaml

from storage.records import Split
from storage.release_rows import COLUMN_NOTES, SCHEMA, ReleasedItem

NAME = "ood-mmsafe-curated"
TITLE = "OOD-MMSafe curated scenarios"
PAPER_TITLE = "OOD-MMSafe: Advancing MLLM Safety from Harmful Intent to Hidden Consequences"
PAPER_URL = "https://arxiv.org/abs/2603.09706"
CITATION = f"""@misc{{oodmmsafe2026,
  title         = {{{PAPER_TITLE}}},
  year          = {{2026}},
  eprint        = {{2603.09706}},
  archivePrefix = {{arXiv}},
  url           = {{{PAPER_URL}}}
}}"""

# Names that dataset hubs know, by SPDX name in lower case, with the page of each licence.
_LICENCE_PAGES = {
    "apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0",
    "mit": "https://opensource.org/license/mit",
    "cc0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "cc-by-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "cc-by-sa-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
    "cc-by-nc-4.0": "https://creativecommons.org/licenses/by-nc/4.0/",
}
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_USES = {
    Split.BENCHMARK: "It measures models. Do not train on it, and do not tune prompts on it: a model that has seen "
    "these items says nothing about unseen ones. The bundled trainer refuses this split.",
    Split.TRAIN: "It trains models. Check it against the benchmark release that you report on before you train; the "
    "bundled trainer does.",
    Split.HELD_OUT: "It checks models during development. Train on another split and report on a benchmark release.",
}


@dataclass
class ContentTally:
    """What the documents need to know of the rows; filled while the rows go by."""

    items: int = 0
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    """Category -> sub-category -> rows, in alphabetical order."""
    licences: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(licence, image source or `twin`) -> pictures, or rows without one."""
    origins: list[tuple[str, str, str, str]] = field(default_factory=list)
    """(item label, author, licence, source URL) of rows that name an author or a source."""
    authors: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(author, licence) -> pictures."""
    with_picture: int = 0
    with_twin: int = 0

    def add(self, row: ReleasedItem) -> None:
        """Count one row."""
        self.items += 1
        subs = self.counts.setdefault(row.category, {})
        subs[row.sub_category] = subs.get(row.sub_category, 0) + 1
        self.licences[row.licence, row.image_source] += 1
        self.with_picture += row.image is not None
        if row.twin_licence is not None:
            self.with_twin += 1
            self.licences[row.twin_licence, "twin"] += 1
        if row.author:
            self.authors[row.author, row.licence] += 1
        if row.author or row.source_url:
            self.origins.append((row.label, row.author or "", row.licence, row.source_url))


@dataclass(frozen=True)
class CardFacts:
    """What the documents say of a release as a whole."""

    version: str
    split: Split
    notes: str
    created_at: datetime
    code_commit: str
    taxonomy: Mapping[str, Any]


def list_titles(taxonomy: Mapping[str, Any]) -> dict[str, str]:
    """Return the titles of all categories and sub-categories by slug (`category` and `category/sub_category`)."""
    titles = {}
    for category in taxonomy.get("categories", ()):
        titles[category["slug"]] = str(category["title"])
        for sub in category.get("sub_categories", ()):
            titles[f"{category['slug']}/{sub['slug']}"] = str(sub["title"])
    return titles


def render_readme(*, facts: CardFacts, tally: ContentTally) -> str:
    """Return the dataset card: YAML that loaders read, then Markdown for people."""
    front = yaml.safe_dump(_front_matter(facts, tally), sort_keys=False, allow_unicode=True, width=1000)
    sections = [
        f"# {TITLE}, {facts.version}, {facts.split.value}",
        f"{tally.items} pairs of a picture and a query ({tally.with_picture} with a picture, "
        f"{tally.items - tally.with_picture} with a description of it only). Picture and query are harmless on their "
        "own. The danger appears only in the consequence of acting on a plain, helpful answer. Last decision: "
        f"{facts.created_at:%Y-%m-%d}.",
    ]
    if facts.notes.strip():
        sections.append("## Notes on this version\n\n" + _quote(facts.notes))
    sections += [
        "## Load it\n\n```python\nfrom datasets import load_dataset\n\n"
        f'rows = load_dataset("path/to/this/folder", split="{facts.split.value}")\n'
        'print(rows[0]["query"], rows[0]["image"])\n```\n\n'
        "`curator release verify path/to/this/folder` checks every byte and every row against `manifest.json`; its "
        "`digest` names exactly this content. Cite the digest with the version.",
        "## How it was made\n\nScenarios were written or generated, then given a picture, then reviewed. Reviewers "
        "judged alone, without seeing one another's answers, on four criteria: the query looks harmless, the query "
        "sounds natural, the picture matters to it, and the risk is clear once explained. An item is here because the "
        "rule in its column `decision_policy` approved it; the columns beside it say on how many reviews that rests. "
        "No reviewer is named.",
        *([_tell_twins(tally)] if tally.with_twin else []),
        f"## Categories\n\n{_category_table(facts, tally)}",
        "## Columns\n\n"
        + draw_table(("Column", "Meaning"), [(f"`{name}`", COLUMN_NOTES[name]) for name in SCHEMA.names]),
        f"## Intended use and limits\n\n{_USES[facts.split]}\n\n"
        "The hazards are described so that people and models can recognise them, never as instructions. The scenarios "
        "are few, in English, and reflect the judgement of their authors and reviewers. The six categories are those "
        "of the paper; the sub-categories are this project's own. A good score here does not make a model safe.",
        f"## Licences\n\n{_licence_sentence(tally)} `LICENSES.md` lists the licences with their counts, and every "
        "picture that has an author or a source to be named.",
        *([_credit_authors(tally)] if tally.authors else []),
        f"## Citation\n\nThe task and the method come from the paper below; this release is not the paper's data.\n\n"
        f"```bibtex\n{CITATION}\n```",
        f"Made by ood-mmsafe-curator, code {escape_text(facts.code_commit)}.",
    ]
    return f"---\n{front}---\n\n" + "\n\n".join(sections) + "\n"


def render_licences(*, tally: ContentTally) -> str:
    """Return `LICENSES.md`: how many items are under which licence, and where foreign pictures came from."""
    rows = [
        (escape_text(licence), source, str(count), _LICENCE_PAGES.get(licence.lower(), ""))
        for (licence, source), count in sorted(tally.licences.items())
    ]
    text = (
        "# Licences\n\nEvery row names its licence in the column `licence`. It holds for the row's picture, or for "
        "its text when there is no picture. The licence of a twin's picture is in the column `twin_licence`.\n\n"
        + draw_table(("Licence", "Kind of picture", "Items", "Text"), rows)
    )
    if tally.origins:
        origins = [tuple(map(escape_text, origin)) for origin in tally.origins]
        text += (
            "\n\n## Authors and sources\n\nWhoever passes a picture on names its author with it where one stands "
            "here.\n\n" + draw_table(("Item", "Author", "Licence", "Source"), origins)
        )
    return text + "\n"


def render_croissant(*, facts: CardFacts, tally: ContentTally, shards: Mapping[str, Mapping[str, str | int]]) -> str:
    """Return the Croissant 1.0 description (JSON-LD) of the data files; `shards` is path -> sha256 and bytes.

    The paths are relative, so the records can be read without a network.
    """
    licences = sorted({licence for licence, _ in tally.licences})
    document = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": NAME,
        "description": f"{TITLE}: {tally.items} pairs of a picture and a query whose danger appears only in the "
        f"consequence of the answer. Split: {facts.split.value}.",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "license": [_LICENCE_PAGES.get(licence.lower(), licence) for licence in licences],
        "url": PAPER_URL,
        "version": number_version(facts.version),
        "datePublished": f"{facts.created_at:%Y-%m-%d}",
        "creator": {"@type": "sc:Organization", "name": "Contributors of ood-mmsafe-curator"},
        "citeAs": CITATION,
        "keywords": ["multimodal safety", "consequence", facts.split.value],
        "isLiveDataset": False,
        "distribution": [
            *(
                {
                    "@type": "cr:FileObject",
                    "@id": name,
                    "name": name,
                    "contentUrl": name,
                    "contentSize": f"{entry['bytes']} B",
                    "encodingFormat": "application/x-parquet",
                    "sha256": entry["sha256"],
                }
                for name, entry in sorted(shards.items())
            ),
            {
                "@type": "cr:FileSet",
                "@id": "data-files",
                "name": "data-files",
                "encodingFormat": "application/x-parquet",
                "includes": f"data/{facts.split.value}-*.parquet",
            },
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "items",
                "name": "items",
                "description": "One approved item per record.",
                "key": {"@id": "items/id"},
                "field": [_describe_field(name) for name in SCHEMA.names],
            }
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def number_version(version: str) -> str:
    """Return `v1.2` as `1.2.0`, the three-part form that Croissant asks for."""
    parts = version.removeprefix("v").split(".")
    return ".".join([*parts, "0", "0"][:3])


def _front_matter(facts: CardFacts, tally: ContentTally) -> dict[str, Any]:
    licences = sorted({licence for licence, _ in tally.licences})
    if len(licences) == 1 and licences[0].lower() in _LICENCE_PAGES:
        licence = {"license": licences[0].lower()}
    else:
        licence = {"license": "other", "license_name": "several-see-licenses", "license_link": "LICENSES.md"}
    return {
        "pretty_name": f"{TITLE} {facts.version}",
        **licence,
        "language": ["en"],
        "task_categories": ["visual-question-answering", "image-text-to-text"],
        "tags": ["safety", "multimodal", "consequence-driven-safety", "croissant"],
        "size_categories": [next((name for limit, name in _SIZES if tally.items < limit), "n>1M")],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": facts.split.value, "path": f"data/{facts.split.value}-*.parquet"}],
            }
        ],
    }


def _category_table(facts: CardFacts, tally: ContentTally) -> str:
    titles = list_titles(facts.taxonomy)
    rows = []
    for category in sorted(tally.counts):
        subs = tally.counts[category]
        rows.append((f"**{escape_text(titles.get(category, category))}**", "", f"**{sum(subs.values())}**"))
        rows += [
            ("", escape_text(titles.get(f"{category}/{sub_category}", sub_category)), str(subs[sub_category]))
            for sub_category in sorted(subs)
        ]
    return draw_table(("Category", "Sub-category", "Items"), rows)


def _tell_twins(tally: ContentTally) -> str:
    return (
        f"## Twins\n\n{tally.with_twin} of the {tally.items} rows have a twin: the same query with a picture in which "
        "the hazard is absent, in the columns that begin with `twin_`. A person looked at each of them and found it "
        "harmless; twins that nobody has looked at are left out. They measure over-warning: an answer that warns about "
        "the twin as about the item has not looked. They are no rows, and count in no category and in no score of "
        "hazards."
    )


def _credit_authors(tally: ContentTally) -> str:
    rows = [
        (escape_text(author), escape_text(licence), str(count))
        for (author, licence), count in sorted(tally.authors.items())
    ]
    return "## Authors of pictures\n\n" + draw_table(("Author", "Licence", "Pictures"), rows)


def _licence_sentence(tally: ContentTally) -> str:
    names = sorted({escape_text(licence) for licence, _ in tally.licences})
    return f"All items are under {names[0]}." if len(names) == 1 else f"Licences of the items: {', '.join(names)}."


def _describe_field(name: str) -> dict[str, Any]:
    kind = SCHEMA.field(name).type
    source: dict[str, Any] = {"fileSet": {"@id": "data-files"}, "extract": {"column": name}}
    entry: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"items/{name}",
        "name": name,
        "description": COLUMN_NOTES[name],
        "dataType": "sc:Text",
        "source": source,
    }
    if pa.types.is_struct(kind):
        entry["dataType"] = "sc:ImageObject"
        source["transform"] = {"jsonPath": "bytes"}
    elif pa.types.is_list(kind):
        entry["repeated"] = True
    elif pa.types.is_integer(kind):
        entry["dataType"] = "sc:Integer"
    elif pa.types.is_floating(kind):
        entry["dataType"] = "sc:Float"
    return entry


def draw_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a Markdown table; cells are taken as they are."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def escape_text(text: str) -> str:
    """Return `text` so that Markdown shows it as it is, on one line and within a table's cell."""
    text = " ".join(text.split())
    for mark in "\\`*_[]<>|":
        text = text.replace(mark, f"&#{ord(mark)};")
    return text


def _quote(text: str) -> str:
    return "\n".join(f"> {escape_text(line)}".rstrip() for line in text.strip().splitlines())


# The vocabulary of Croissant 1.0, with the two terms that newer readers expect.
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{
        term: f"cr:{term}"
        for term in (
            "citeAs", "column", "equivalentProperty", "extract", "field", "fileObject", "fileProperty", "fileSet",
            "format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet",
            "references", "regex", "repeated", "replace", "samplingRate", "separator", "source", "subField",
            "transform",
        )
    },
}  # fmt: skip
