"""How far the reviewing is, for the API and the progress page."""

import time
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any

from curator_app.actions import failures
from curator_app.actions.leak_checks import LeakRates, read_rates
from curator_app.workspace import Workspace
from storage import flags, progress
from storage.accounts import Person, Role
from storage.errors import Forbidden
from storage.flags import Flag
from storage.progress import CategoryProgress, FlawProgress, PersonProgress, TotalProgress
from storage.records import TaskKind
from storage.studies import StudyProgress

TOTALS_LIFE_S = 3.0

_totals: dict[tuple[str, TaskKind], tuple[float, TotalProgress]] = {}
_totals_lock = Lock()


def read_progress(workspace: Workspace, *, person: Person, kind: TaskKind) -> dict[str, Any]:
    """Return `{own: {submitted, today, per_hour, left, skipped}, total: {submitted, needed, items_decided, items}}`.

    The totals walk the whole queue, so they are kept for three seconds. Counts only, no verdicts: `items_decided`
    counts the scenarios whose reviews are all in, the differing ones too. Otherwise whoever submits the last review
    of a scenario, looks here and undoes it would learn what the others said, and could change their own answer. For
    the same reason the caller shows the differences only to those who settle them.
    """
    with workspace.db.read() as session:
        own = progress.own_progress(session=session, user_id=person.id, kind=kind)
    total = _read_total(workspace, kind=kind)
    return {
        "own": asdict(own),
        "total": {
            "submitted": total.submitted,
            "needed": total.needed,
            "items_decided": total.decided + total.adjudicating,
            "items": total.tasks,
        },
    }


def read_people(workspace: Workspace, *, person: Person) -> list[PersonProgress]:
    """Return everybody's counts for a maintainer or an admin; an empty list for others."""
    if not person.has(Role.MAINTAINER):
        return []
    with workspace.db.read() as session:
        return progress.people_progress(session=session)


@dataclass(frozen=True)
class Overview:
    """What a maintainer sees besides the counts."""

    categories: list[CategoryProgress]
    flaws: FlawProgress
    flags: list[Flag]
    leaks: LeakRates
    failures: list[StudyProgress]
    """The studies of how answers fail, the newest first."""


def read_overview(workspace: Workspace, *, person: Person) -> Overview | None:
    """Return the overview for a maintainer or an admin; None for others, who must not know of planted flaws."""
    if not person.has(Role.MAINTAINER):
        return None
    leaks, studies = read_rates(workspace), failures.read_all(workspace)
    with workspace.db.read() as session:
        return Overview(
            categories=progress.category_progress(session=session),
            flaws=progress.flaw_progress(session=session),
            flags=flags.list_open_flags(session=session),
            leaks=leaks,
            failures=studies,
        )


def resolve_flag(workspace: Workspace, *, person: Person, flag_id: int) -> None:
    """Mark a flag as dealt with.

    Raises:
        Forbidden: the person is no maintainer.
        NotFound: there is no such flag.
    """
    if not person.has(Role.MAINTAINER):
        raise Forbidden("resolving flags needs the role maintainer; ask an admin for it")
    with workspace.db.write() as session:
        flags.resolve_flag(session=session, flag_id=flag_id, actor=f"user:{person.name}")
        session.commit()


def _read_total(workspace: Workspace, *, kind: TaskKind) -> TotalProgress:
    key = (str(workspace.db.engine.url), kind)
    now = time.monotonic()
    with _totals_lock:
        kept = _totals.get(key)
        if kept is not None and kept[0] > now:
            return kept[1]
        with workspace.db.read() as session:
            total = progress.total_progress(session=session, kind=kind)
        _totals[key] = (time.monotonic() + TOTALS_LIFE_S, total)
        return total
