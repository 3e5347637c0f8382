"""The report of a closed study as HTML. Every text is escaped here."""

from collections.abc import Mapping
from html import escape
from typing import Any

from curator_app.actions import report_plots as plots
from curator_app.screens.job_view import SCROLL
from curator_app.screens.studies_view import read_ends, render_coefficients
from judge.metrics import LETTERS
from judge.report_text import (
    LETTER_NAMES,
    show_mean,
    show_mean_range,
    show_name,
    show_share,
    show_share_range,
)

Report = Mapping[str, Any]


def render_report(report: Report, titles: Mapping[str, str]) -> str:
    """Return the report: agreement, confusion, averages, where the judge is lenient, calibrated numbers, people."""
    about, sample = report["study"], report["sample"]
    name = escape(about["name"])
    lead = (
        f"{escape(about['model'])}, mode {escape(about['mode'])}. {sample['answers']:,} answers of "
        f"{sample['population']['scored_by_judge']:,} that the judge scored, each by {about['annotators_per_answer']} "
        f"people: on {sample['unanimous']:,} all agreed, {sample['by_consensus']:,} were settled by consensus, "
        f"{sample['unfinished']:,} were left unfinished. Intervals are 95%."
    )
    return (
        f'<section><div class="cu-sec-head"><h2>Report</h2><p><a href="/api/v1/studies/{name}/report" target="_blank">'
        f'JSON</a></p></div><p class="cu-note">{lead}</p></section>'
        f"{_render_judges(report)}{_render_confusion(report)}{_render_averages(report)}{_render_calibrated(report)}"
        f"{_render_people(report)}{_render_categories(report, titles)}{_render_leniency(report)}"
    )


def _render_judges(report: Report) -> str:
    told = report["judge_human"]
    rows = ""
    for name, found in {"Panel": told["panel"], **told["judges"]}.items():
        consistency = found["consistency"]
        cells = [consistency["per_score"], consistency["per_item"]]
        cells += [consistency["by_dimension"][letter] for letter in LETTERS]
        rows += f'<tr><th scope="row">{escape(name)}</th>{"".join(map(_share, cells))}</tr>'
    heads = "".join(f'<th scope="col" class="cu-num">{words}</th>' for words in ("Per score", "Per answer", *LETTERS))
    beyond = "".join(
        f"<div><h3>{escape(name)} and people, beyond chance</h3>"
        + render_coefficients(
            found["coefficients"],
            (
                ("kappa_quadratic", "Kappa, quadratic", show_mean, show_mean_range),
                ("alpha_ordinal", "Alpha, ordinal", show_mean, show_mean_range),
                ("ac2_quadratic", "AC2, quadratic", show_mean, show_mean_range),
            ),
        )
        + "</div>"
        for name, found in {"Panel": told["panel"], **told["judges"]}.items()
    )
    return (
        "<section><h2>Judges and people’s final scores: the same</h2>"
        f'{_table(heads, rows)}<p class="cu-note">A panel’s half point never equals a whole score.</p>'
        f'<div class="cu-sides">{beyond}</div></section>'
    )


def _render_confusion(report: Report) -> str:
    tables = "".join(map(_render_crossed, plots.cross_people(dict(report))))
    return (
        '<section><h2>Panel by people</h2><p class="cu-note">Answers by the panel’s score (rows) and people’s final '
        f'one (columns). Outlined: both say the same.</p><div class="cu-crosses">{tables}</div></section>'
    )


def _render_crossed(table: plots.Crossed) -> str:
    heads = "".join(f'<th scope="col">{name}</th>' for name in table.columns)
    rows = ""
    for name, cells in zip(table.rows, table.cells, strict=True):
        rows += f'<tr><th scope="row">{name}</th>' + "".join(
            f'<td style="--cu-strength:{6 + 74 * strength if count else 0:.0f}%"'
            f"{' data-strong' if strength > 0.6 else ''}{' data-equal' if equal else ''}>{count}</td>"
            for count, strength, equal in cells
        )
        rows += "</tr>"
    return (
        f'<figure class="cu-cross"><figcaption>{escape(table.title)}</figcaption><table><thead><tr><td></td>{heads}'
        f'</tr></thead><tbody>{rows}</tbody></table><p class="cu-note">{escape(table.note)}</p></figure>'
    )


