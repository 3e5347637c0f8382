"""The report on training data as one HTML file, with plots and example pictures inside. Made from its JSON."""

import base64
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from PIL import Image

from caspo.dataset.prepare import Prepared
from caspo.dataset.report import TITLES, list_notices
from curator_app.actions.report_pages import draw_page
from curator_app.actions.report_plots import Dot, DotGroup, DotPlot

PICTURE_PX = (360, 270)
EXAMPLES = 6
READ_AT_ONCE = 16
SCALE = 50
"""Per cent at the right end of the plot, or 100 where a category has more."""


def draw_training_data(prepared: Prepared) -> str:
    """Return the page."""
    report = prepared.report
    return draw_page(
        "training_data.html",
        report=report,
        manifest=prepared.manifest,
        plot_of_shares=plot_shares(report),
        names=list(report["categories"][0]["by_source"]),
        examples=list(pick_examples(prepared.folder / "train.parquet")),
        notices=list_notices(report),
    )


def plot_shares(report: Mapping[str, Any]) -> DotPlot:
    """Return the share of each category beside the paper's."""
    shares = [(one["title"], one["share"], one["paper_share"]) for one in report["categories"]]
    end = SCALE if max(max(pair[1:]) for pair in shares) <= SCALE else 100
    groups = tuple(
        DotGroup(
            title,
            tuple(
                Dot(name, series, f"{value:.1f}%", "", "", 100 * value / end, None, None)
                for series, (name, value) in enumerate((("here", own), ("paper", paper)), start=1)
            ),
        )
        for title, own, paper in shares
    )
    ticks = tuple((float(100 * part / 4), f"{end * part / 4:g}%") for part in range(5))
    return DotPlot("Share of the items", "Twins and held-out items aside; the paper's from its table 8.", groups, ticks)


def pick_examples(file: Path) -> Iterator[dict[str, str]]:
    """Yield the first prompt of each category and the first twin: none was chosen for what it shows."""
    seen: set[str] = set()
    with pq.ParquetFile(file) as table:
        for batch in table.iter_batches(batch_size=READ_AT_ONCE):
            for row in batch.to_pylist():
                extra = row["extra_info"]
                kind = "twin" if extra["twin"] else extra["category"]
                if kind in seen or len(seen) > EXAMPLES:
                    continue
                seen.add(kind)
                title = TITLES[extra["category"]] + (", harmless twin" if extra["twin"] else "")
                query = row["prompt"][0]["content"].removeprefix("<image>")
                yield {"title": title, "query": query, "source": row["data_source"], "hazard": extra["hidden_hazard"],
                       "picture": _embed(row["images"][0]["bytes"])}  # fmt: skip


def _embed(data: bytes) -> str:
    """Return the picture as a data address."""
    buffer = BytesIO()
    with Image.open(BytesIO(data)) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail(PICTURE_PX)
    picture.save(buffer, "WEBP", quality=75)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
