"""The page of Label Studio as HTML. Pure functions of plain data; what people and that server wrote is escaped here.

It is navigated by ordinary links: `?project=NUMBER`, a project that was pushed; `?run=NAME`, a push or a pull.
"""

from collections.abc import Sequence
from functools import partial
from html import escape

from curator_app.actions.label_studio_jobs import describe_job
from curator_app.actions.label_studio_reading import Connection, Overview
from curator_app.labelstudio.pushing import Foreseen, PushRequest
from curator_app.labelstudio.status import OddAnnotation, ProjectStatus
from curator_app.screens.frame import make_link, wrap_page
from curator_app.screens.job_view import (
    SCROLL,
    render_head,
    render_output,
    render_refusal,
    render_state,
    render_tiles,
    render_told,
    show_time,
)
from storage.external_counts import Use
from storage.jobs import Job

ROUTE = "/label-studio"
MOST = 20
MOST_OF_ONE = 200
"""Of what needs a look in one project."""
SAID = {
    Use.COUNTED: "counted",
    Use.SAME: "the same here",
    Use.WAITING: "waiting",
    Use.LATE: "late",
    Use.EXTRA: "not needed",
    Use.CONFLICT: "in conflict",
    Use.SETTLED: "in conflict, settled",
    Use.UNREADABLE: "unreadable",
    Use.UNKNOWN_PERSON: "of nobody here",
    Use.WRONG_PERSON: "of the wrong person",
    Use.NOT_BLIND: "not blind",
    Use.KEPT: "kept, not counted",
    Use.SKIPPED: "skipped",
    Use.WITHDRAWN: "deleted there",
    Use.FOREIGN: "not ours",
}
TO_DO = {
    Use.CONFLICT: "An adjudicator sees both answers and settles it. Of failure labels the first answer stands.",
    Use.LATE: "Nothing: what was built on the older answer stands. The newer one is kept.",
    Use.UNREADABLE: "Ask the person to open the task again, answer what is missing, and press Update.",
    Use.UNKNOWN_PERSON: "Say below which account the e-mail stands for, or add one on the People page.",
    Use.WRONG_PERSON: "The project is somebody else's. Give this person a project of their own.",
    Use.NOT_BLIND: "The queue would not have given them this item. It is tried again with every pull.",
}
_SETTINGS = (
    "export CURATOR_LABEL_STUDIO_URL=http://127.0.0.1:8080\n"
    "export CURATOR_LABEL_STUDIO_TOKEN=…   # Account &amp; Settings, Personal access token, of an administrator\n"
    "curator serve"
)
_COMMANDS = (
    "pip install 'ood-mmsafe-curator[labelstudio]'\n"
    "curator labelstudio push scenario_review\n"
    "curator labelstudio pull\n"
    "curator labelstudio status"
)


link = partial(make_link, ROUTE)
render_page = partial(wrap_page, "cu-flow cu-runs cu-training cu-label-studio")


def render_connection(found: Connection) -> str:
    """Return how it stands with the server, or what to set."""
    if not found.is_set:
        lacks = "its address and a token" if not found.url else "a token"
        return (
            '<section><h1 class="cu-say" tabindex="-1">Label Studio <span>is not set up.</span></h1>'
            f'<p class="cu-lead">The app needs {lacks}, and a restart. The token is never shown here.</p>'
            f'<pre class="cu-log cu-copy">{_SETTINGS}</pre>'
            '<p class="cu-lead">From the command line the same is done by:</p>'
            f'<pre class="cu-log cu-copy">{escape(_COMMANDS)}</pre></section>'
        )
    said = "answers." if found.state else "cannot be used."
    why = render_refusal(found.problem) if found.problem else ""
    state = found.state
    tiles = [
        ("Version", state.version if state else "unknown", state.edition if state else ""),
        ("Token", found.token_kind, f"of {state.account}" if state else "never shown here"),
    ]
    return (
        f'<section><h1 class="cu-say" tabindex="-1">Label Studio <span>{said}</span></h1>'
        f'<p class="cu-lead"><code>{escape(found.url)}</code></p>{why}{render_tiles(tiles)}</section>'
    )


