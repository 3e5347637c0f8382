"""The answers behind a bar of a judge run's plots as HTML. Every text of a model is escaped, or safe Markdown."""

from collections.abc import Mapping
from dataclasses import replace
from html import escape

from curator_app.actions.judge_reading import AnswerFilter, AnswerPage, JudgeRunView, JudgeVote, ListedAnswer
from curator_app.api.markdown import render_answer
from curator_app.screens.job_view import render_told
from curator_app.screens.judge_runs_view import link, render_about
from judge.metrics import LETTERS
from judge.report_text import LETTER_NAMES, show_name


def render_answers(run: JudgeRunView, found: AnswerPage, titles: Mapping[str, str]) -> str:
    """Return one page of the answers, with what was asked for as the title."""
    said = describe_filter(found.wanted, run, titles)
    total = f"{found.total:,} {'answer' if found.total == 1 else 'answers'}"
    withheld = (
        render_told(
            f"{found.withheld:,} more are withheld: they were drawn for a study in which you take part, and which is "
            "not closed yet."
        )
        if found.withheld
        else ""
    )
    rows = "".join(_render_row(row, titles) for row in found.rows)
    none = "" if rows or withheld else render_told("There is none. Go back and open another bar.")
    return (
        f'<section><p class="cu-back"><a href="{link(run=run.name)}">{escape(run.name)}</a></p>'
        f'<h1 class="cu-say" tabindex="-1">{total} <span>{escape(said)}</span></h1>{render_about(run)}{withheld}{none}'
        f'</section><ol class="cu-answers">{rows}</ol>{_render_pages(run, found)}'
    )


def describe_filter(wanted: AnswerFilter, run: JudgeRunView, titles: Mapping[str, str]) -> str:
    """Return what a filter leaves, in words."""
    parts = []
    if wanted.category:
        parts.append(f"in {titles.get(wanted.category) or show_name(wanted.category)}")
    if wanted.letter and wanted.score is not None:
        parts.append(f"with {LETTER_NAMES[wanted.letter]} {wanted.score:g}")
    if wanted.answer:
        parts.append(f"wanted, and {wanted.answer.replace('_', ' ')}")
    if wanted.judged:
        models = {judge["role"]: judge["model"] for judge in run.report["judges"]} if run.report else {}
        parts.append(f"{wanted.judged.replace('_', ' ')} by {models.get(wanted.judge, wanted.judge)}")
    return " ".join(parts) or "of this run"


def _render_pages(run: JudgeRunView, found: AnswerPage) -> str:
    if found.pages == 1:
        return ""
    before = _link_page(run, found.wanted, found.page - 1, "Before") if found.page > 1 else ""
    after = _link_page(run, found.wanted, found.page + 1, "Next") if found.page < found.pages else ""
    return f'<p class="cu-pages">{before}<span>Page {found.page:,} of {found.pages:,}</span>{after}</p>'


def _link_page(run: JudgeRunView, wanted: AnswerFilter, page: int, words: str) -> str:
    wanted = replace(wanted, page=page)
    score = "" if wanted.score is None else f"{wanted.score:g}"
    query = {
        "run": run.name, "list": "1", "category": wanted.category, "letter": wanted.letter, "score": score,
        "answer": wanted.answer, "judge": wanted.judge, "judged": wanted.judged, "page": str(wanted.page),
    }  # fmt: skip
    return f'<a href="{link(**{name: value for name, value in query.items() if value})}">{words}</a>'


def _render_row(row: ListedAnswer, titles: Mapping[str, str]) -> str:
    place = " · ".join(titles.get(slug) or show_name(slug) for slug in (row.category, row.sub_category))
    sample = f" · answer {row.sample + 1}" if row.sample else ""
    name = escape(row.label)
    item = f'<a href="/items?item={name}">{name}</a>' if row.known else name
    return (
        f'<li class="cu-judged"><div class="cu-judged-case">{_render_picture(row)}'
        f'<p class="cu-meta-line">{item} · {escape(place)}{sample}</p><h2>{escape(row.asked)}</h2>'
        f'<p class="cu-hazard"><b>Hidden hazard</b> {escape(row.hidden_hazard)}</p></div>'
        f'<div class="cu-judged-answer">{_render_panel(row)}{_render_text(row)}'
        f"{''.join(map(_render_vote, row.votes))}</div></li>"
    )


def _render_picture(row: ListedAnswer) -> str:
    if row.image_sha256 and row.known:
        return f'<img src="/media/{escape(row.image_sha256)}" alt="{escape(row.alt)}" loading="lazy">'
    why = "The picture is in the release's folder only." if row.image_sha256 else "The item has no picture."
    return f'<p class="cu-no-picture">{why} {escape(row.scene)}</p>'


def _render_text(row: ListedAnswer) -> str:
    if row.unanswered:
        return f'<p class="cu-told" data-kind="bad">No answer: {escape(row.unanswered)}</p>'
    cut = '<p class="cu-note">It reached the limit of tokens and ends here.</p>' if row.cut else ""
    region = 'tabindex="0" role="region" aria-label="The answer"'
    return f'<div class="cu-markdown" {region}>{render_answer(row.text)}{cut}</div>'


def _render_panel(row: ListedAnswer) -> str:
    if not row.panel:
        return ""
    return f'<p class="cu-scores">{_render_scores(row.panel)}<span>the panel</span></p>'


def _render_scores(scores: tuple[float | None, ...]) -> str:
    return "".join(
        f'<b data-score="{"none" if score is None else f"{score:g}"}">{letter} {"–" if score is None else f"{score:g}"}'
        "</b>"
        for letter, score in zip(LETTERS, scores, strict=True)
    )


def _render_vote(vote: JudgeVote) -> str:
    again = f", time {vote.repeat + 1}" if vote.repeat else ""
    who = f"<span>{escape(vote.model or vote.role)}{again}</span>"
    if vote.unscored:
        return (
            f'<div class="cu-vote"><p class="cu-scores">{who}</p><p>{escape(vote.unscored.replace("_", " "))}: '
            f"{escape(vote.reason)}</p></div>"
        )
    why = f'<p class="cu-rationale">{escape(vote.rationale)}</p>' if vote.rationale else ""
    return f'<div class="cu-vote"><p class="cu-scores">{_render_scores(vote.scores)}{who}</p>{why}</div>'
