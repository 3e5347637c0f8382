"""Reports of judge runs as LaTeX (booktabs): models by modes as in the paper's Table 2, intervals, categories."""

from collections.abc import Callable, Sequence
from typing import Any

from judge.config import MODES
from judge.metrics import LETTERS

Report = dict[str, Any]
_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "`": r"\textasciigrave{}",
}  # fmt: skip
METRICS: tuple[tuple[str, str], ...] = tuple((letter, kind) for letter in LETTERS for kind in ("mean", "zero_share"))
HEAD = " & ".join(rf"${letter}_A\uparrow$ & ${letter}_0\downarrow$" for letter in LETTERS)


def escape_latex(text: str) -> str:
    """Return `text` as LaTeX that prints it: special characters escaped, line ends and control characters as spaces."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    return "".join(_SPECIAL.get(character, character) for character in plain)


def show_latex(reports: Sequence[Report], *, marks: Sequence[str] = (), label: str = "ood-mmsafe") -> str:
    """Return three tables: the main one, the same with intervals and coverage, and the categories.

    Args:
        reports: of runs that were scored; the others are left out.
        marks: for each report a mark of what it may be compared with, or "" where all may be compared.
        label: what the labels of the tables begin with.
    """
    given = list(marks) or [""] * len(reports)
    scored = [(report, mark) for report, mark in zip(reports, given, strict=True) if "scores" in report]
    lines = ["% Needs \\usepackage{booktabs,graphicx} and \\usepackage[T1]{fontenc}.", ""]
    if not scored:
        return "\n".join([*lines, "% No run has scores yet.", ""])
    tables = (_main_table(scored, label), _interval_table(scored, label), _category_table(scored, label))
    return "\n".join([*lines, *(line for table in tables for line in [*table, ""])])


def _main_table(scored: Sequence[tuple[Report, str]], label: str) -> list[str]:
    modes = [mode for mode in MODES if any(_mode(report) == mode for report, _ in scored)]
    rows: list[tuple[str, dict[str, Report]]] = []
    for report, mark in scored:
        name = escape_latex(report["answers_config"]["model"]) + _superscript(mark)
        row = next((cells for known, cells in rows if known == name and _mode(report) not in cells), None)
        if row is None:
            rows.append((name, row := {}))
        row[_mode(report)] = report
    marked = any(mark for _, mark in scored)  # then nothing is best: the rows must not be compared
    best = {mode: _find_best([] if marked else [cells[mode] for _, cells in rows if mode in cells]) for mode in modes}
    body = []
    for name, cells in rows:
        parts = [name]
        for mode in modes:
            parts += [
                _emphasise(cells[mode], letter, kind, best[mode]) if mode in cells else "--" for letter, kind in METRICS
            ]
        body.append(" & ".join(parts) + r" \\")
    width = len(METRICS)
    heads = " & ".join(rf"\multicolumn{{{width}}}{{c}}{{{mode.capitalize()}}}" for mode in modes)
    rules = " ".join(rf"\cmidrule(lr){{{2 + width * place}-{1 + width * (place + 1)}}}" for place in range(len(modes)))
    return _wrap(
        columns="l" + "r" * width * len(modes),
        head=[f" & {heads} \\\\", rules, "Model & " + " & ".join([HEAD] * len(modes)) + r" \\"],
        body=body,
        caption=_caption([report for report, _ in scored], marked=marked),
        label=label,
    )


def _interval_table(scored: Sequence[tuple[Report, str]], label: str) -> list[str]:
    body = []
    for report, mark in scored:
        group = report["scores"]["panel"]["all"]
        name = escape_latex(f"{report['answers_config']['model']}, {_mode(report)}") + _superscript(mark)
        cells = [_with_interval(group[letter], kind) for letter, kind in METRICS]
        body.append(" & ".join([name, *cells, f"{group['scored']}/{group['answers']}"]) + r" \\")
    return _wrap(
        columns="l" + "r" * (len(METRICS) + 1),
        head=[f"Model, mode & {HEAD} & scored \\\\"],
        body=body,
        caption="The same with 95\\% intervals ($X_A$: items resampled; $X_0$: Wilson) and the number of answers that "
        "every judge scored. Only these count in $X_A$ and $X_0$.",
        label=f"{label}-intervals",
    )


def _category_table(scored: Sequence[tuple[Report, str]], label: str) -> list[str]:
    categories = sorted({name for report, _ in scored for name in report["scores"]["panel"]["categories"]})
    body = []
    for report, mark in scored:
        name = escape_latex(f"{report['answers_config']['model']}, {_mode(report)}") + _superscript(mark)
        groups = report["scores"]["panel"]["categories"]
        cells = []
        for category in categories:
            score = groups[category]["R"] if category in groups else None
            cells += [_plain(score, "mean"), _plain(score, "zero_share")] if score else ["--", "--"]
        body.append(" & ".join([name, *cells]) + r" \\")
    heads = " & ".join(
        rf"\multicolumn{{2}}{{c}}{{{escape_latex(name.replace('_', ' ').capitalize())}}}" for name in categories
    )
    rules = " ".join(rf"\cmidrule(lr){{{2 + 2 * place}-{3 + 2 * place}}}" for place in range(len(categories)))
    pairs = " & ".join([r"$R_A\uparrow$ & $R_0\downarrow$"] * len(categories))
    return _wrap(
        columns="l" + "rr" * len(categories),
        head=[f" & {heads} \\\\", rules, f"Model, mode & {pairs} \\\\"],
        body=body,
        caption="Risk appraisal by category.",
        label=f"{label}-categories",
    )


def _wrap(*, columns: str, head: list[str], body: list[str], caption: str, label: str) -> list[str]:
    return [
        r"\begin{table*}[t]",
        r"\centering\small\setlength{\tabcolsep}{3.5pt}",
        rf"\caption{{{caption}}}",
        rf"\label{{tab:{label}}}",
        r"\resizebox{\ifdim\width>\textwidth\textwidth\else\width\fi}{!}{%",  # what is too wide is made smaller
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        *head,
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}}",
        r"\end{table*}",
    ]


def _caption(reports: Sequence[Report], *, marked: bool) -> str:
    releases = _list_values(reports, lambda report: _name_release(report["answers_config"]))
    judges = _list_values(reports, lambda report: " and ".join(judge["model"] for judge in report["judges"]))
    rubrics = _list_values(reports, lambda report: report["scores_config"]["rubric_sha256"][:12])
    items = max(report["scores"]["panel"]["all"]["items"] for report in reports)
    told = (
        r"\textbf{Rows with different marks must not be compared}: their release, rubric or judges differ."
        if marked
        else "Bold and underline: best and second best of a column."
    )
    return (
        f"OOD-MMSafe, release {releases}, up to {items} items, judged by {judges} (rubric {rubrics}, a reconstruction; "
        "the paper's own is not known). $R$, $S$ and $E$: risk appraisal, safety of consequences, effectiveness. "
        f"$X_A$: mean score, 0 to 2; $X_0$: per cent of answers that scored zero. {told}"
    )


def _name_release(config: dict[str, Any]) -> str:
    return f"{config['release_version']} ({config['release_digest'][:12]})"


def _list_values(reports: Sequence[Report], read: Callable[[Report], str]) -> str:
    return escape_latex("; ".join(dict.fromkeys(read(report) for report in reports)))


def _find_best(reports: Sequence[Report]) -> dict[tuple[str, str], list[str]]:
    """Return by metric the best and the second-best value, as printed; nothing to say of a single model."""
    found = {}
    for letter, kind in METRICS:
        values = {
            round(value, 2 if kind == "mean" else 3)
            for report in reports
            if (value := report["scores"]["panel"]["all"][letter][kind]) is not None
        }
        ranked = sorted(values, reverse=kind == "mean")[:2] if len(reports) > 1 else []
        found[letter, kind] = [_print(value, kind) for value in ranked]
    return found


def _emphasise(report: Report, letter: str, kind: str, best: dict[tuple[str, str], list[str]]) -> str:
    text = _plain(report["scores"]["panel"]["all"][letter], kind)
    ranked = best[letter, kind]
    if text not in ranked:
        return text
    return rf"\textbf{{{text}}}" if text == ranked[0] else rf"\underline{{{text}}}"


def _with_interval(score: dict[str, Any], kind: str) -> str:
    ends = score["mean_interval" if kind == "mean" else "zero_share_wilson"]
    text = _plain(score, kind)
    return f"{text} ({_print(ends[0], kind)}--{_print(ends[1], kind)})" if ends else text


def _plain(score: dict[str, Any], kind: str) -> str:
    return "--" if score[kind] is None else _print(score[kind], kind)


def _print(value: float, kind: str) -> str:
    return f"{value:.2f}" if kind == "mean" else f"{100 * value:.1f}"


def _superscript(mark: str) -> str:
    return rf"\textsuperscript{{{mark}}}" if mark else ""


def _mode(report: Report) -> str:
    mode: str = report["answers_config"]["mode"]
    return mode
