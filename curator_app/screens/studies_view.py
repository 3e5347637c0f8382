"""The page of studies as HTML. Pure functions of plain data; every text is escaped here.

The page is navigated by ordinary links: `?study=NUMBER`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from html import escape
from typing import Any

from curator_app.actions.study_forms import StudyDraw
from curator_app.actions.study_reading import StudyShown
from curator_app.screens.frame import wrap_page
from curator_app.screens.job_view import SCROLL, render_tiles, render_told, show_time
from judge.metrics import LETTERS
from judge.report_text import LETTER_NAMES, show_mean, show_mean_range, show_name, show_share, show_share_range
from storage.accounts import Person, Role
from storage.records import StudyKind
from storage.studies import StudyProgress

ROUTE = "/studies"
STATES = {"open": "being scored", "consensus": "being settled", "labelled": "labelled by all", "closed": "closed"}
NAMES: dict[str, str] = {letter: f"{letter} · {LETTER_NAMES[letter]}" for letter in LETTERS}
NAMES["overall"] = "R, S and E together"
HOW = "Make one below, of a judge run that is scored. Then annotators find its answers under Audit."
NO_RUN = (
    "A study is made of a judge run that is scored, and there is none. Start one under Judge, or with "
    "curator respond and curator score."
)


render_page = partial(wrap_page, "cu-flow cu-runs cu-judge")


def render_list(studies: Sequence[StudyShown], person: Person, *, can_make: bool) -> str:
    """Return the title and the list of studies. `can_make`: there is a judge run that one can be made of."""
    still = sum(study.state != "closed" for study in studies)
    if not studies:
        how = HOW if can_make else NO_RUN
        then = how if person.has(Role.MAINTAINER) else "When a maintainer makes one, you find its answers under Audit."
        return f'<section><h1 class="cu-say" tabindex="-1">No study yet.</h1>{render_told(then)}</section>'
    title = f"{len(studies):,} {'study' if len(studies) == 1 else 'studies'}."
    more = f"{still:,} not closed yet." if still else "All are closed."
    rows = "".join(map(_render_row, studies))
    return (
        f'<section><h1 class="cu-say" tabindex="-1">{title} <span>{more}</span></h1>'
        '<div class="cu-scroll"><table class="cu-table"><thead><tr><th scope="col">Study</th><th scope="col">State</th>'
        '<th scope="col" class="cu-when">Judge run</th><th scope="col" class="cu-num">Answers</th>'
        '<th scope="col" class="cu-num">Scores sent</th><th scope="col" class="cu-num">Yours</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def render_failures(studies: Sequence[StudyShown]) -> str:
    """Return the list of the studies of failures; nothing without one."""
    if not studies:
        return ""
    rows = "".join(
        f'<tr><th scope="row" class="cu-wrap"><a href="{ROUTE}?study={study.study}">{escape(study.title)}</a></th>'
        f'<td>{_name_state(study)}</td><td class="cu-when cu-wrap">{escape(study.progress.run)}</td>'
        f'<td class="cu-num">{study.answers:,}</td><td class="cu-num">{study.submitted:,} of {study.needed:,}</td></tr>'
        for study in studies
        if study.progress is not None
    )
    return (
        '<section><h2>How failed answers fail</h2><div class="cu-scroll"><table class="cu-table"><thead><tr>'
        '<th scope="col">Study</th><th scope="col">State</th><th scope="col" class="cu-when">Judge run</th>'
        '<th scope="col" class="cu-num">Answers</th><th scope="col" class="cu-num">Labels sent</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _name_state(study: StudyShown) -> str:
    return "being labelled" if study.of_failures and study.state == "open" else STATES[study.state]


def _render_row(study: StudyShown) -> str:
    run = escape(study.progress.run) if study.progress else '<span class="cu-off">told when it is closed</span>'
    return (
        f'<tr><th scope="row" class="cu-wrap"><a href="{ROUTE}?study={study.study}">{escape(study.title)}</a></th>'
        f'<td>{STATES[study.state]}</td><td class="cu-when cu-wrap">{run}</td>'
        f'<td class="cu-num">{study.answers:,}</td><td class="cu-num">{study.submitted:,} of {study.needed:,}</td>'
        f'<td class="cu-num">{study.own:,}</td></tr>'
    )


def render_head(study: StudyShown) -> str:
    """Return the name, the state and the counts that the person may see."""
    progress = study.progress
    sent = "Labels" if study.of_failures else "Scores"
    tiles = [(f"{sent} sent", f"{study.submitted:,}", f"of {study.needed:,}")]
    about = ""
    if progress is not None:
        checks = "" if study.of_failures else f"; and {progress.attention_checks:,} attention checks"
        tiles.append(("Answers", f"{progress.answers:,}", f"each by {progress.annotators} people{checks}"))
        tiles += (
            [("Finished", f"{progress.agreed:,}", f"answers; {progress.late:,} sent late")]
            if study.of_failures
            else [
                ("All agreed", f"{progress.agreed:,}", "answers on which everybody gave the same"),
                ("To settle", f"{progress.to_settle:,}", f"{progress.settled:,} settled; {progress.late:,} sent late"),
            ]
        )
        closed = f", closed {show_time(progress.closed_at)}" if progress.closed_at else ""
        about = (
            f'<p class="cu-meta-line">judge run {escape(progress.run)} · release {escape(progress.release)} · made '
            f"{show_time(progress.created_at)} UTC{closed}</p>"
        )
    else:
        share = f"of {study.answers:,} answers" if study.own else f"of {study.answers:,} answers; none yet"
        tiles.append(("Yours", f"{study.own:,}", share))
    width = 100 * study.submitted / study.needed if study.needed else 0
    return (
        f'<section><p class="cu-back"><a href="{ROUTE}">All studies</a></p><h1 class="cu-say" tabindex="-1">'
        f"{escape(study.title)} <span>is {_name_state(study)}.</span></h1>{about}{render_tiles(tiles)}"
        f'<div class="cu-bars"><div class="cu-bar-row"><span>{sent}</span><span class="cu-track" role="img" '
        f'aria-label="{study.submitted:,} of {study.needed:,} {sent.lower()} are in"><i style="width:{width:.1f}%"></i>'
        "</span>"
        f'<span class="cu-num">{study.submitted:,} of {study.needed:,}</span></div></div></section>'
    )


def render_withheld(study: StudyShown, person: Person) -> str:
    """Return why there is no agreement to see, and what to do next."""
    if person.has(Role.MAINTAINER):
        said = (
            "You score in this study, so how far people and judge agree shows once it is closed. A maintainer who "
            "takes no part closes it."
        )
    elif study.state == "consensus":
        said = "All answers are scored; the differences are being settled. The report shows here once it is closed."
    else:
        said = "What people and judge gave shows here once the study is closed."
    go = ' <a href="/audit">Go on scoring</a>' if study.state == "open" and person.has(Role.ANNOTATOR) else ""
    return f"<section>{render_told(said + go)}</section>"


def render_people(study: StudyShown) -> str:
    """Return who has sent how much, and what closes the study; nothing for who may not know."""
    progress = study.progress
    if progress is None:
        return ""
    place_to_go = "Failures" if study.of_failures else "Audit"
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="cu-num">{place}</td><td class="cu-num">{count:,}</td></tr>'
        for place, (name, count) in enumerate(progress.people, 1)
    )
    table = (
        '<div class="cu-scroll"><table class="cu-table"><thead><tr><th scope="col">Person</th><th scope="col" '
        'class="cu-num">Annotator</th><th scope="col" class="cu-num">Sent</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
        if rows
        else render_told(f"Nobody has sent anything yet. Annotators find the answers under {place_to_go}.")
    )
    left = "; ".join(progress.left)
    if study.of_failures and study.state == "closed":
        then = f'<a href="/failures/map/{escape(progress.name)}" target="_blank">The map of its failures</a>'
    else:
        then = f"Left: {escape(left)}." if left else "Nothing is left to do. Closing makes the report."
    return f"<section><h2>People</h2>{table}{render_told(then)}</section>"


def render_agreement(measured: Mapping[str, Any]) -> str:
    """Return the agreement so far: people among one another, then the judges with people."""
    scored = measured["scored"]
    lead = (
        f"{scored['by_all']:,} of {scored['answers']:,} answers are scored by all, {scored['by_two']:,} by two or "
        "more. It grows as scores come in; intervals are 95%, answers resampled. Who scores does not see it before the "
        "study is closed."
    )
    people = measured["human_human"]
    among = (
        f"<h3>Pairs of people who give the same score</h3>{render_intervals(people, 'pairs_equal')}"
        + render_coefficients(
            people,
            (
                ("all_equal", "All give the same", show_share, show_share_range),
                ("pairs_equal", "Pairs give the same", show_share, show_share_range),
                ("alpha_ordinal", "Alpha, ordinal", show_mean, show_mean_range),
                ("ac2_quadratic", "AC2, quadratic", show_mean, show_mean_range),
            ),
        )
        if people
        else render_told("Nobody has scored an answer yet.")
    )
    judges = {"Panel": measured["judge_human"]["panel"], **measured["judge_human"]["judges"]}
    sides = "".join(
        f"<div><h3>{escape(name)} and people: the same score</h3>{render_intervals(told, 'equal')}"
        + render_coefficients(
            told,
            (
                ("equal", "The same score", show_share, show_share_range),
                ("ac2_quadratic", "AC2, quadratic", show_mean, show_mean_range),
            ),
        )
        + "</div>"
        for name, told in judges.items()
    )
    return (
        f'<section><h2>People among one another</h2><p class="cu-note">{lead}</p>{among}</section>'
        '<section><h2>Judges and people</h2><p class="cu-note">Each person’s own score is compared, since the final '
        "ones come with the consensus; the report compares with those. A panel’s half point never equals a whole score."
        "</p>"
        f'<div class="cu-sides">{sides}</div></section>'
    )


def render_intervals(told: Mapping[str, Any], key: str) -> str:
    """Return a share for R, S, E and overall as bars with intervals."""
    rows = []
    for name, each in told.items():
        share = each[key]
        value, ends = share["value"], read_ends(share)
        fill = "" if value is None else f'<i class="cu-fill" style="width:{100 * value:.2f}%"></i>'
        if ends:
            fill += (
                f'<i class="cu-whisker" style="left:{100 * ends[0]:.2f}%;width:{100 * (ends[1] - ends[0]):.2f}%"></i>'
            )
        rows.append(
            f'<div class="cu-plot-row"><span>{NAMES[name]}</span><span class="cu-plot-track" aria-hidden="true">{fill}'
            f'</span><b class="cu-num">{show_share(value)}</b><small class="cu-num">{show_share_range(ends)}</small>'
            "</div>"
        )
    return f'<div class="cu-plot">{"".join(rows)}</div>'


Column = tuple[str, str, Callable[[float | None], str], Callable[[Sequence[float] | None], str]]
"""Key, words, and how value and interval are written."""


def render_coefficients(told: Mapping[str, Any], columns: Sequence[Column]) -> str:
    """Return a table with a row for R, S, E and overall; what is undefined says why under the table."""
    rows, reasons = [], []
    for name, each in told.items():
        cells = ""
        for key, words, show, show_range in columns:
            found = each[key]
            cells += f'<td class="cu-num">{show(found["value"])}<small>{show_range(read_ends(found))}</small></td>'
            if found.get("reason"):
                reasons.append(f"{NAMES[name]}, {words.lower()}: {found['reason']}")
        rows.append(f'<tr><th scope="row">{NAMES[name]}</th>{cells}</tr>')
    heads = "".join(f'<th scope="col" class="cu-num">{words}</th>' for _, words, _, _ in columns)
    why = (
        f'<details class="cu-why"><summary>{len(reasons)} without a value or an interval</summary><ul>'
        f"{''.join(f'<li>{escape(reason)}</li>' for reason in reasons)}</ul></details>"
        if reasons
        else ""
    )
    return (
        f'{SCROLL}<table class="cu-table cu-figures"><thead><tr><th scope="col"></th>'
        f"{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>{why}"
    )


def read_ends(found: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return the ends of an interval; None where there is none."""
    low, high = found.get("low"), found.get("high")
    return None if low is None or high is None else (low, high)