def _render_averages(report: Report) -> str:
    rows = ""
    for letter in LETTERS:
        for key, words in (("manual", "people"), ("ai", "judge"), ("ai_whole_run", "judge, whole run")):
            found = report["averages"][key][letter]
            parts = ", ".join(f"{each['score']:g}: {each['share'] or 0:.0%}" for each in found["distribution"])
            rows += (
                f'<tr><th scope="row">{letter}, {words}</th>{_mean(found["mean"])}{_share(found["zero"])}'
                f'<td class="cu-wrap">{parts}</td></tr>'
            )
    heads = (
        '<th scope="col" class="cu-num">Mean</th><th scope="col" class="cu-num">Zeros</th><th scope="col">Spread</th>'
    )
    return f"<section><h2>Averages: people and judge</h2>{_table(heads, rows)}</section>"


def _render_calibrated(report: Report) -> str:
    rows = ""
    for letter, kinds in report["calibrated"].items():
        for kind, found in kinds.items():
            show = _share if kind == "X_0" else _mean
            cells = "".join(map(show, (found, found["naive"], found["human_only"])))
            rows += f'<tr><th scope="row">{letter}<sub>{kind[-1]}</sub> · {LETTER_NAMES[letter]}</th>{cells}</tr>'
    heads = "".join(
        f'<th scope="col" class="cu-num">{words}</th>' for words in ("Calibrated", "Judge alone", "People alone")
    )
    return f"<section><h2>The run as people would score it</h2>{_table(heads, rows)}</section>"


def _render_people(report: Report) -> str:
    table = render_coefficients(
        report["human_human"]["coefficients"],
        (
            ("all_equal", "All give the same", show_share, show_share_range),
            ("pairs_equal", "Pairs give the same", show_share, show_share_range),
            ("fleiss_kappa", "Fleiss’ kappa", show_mean, show_mean_range),
            ("alpha_ordinal", "Alpha, ordinal", show_mean, show_mean_range),
            ("ac2_quadratic", "AC2, quadratic", show_mean, show_mean_range),
        ),
    )
    checks = "".join(
        f"<li>Annotator {each['annotator']}: {each['passed']} of {each['of']} attention checks passed.</li>"
        for each in report["attention_checks"]
        if each["of"]
    )
    return f"<section><h2>People among one another, before the consensus</h2>{table}<ul>{checks}</ul></section>"


def _render_categories(report: Report, titles: Mapping[str, str]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(titles.get(each["category"]) or show_name(each["category"]))}</th>'
        f'<td class="cu-num">{each["answers"]:,}</td>{_share(each["per_score"])}{_share(each["per_item"])}</tr>'
        for each in report["by_category"]
    )
    if not rows:
        return ""
    heads = "".join(f'<th scope="col" class="cu-num">{words}</th>' for words in ("Answers", "Per score", "Per answer"))
    return f"<section><h2>Panel and people by category: the same score</h2>{_table(heads, rows)}</section>"


def _render_leniency(report: Report) -> str:
    rows = "".join(
        f'<tr><th scope="row">{letter} · {LETTER_NAMES[letter]}</th>{_mean(found["mean_gap"])}'
        f"{_share(found['judge_higher'])}{_share(found['judge_lower'])}{_mean(found['last_minus_first'])}</tr>"
        for letter, found in report["leniency"]["dimensions"].items()
    )
    heads = "".join(
        f'<th scope="col" class="cu-num">{words}</th>'
        for words in ("Mean gap", "Judge higher", "Judge lower", "Late less early warnings")
    )
    return (
        f"<section><h2>Where the judge is lenient</h2>{_table(heads, rows)}"
        '<p class="cu-note">Gap: panel minus people. The last column compares answers whose first warning stands in '
        "their last third with those where it stands in the first.</p></section>"
    )


def _table(heads: str, rows: str) -> str:
    return (
        f'{SCROLL}<table class="cu-table cu-figures"><thead><tr><th scope="col"></th>'
        f"{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _mean(found: Mapping[str, Any]) -> str:
    return f'<td class="cu-num">{show_mean(found["value"])}<small>{show_mean_range(read_ends(found))}</small></td>'


def _share(found: Mapping[str, Any]) -> str:
    return f'<td class="cu-num">{show_share(found["value"])}<small>{show_share_range(read_ends(found))}</small></td>'