def render_overview(found: Overview) -> str:
    """Return the projects, what needs a look, the jobs."""
    if not found.projects:
        none = "<p class=cu-lead>Nothing was pushed yet. Push tasks below: a project is made for them there.</p>"
        return f"<section><h2>Projects</h2>{none}</section>{_render_jobs(found.jobs)}"
    rows = "".join(
        f'<tr><th scope="row"><a href="{link(project=str(each.id))}">{each.remote_id}</a></th>'
        f"<td>{_say_kind(each)}</td><td>{escape(each.person) or 'everybody'}</td>"
        f'<td class="cu-num">{each.live:,}</td><td class="cu-num">{each.answered:,}</td>'
        f'<td class="cu-wrap">{_say_uses(each) or "–"}</td><td class="cu-when">{_say_watermark(each)}</td></tr>'
        for each in found.projects
    )
    table = (
        f'{SCROLL}<table class="cu-table"><thead><tr><th scope="col">Project</th><th scope="col">Asked</th>'
        '<th scope="col">Whose</th><th scope="col" class="cu-num">Tasks there</th>'
        '<th scope="col" class="cu-num">Answered</th><th scope="col">What came of the answers</th>'
        f'<th scope="col" class="cu-when">Pulled up to</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )
    return f"<section><h2>Projects</h2>{table}</section>{render_odd(found.odd)}{_render_jobs(found.jobs)}"


def _say_kind(project: ProjectStatus) -> str:
    study = f", study {escape(project.study)}" if project.study else ""
    return escape(project.kind.replace("_", " ").capitalize()) + study


def _say_uses(project: ProjectStatus) -> str:
    return escape(", ".join(f"{count:,} {_say(use)}" for use, count in _in_order(project)))


def _in_order(project: ProjectStatus) -> list[tuple[str, int]]:
    places = [use.value for use in Use]
    return sorted(project.uses.items(), key=lambda each: places.index(each[0]))


def _say(use: str) -> str:
    return SAID.get(Use(use), use.replace("_", " "))


def _say_watermark(project: ProjectStatus) -> str:
    return escape(project.watermark[:16].replace("T", " ")) or "nothing yet"


def render_odd(odd: Sequence[OddAnnotation], *, most: int = MOST) -> str:
    """Return what counts for nothing though somebody may want it to, with what to do."""
    if not odd:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{_link_item(each)}</th><td>{escape(each.claimed) or "nobody known"}</td>'
        f'<td class="cu-wrap"><b>{escape(_say(each.use))}</b><br>{escape(each.reason)}</td>'
        f'<td class="cu-wrap">{escape(TO_DO.get(Use(each.use), ""))}</td></tr>'
        for each in odd[:most]
    )
    where = ": open their project" if most == MOST else ""
    more = f'<p class="cu-note">And {len(odd) - most:,} more{where}.</p>' if len(odd) > most else ""
    return (
        f'<section><h2>Needs a look</h2>{SCROLL}<table class="cu-table cu-blocks"><thead><tr><th scope="col">Item</th>'
        '<th scope="col">Claimed to be of</th><th scope="col">What came of it</th><th scope="col">What to do</th></tr>'
        f"</thead><tbody>{rows}</tbody></table></div>{more}</section>"
    )


def _link_item(each: OddAnnotation) -> str:
    if not each.item:
        return f"annotation {each.annotation}"
    return f'<a href="/items?item={escape(each.label)}">{escape(each.label)}</a>'


def _render_jobs(found: Sequence[Job]) -> str:
    if not found:
        return ""
    rows = "".join(
        f'<tr><th scope="row" class="cu-wrap"><a href="{link(run=job.name)}">{escape(describe_job(job))}</a></th>'
        f"<td>{render_state(job.state)}</td><td>{escape(_say_progress(job)) or '–'}</td>"
        f'<td class="cu-when">{show_time(job.started_at)}</td></tr>'
        for job in found
    )
    return (
        f'<section><h2>Pushes and pulls from here</h2><div class="cu-scroll"><table class="cu-table"><thead><tr>'
        '<th scope="col">What</th><th scope="col">State</th><th scope="col">Done</th>'
        f'<th scope="col" class="cu-when">Began</th></tr></thead><tbody>{rows}</tbody></table></div></section>'
    )


def _say_progress(job: Job) -> str:
    progress = job.progress
    of = progress.get("of") or 0
    return f"{progress.get('done', 0):,} of {of:,} {progress.get('what', '')}" if of else ""


def render_project(project: ProjectStatus, odd: Sequence[OddAnnotation]) -> str:
    """Return a project: its numbers, and all that needs a look."""
    tiles = [
        ("Tasks there", f"{project.live:,}", f"{project.deleted:,} deleted there" if project.deleted else ""),
        ("Answered", f"{project.answered:,}", ""),
        ("Pulled up to", _say_watermark(project), "by the server's clock" if project.watermark else ""),
    ]
    rows = "".join(
        f'<tr><th scope="row">{escape(_say(use))}</th><td class="cu-num">{count:,}</td></tr>'
        for use, count in _in_order(project)
    )
    uses = (
        f'<section><h2>What came of the answers</h2>{SCROLL}<table class="cu-table cu-figures"><tbody>{rows}</tbody>'
        "</table></div></section>"
        if rows
        else ""
    )
    names = "".join(f"<li>{escape(email)}: {escape(name)}</li>" for email, name in project.people.items())
    people = f'<section><h2>E-mails of accounts</h2><ul class="cu-checks">{names}</ul></section>' if names else ""
    return f"<section>{render_tiles(tiles)}</section>{uses}{people}{render_odd(odd, most=MOST_OF_ONE)}"