def render_draw(draw: StudyDraw, *, lead: str = "") -> str:
    """Return what a study would ask people about: counts, and nothing of any answer."""
    plan, prepared = draw.prepared.plan, draw.prepared
    what = "failed answers" if plan.kind is StudyKind.FAILURES else "answers"
    checks = f" and {len(prepared.checks):,} attention checks" if prepared.checks else ""
    people = f"{draw.people:,} {'account has' if draw.people == 1 else 'accounts have'} the role annotator" + (
        "." if draw.people >= plan.annotators else ", too few to finish it: give it to more people under People."
    )
    said = (
        f"{len(prepared.drawn):,} {what}{checks}, each for {plan.annotators} people: {draw.needed:,} to send in all. "
        f"Drawn with seed {plan.seed} from judge run {plan.run}: {plan.model}, mode {plan.mode}, release "
        f"{plan.release_version}. {people}"
    )
    categories = "".join(
        f'<tr><th scope="row">{escape(show_name(name))}</th><td class="cu-num">{drawn:,}</td>'
        f'<td class="cu-num">{count:,}</td></tr>'
        for name, drawn, count in draw.categories
    )
    strata = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="cu-num">{drawn:,}</td>'
        f'<td class="cu-num">{weight:.3g}</td></tr>'
        for name, drawn, weight in draw.strata
    )
    of = "Failed" if plan.kind is StudyKind.FAILURES else "Items with scores"
    tables = _render_counts("Category", of, categories)
    if strata:
        tables += _render_counts("Stratum", "Each counts as", strata)
    return f"<section><h2>What is drawn</h2>{render_told(f'{escape(said)} {escape(lead)}')}{tables}</section>"


def _render_counts(what: str, last: str, rows: str) -> str:
    return (
        f'<div class="cu-scroll"><table class="cu-table"><thead><tr><th scope="col">{what}</th>'
        f'<th scope="col" class="cu-num">Drawn</th><th scope="col" class="cu-num">{last}</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def render_made(number: int, name: str) -> str:
    """Return that a study was made, with the way to it."""
    return render_told(f'Made <a href="{ROUTE}?study={number}">{escape(name)}</a>. Annotators are asked from now on.')


def render_closing(study: StudyShown) -> str:
    """Return what closing means, and what is left to do."""
    left = study.progress.left if study.progress else []
    still = (
        f" <b>Left: {escape('; '.join(left))}.</b> The report leaves out and counts answers that are not finished."
        if left
        else " Nothing is left to do."
    )
    return render_told(
        "Closing is for good: nobody is asked any more, what was sent is frozen, its hash goes into the audit log, and "
        "the report rests on that alone. What is sent later is kept, marked late, and changes nothing. "
        f"{'' if study.of_failures else 'Whoever scored sees the report.'}{still}"
    )


def render_closed(progress: StudyProgress) -> str:
    """Return that a study was closed."""
    return render_told(f"{escape(progress.name)} is closed.")
