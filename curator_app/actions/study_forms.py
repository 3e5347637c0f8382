"""From what a maintainer fills in to a study: what would be drawn, the study itself, and its closing."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

from curator_app.actions import failures, judge_reading, study_reading
from curator_app.actions import studies as judge_studies
from curator_app.actions.failures import FailureRequest
from curator_app.actions.judging import JudgingRefused, Place
from curator_app.actions.studies import PreparedStudy, StudyRefused, StudyRequest, refuse_plainly
from curator_app.workspace import Workspace
from judge.run_folder import read_known
from judge.study_sample import STRATIFIERS
from storage import studies
from storage.accounts import Person, Role, list_accounts
from storage.errors import NotFound
from storage.records import StudyKind
from storage.studies import StudyProgress
from storage.texts import hash_json

Kind = Literal["judge", "failures"]
KINDS: tuple[Kind, ...] = ("judge", "failures")
MAX_CHECKS_BYTES = 200_000


@dataclass(frozen=True)
class StudyForm:
    """The fields as they were sent; numbers may be missing, since a person can empty them."""

    kind: str
    """What people do: `judge` (score) or `failures` (say how answers fail)."""
    name: str
    run: str
    n: float | None = 100
    """None: all failed answers; a study of the judge needs a number."""
    seed: float | None = 0
    stratify: tuple[str, ...] = ()
    checks: str = ""
    """Attention checks, JSON lines."""

    @property
    def sha256(self) -> str:
        """Tells forms from others: only what was shown is drawn."""
        return hash_json(asdict(self))


@dataclass(frozen=True)
class StudyDraw:
    """What making a study would do; nothing of any answer."""

    prepared: PreparedStudy
    categories: tuple[tuple[str, int, int], ...]
    """(category, drawn, of how many)."""
    strata: tuple[tuple[str, int, float], ...]
    """(stratum, drawn, weight of each); none of a simple sample."""
    people: int
    """Accounts that may be asked."""

    @property
    def needed(self) -> int:
        """How many answers people have to send in all."""
        return (len(self.prepared.drawn) + len(self.prepared.checks)) * self.prepared.plan.annotators


def list_runs(workspace: Workspace) -> list[tuple[str, str]]:
    """Return the judge runs with scores, as (what to show, name)."""
    return [
        (f"{run.name} · release {run.release} · {run.model} · {run.mode}", run.name)
        for run in judge_reading.list_judge_runs(workspace)
        if run.report is not None
    ]


def plan(workspace: Workspace, form: StudyForm) -> StudyDraw:
    """Draw what a form asks for, and write nothing.

    Raises:
        StudyRefused, StorageError: a field cannot be used, or nothing can be drawn; the message says why.
    """
    prepared = _prepare(workspace, form)
    with workspace.db.read() as session:
        studies.check_new_name(session=session, name=prepared.plan.name)
        asked = [one for one in list_accounts(session=session) if not one.disabled and one.person.has(Role.ANNOTATOR)]
    categories = dict(prepared.release.iterate_columns("id", "category"))
    drawn = Counter(categories[answer.item_id] for answer in prepared.drawn)
    strata = Counter((answer.stratum, answer.weight) for answer in prepared.drawn if answer.stratum)
    return StudyDraw(
        prepared=prepared,
        categories=tuple((name, drawn[name], count) for name, count in sorted(prepared.available.items())),
        strata=tuple((name, count, weight) for (name, weight), count in sorted(strata.items())),
        people=len(asked),
    )


def create(workspace: Workspace, form: StudyForm, *, actor: str) -> int:
    """Draw and write the study that a form asks for; return its number.

    Raises:
        StudyRefused, StorageError: as `plan` does.
    """
    made = judge_studies.keep(workspace, _prepare(workspace, form), actor=actor)
    with workspace.db.read() as session:
        return studies.get_study(session=session, name=made.name, kind=StudyKind(made.kind)).id or 0


def may_close(workspace: Workspace, *, number: str, person: Person) -> bool:
    """Whether the person is offered to close a study: it is open, and they are a maintainer who takes no part."""
    try:
        shown = study_reading.find_study(workspace, number=number, person=person)
    except NotFound:
        return False
    return person.has(Role.MAINTAINER) and shown.progress is not None and shown.state != "closed"


def close(workspace: Workspace, *, number: str, person: Person, force: bool) -> StudyProgress:
    """Close a study, in the name of a maintainer who does not take part in it.

    Raises:
        NotFound: there is no such study.
        StudyRefused: the person takes part, or work is left and `force` is not set.
    """
    shown = study_reading.find_study(workspace, number=number, person=person)
    progress = shown.progress
    if progress is None or not person.has(Role.MAINTAINER):
        raise StudyRefused(
            f"study {shown.study} is closed here by a maintainer who takes no part in it; on the command line: "
            "`curator study close NAME`"
        )
    if progress.left and not force:
        raise StudyRefused(
            f"study {progress.name} has work left: {'; '.join(progress.left)}. Wait for it, or tick that it is closed "
            "all the same"
        )
    action: Callable[..., StudyProgress] = failures.close if shown.of_failures else judge_studies.close
    return action(workspace, name=progress.name, actor=f"user:{person.name}", force=force)


def _prepare(workspace: Workspace, form: StudyForm) -> PreparedStudy:
    if form.kind not in KINDS:
        raise StudyRefused(f"a study is of {' or '.join(KINDS)}, not of {form.kind[:80]!r}; choose one")
    if len(form.checks.encode("utf-8", "replace")) > MAX_CHECKS_BYTES:
        raise StudyRefused(f"the attention checks have more than {MAX_CHECKS_BYTES:,} bytes; shorten them")
    if not form.run:
        raise StudyRefused("no judge run is chosen; choose one that is scored")
    seed = _whole("the seed", form.seed, least=0)
    release = _find_release_of(workspace, form.run)
    if form.kind == "failures":
        if form.stratify or form.checks.strip():
            raise StudyRefused(
                "strata and attention checks are for studies of the judge; leave them out, or choose the other kind"
            )
        n = None if form.n is None else _whole("the number of answers", form.n, least=1)
        return failures.prepare(workspace, FailureRequest(form.name.strip(), release, form.run, n, seed))
    return judge_studies.prepare(
        workspace,
        StudyRequest(
            name=form.name.strip(),
            release=release,
            run=form.run,
            n=_whole("the number of answers", form.n, least=1),
            seed=seed,
            stratify=tuple(name for name in STRATIFIERS if name in form.stratify),
            pasted_checks=form.checks,
        ),
    )


def _find_release_of(workspace: Workspace, run: str) -> str:
    try:
        with refuse_plainly():
            return read_known(Place(workspace.settings.home).run_path(run)).read_answer_config().release_version
    except JudgingRefused as exc:
        raise StudyRefused(str(exc)) from exc


def _whole(what: str, value: float | None, *, least: int) -> int:
    if value is None or value != int(value) or not least <= value < 2**31:
        shown = "empty" if value is None else f"{value:g}"
        raise StudyRefused(f"{what} is {shown}; give a whole number from {least} on")
    return int(value)
