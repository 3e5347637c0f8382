"""What each person is shown of the studies.

Whoever scores sees how far an open study is, and nothing that tells of a score, of the judge or of the model; its name
and the number of attention checks are withheld too. Once it is closed, the report is for all.
"""

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sqlmodel import Session

from curator_app.actions.studies import StudyRefused, make_report, progress_as_json
from curator_app.workspace import Workspace
from judge.errors import JudgeError
from judge.study_live import measure_so_far
from storage import studies
from storage.accounts import Person, Role
from storage.errors import Conflict, Forbidden, NotFound
from storage.records import StudyKind
from storage.studies import StudyProgress
from storage.study_frozen import describe_content
from storage.tables import StudyRow
from storage.texts import hash_json

KEPT = 8


@dataclass(frozen=True)
class StudyShown:
    """A study as far as one person may know of it."""

    study: int
    """Its number; the only name that an open study has for whoever scores."""
    state: str
    answers: int
    """To score, attention checks among them."""
    submitted: int
    needed: int
    own: int
    """Scores that this person has sent."""
    progress: StudyProgress | None
    """Everything else; None while the study is open, for who is no maintainer or scores. Who is which annotator is
    for maintainers."""
    measured: bool
    """Whether the person is shown the agreement so far, while it is open."""

    @property
    def title(self) -> str:
        """What the person may call it."""
        return self.progress.name if self.progress else f"Study {self.study}"

    @property
    def of_failures(self) -> bool:
        """Whether people say how answers fail, and do not score them."""
        return self.progress is not None and self.progress.kind == StudyKind.FAILURES.value


@dataclass
class _Kept:
    """What was computed last, by the hash of what it was computed from."""

    found: dict[str, dict[str, Any]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        with self.lock:
            known = self.found.get(key)
        if known is None:
            known = make()
            with self.lock:
                self.found[key] = known
                while len(self.found) > KEPT:
                    del self.found[next(iter(self.found))]
        return known


_kept = _Kept()


def list_studies(workspace: Workspace, *, person: Person) -> list[StudyShown]:
    """Return every study of the judge, the newest first."""
    with workspace.db.read() as session:
        return [_show(session, study, person) for study in studies.list_studies(session=session)]


def list_failure_studies(workspace: Workspace, *, person: Person) -> list[StudyShown]:
    """Return every study of failures, the newest first: for maintainers, and none in which they take part.

    To be asked in one tells that the judge failed the answer.
    """
    if not person.has(Role.MAINTAINER):
        return []
    with workspace.db.read() as session:
        found = studies.list_studies(session=session, kind=StudyKind.FAILURES)
        return [each for study in found if (each := _show(session, study, person)).progress is not None]


def find_study(workspace: Workspace, *, number: str, person: Person) -> StudyShown:
    """Return one study by its number.

    Raises:
        NotFound: there is none.
    """
    with workspace.db.read() as session:
        study = _find(session, number)
        shown = _show(session, study, person)
    if study.kind != StudyKind.JUDGE.value and not (person.has(Role.MAINTAINER) and shown.progress):
        raise _no_study(number)
    return shown


def read_study(workspace: Workspace, *, name: str, person: Person) -> StudyShown:
    """Return one study by its name, which whoever scores does not know while it is open.

    Raises:
        NotFound: there is none, or it is open and the person is no maintainer.
    """
    with workspace.db.read() as session:
        return _show(session, _get(session, name, person), person)


def read_agreement(workspace: Workspace, *, name: str, person: Person) -> dict[str, Any]:
    """Return the agreement so far of an open study; `judge.study_live` says what stands where.

    Raises:
        NotFound: there is no such study, or the person may not know of it.
        Forbidden: the person scores in it.
        Conflict: it is closed.
        StudyRefused: its content cannot be read.
    """
    with workspace.db.read() as session:
        study = _get(session, name, person)
        if study.closed_at is not None:
            raise Conflict(f"study {name} is closed; read its report")
        if not person.has(Role.MAINTAINER) or _takes_part(session, study, person):
            raise Forbidden(
                "the agreement of an open study is shown to maintainers who do not score in it; its report is there "
                "for all once it is closed"
            )
        content = describe_content(session=session, study=study)

    def make() -> dict[str, Any]:
        try:
            return measure_so_far(content)
        except JudgeError as exc:
            raise StudyRefused(str(exc)) from exc

    return _kept.get(hash_json(content), make)


def read_report(workspace: Workspace, *, name: str, person: Person) -> dict[str, Any]:
    """Return the report of a closed study.

    Raises:
        NotFound: there is no such study, or the person may not know of it yet.
        Conflict: it is not closed.
        StudyRefused: another version froze it.
    """
    with workspace.db.read() as session:
        frozen = _get(session, name, person).frozen_sha256
    return _kept.get(frozen, lambda: make_report(workspace, name=name)) if frozen else make_report(workspace, name=name)


def shown_as_json(shown: StudyShown) -> dict[str, Any]:
    """Return what a person may know of a study with names for scripts."""
    values = asdict(shown)
    del values["progress"], values["measured"]
    return values | (progress_as_json(shown.progress) if shown.progress else {})


def _show(session: Session, study: StudyRow, person: Person) -> StudyShown:
    progress = studies.read_study_progress(session=session, study=study)
    maintains = person.has(Role.MAINTAINER)
    if study.closed_at is not None:
        told: StudyProgress | None = progress if maintains else replace(progress, people=())
    else:
        told = progress if maintains and not _takes_part(session, study, person) else None
    return StudyShown(
        study=study.id or 0,
        state=progress.state,
        answers=progress.answers + progress.attention_checks,
        submitted=progress.submitted,
        needed=progress.needed,
        own=dict(progress.people).get(person.name, 0),
        progress=told,
        measured=told is not None and study.closed_at is None and study.kind == StudyKind.JUDGE.value,
    )


def _takes_part(session: Session, study: StudyRow, person: Person) -> bool:
    """Whether the person scores: by their own role, or because they have sent or hold an answer."""
    asked = Role.ANNOTATOR in person.roles
    return asked or studies.takes_part(session=session, study=study, user_id=person.id)


def _find(session: Session, number: str) -> StudyRow:
    study = session.get(StudyRow, int(number)) if number.isascii() and number.isdecimal() and len(number) < 10 else None
    if study is None:
        raise _no_study(number)
    return study


def _no_study(number: str) -> NotFound:
    return NotFound(f"there is no study {number[:80]!r}; the list names those that there are")


def _get(session: Session, name: str, person: Person) -> StudyRow:
    """Return a study by its name. An open one is as if it were not there for who is no maintainer."""
    if person.has(Role.MAINTAINER):
        return studies.get_study(session=session, name=name)
    known = {study.name: study for study in studies.list_studies(session=session) if study.closed_at is not None}
    if name not in known:
        raise NotFound(f"there is no closed study {name[:80]!r}")
    return known[name]