def render_config(project: ProjectStatus, *, drift: str = "", problem: str = "") -> str:
    """Return the head of a project, with how its labeling config on the server stands to the one that was pushed."""
    where = f"{escape(project.source)}, project {project.remote_id}"
    if problem:
        said = render_refusal(problem)
    elif drift:
        lines = "".join(_mark_line(line) for line in drift.splitlines())
        said = (
            render_told(
                "The labeling config was changed on the server, so answers may mean something else, and nothing is "
                "pushed or pulled. Put ours back there: Settings, Labeling Interface, Code.",
                kind="bad",
            )
            + f'<pre class="cu-log cu-diff" tabindex="0">{lines}</pre>'
            + "<details><summary>The config as it was pushed</summary>"
            + f'<pre class="cu-log cu-copy" tabindex="0">{escape(project.config)}</pre></details>'
        )
    else:
        said = '<p class="cu-lead">The labeling config there is the one that was pushed.</p>'
    whose = f"of {escape(project.person)}" if project.person else "for everybody"
    return (
        f'<section><p class="cu-back"><a href="{ROUTE}">All projects</a></p><h1 class="cu-say" tabindex="-1">'
        f'{_say_kind(project)} <span>{whose}.</span></h1><p class="cu-lead">{where}</p>{said}</section>'
    )


def _mark_line(line: str) -> str:
    if line.startswith(("---", "+++", "@@")):
        return f"<span>{escape(line)}</span>\n"
    tag = "ins" if line.startswith("+") else "del"
    return f"<{tag}>{escape(line)}</{tag}>\n"


def render_job(job: Job, output: str) -> tuple[str, str]:
    """Return a push or a pull, above and below its buttons."""
    progress = job.progress
    of = progress.get("of") or 0
    tiles = [("Done", f"{progress.get('done', 0):,} of {of:,}" if of else "–", str(progress.get("what", "")))]
    log = f"<section><h2>Log</h2>{render_output(output)}</section>" if output else ""
    return render_head(job, back=(ROUTE, "All projects"), tiles=tiles, title=describe_job(job)), log


def render_plan(request: PushRequest, found: Foreseen, *, lead: str = "") -> str:
    """Return what a push would do."""
    parts = [f"{found.to_push:,} of {found.open:,} open tasks would be pushed; {found.there:,} are there already."]
    if found.deleted:
        parts.append(f"{found.deleted:,} were deleted there and stay so.")
    if request.person:
        parts.append(f"The project is {request.person}'s, with what the queue would give them.")
    stay = "Their pictures stay here: whoever holds a task's address of one sees it, for 30 days."
    parts.append("Their pictures travel in the tasks." if request.pictures == "inline" else stay)
    return f"<section><h2>Plan</h2>{render_told(escape(' '.join([*parts, lead]).strip()))}</section>"


def render_started(name: str, words: str) -> str:
    """Return that a job was started, with the way to it."""
    return render_told(f'<a href="{link(run=name)}">{escape(words)}</a> has begun: watch it, or close this page.')


def render_named(email: str, account: str, counted: int) -> str:
    """Return that an e-mail has an account now."""
    said = f"{email} is {account} from now on. {counted:,} annotations that waited for it count now."
    return render_told(f'{escape(said)} <a href="{ROUTE}">Show the new numbers</a>.')


def render_limits() -> str:
    """Return in plain words what that server cannot keep, and what to do about it."""
    points = (
        "Its Community edition keeps neither blindness nor identity. Everybody in a project can read everybody's "
        "answers, change the project, and write in another's name. An e-mail from there is a claim.",
        "A study stays blind only with a project for each person, best on servers of their own, and without "
        "suggestions of models. So a study is pushed person by person.",
        "The task holds the hidden hazard from the start. The config folds it away; it does not lock it.",
        "A leakage check from there is kept and never counts: nothing there locks the guess before the picture shows.",
    )
    items = "".join(f"<li>{escape(point)}</li>" for point in points)
    return f'<section><h2>What Label Studio cannot keep</h2><ul class="cu-lacks">{items}</ul></section>'
