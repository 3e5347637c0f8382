"""`curator report`, `curator leaderboard`: judge runs in numbers, on the terminal and as files. No model is asked."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """How a leaderboard is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    LATEX = "latex"
    HTML = "html"


def report(
    runs: Annotated[list[str], typer.Argument(help="Names of judge runs; several are set beside one another.")],
    html: Annotated[
        Path | None, typer.Option(help="Write a page with plots here, one file that needs no other.", dir_okay=False)
    ] = None,
    latex: Annotated[Path | None, typer.Option(help="Write tables for a paper here.", dir_okay=False)] = None,
) -> None:
    """Write and print the reports of judge runs, from what is there. No model is asked."""
    from curator_app.actions import judge_reports
    from curator_app.actions.report_pages import draw_reports
    from curator_app.commands.judge import make_place
    from curator_app.commands.release import optional_workspace
    from judge.leaderboard import mark_reports
    from judge.report_latex import show_latex
    from judge.report_text import show_markdown

    place = make_place(None, None, None)
    found = [judge_reports.report(place, run=run) for run in dict.fromkeys(runs)]
    for each in found:
        typer.echo(show_markdown(each.report))
        typer.echo(f"Written: {each.folder / 'report.json'}, {each.folder / 'report.md'}")
    if html is not None:
        with optional_workspace() as workspace:
            people = judge_reports.read_studies(workspace, found)
        _write(html, draw_reports(found, studies=people))
    if latex is not None:
        reports = [each.report for each in found]
        _write(latex, show_latex(reports, marks=mark_reports(reports)))


def leaderboard(
    runs: Annotated[list[str] | None, typer.Argument(help="Names of judge runs; default: all.")] = None,
    across: Annotated[
        bool, typer.Option("--across", help="One table also for runs that must not be compared, with a mark.")
    ] = False,
    format: Annotated[Format, typer.Option(help="How it is written.")] = Format.TEXT,
    to: Annotated[Path | None, typer.Option(help="File to write; default: the terminal.", dir_okay=False)] = None,
) -> None:
    """Rank judge runs on the same items, with intervals; runs that must not be compared are kept apart."""
    from curator_app.actions import judge_reports
    from curator_app.actions.report_pages import draw_leaderboard
    from curator_app.commands.judge import make_place
    from judge.leaderboard import describe_leaderboard
    from judge.leaderboard_text import show_board_latex, show_board_markdown, show_board_text

    board = judge_reports.rank(make_place(None, None, None), runs=runs or (), across=across)
    match format:
        case Format.TEXT:
            text = show_board_text(board)
        case Format.JSON:
            text = json.dumps(describe_leaderboard(board), indent=1, ensure_ascii=False, allow_nan=False)
        case Format.MARKDOWN:
            text = show_board_markdown(board)
        case Format.LATEX:
            text = show_board_latex(board)
        case Format.HTML:
            text = draw_leaderboard(board)
    if to is None:
        typer.echo(text)
    else:
        _write(to, text + "\n")


def _write(file: Path, text: str) -> None:
    from curator_app.actions.judging import JudgingRefused

    try:
        file.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise JudgingRefused(f"{file} cannot be written: {exc.strerror}; give a file in a folder that exists") from exc
    typer.echo(f"Written: {file}")
