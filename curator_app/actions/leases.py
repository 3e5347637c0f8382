"""Holding the lease of a job while this process works on it."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from caspo.errors import CaspoError
from curator_app.errors import AppError
from endpoints.errors import EndpointError
from judge.errors import JudgeError
from pipeline.errors import PipelineError
from storage import jobs
from storage.db import Database
from storage.errors import Busy, StorageError, StorageFull
from storage.jobs import Job, JobState, LeaseLost

log = logging.getLogger("curator")

_FOR_PEOPLE = (AppError, CaspoError, EndpointError, JudgeError, PipelineError, StorageError)
"""Errors of ours, whose text is a sentence by itself; of any other the name says most."""
BEAT_S = 2.0
"""How often the lease is renewed and progress is written: many times within the life of a lease."""


class Lease:
    """A held job. A thread of its own renews it, so that work which blocks the event loop loses nothing."""

    def __init__(self, db: Database, job: Job, *, beat_s: float = BEAT_S) -> None:
        self.job = job
        self.read_progress: Callable[[], dict[str, Any]] | None = None
        """Tells how far the work is."""
        self.ended_early = ""
        """Why the work ends early, once its owner says so."""
        self._db = db
        self._beat_s = beat_s
        self._stop: Callable[[str], None] | None = None
        self._reason = ""
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"lease of {job.name}", daemon=True)

    def call_to_stop(self, stop: Callable[[str], None]) -> None:
        """Call `stop` with the reason when somebody asks for an end, or the lease is lost; now, if that has been."""
        self._stop = stop
        if self._reason:
            stop(self._reason)

    def progress(self) -> dict[str, Any] | None:
        """Return how far the work is, None before it has begun."""
        return self.read_progress() if self.read_progress else None

    def start(self) -> None:
        """Begin to renew."""
        self._thread.start()

    def close(self) -> None:
        """Stop renewing; the lease stays until it is given back or lapses."""
        self._done.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._done.wait(self._beat_s):
            try:
                self._renew()
            except LeaseLost as exc:
                self._ask(str(exc))
                return
            except (Busy, StorageFull) as exc:
                log.warning("the lease of %s was not renewed this time: %s", self.job.name, exc)

    def _renew(self) -> None:
        with self._db.write() as session:
            job = jobs.renew_job(
                session=session, job_id=self.job.id, owner=self.job.owner, progress=self.progress()
            )  # fmt: skip
            session.commit()
        if job.state is JobState.STOPPING:
            self._ask(job.message)

    def _ask(self, reason: str) -> None:
        if not self._reason:
            self._reason = reason
            if self._stop is not None:
                self._stop(reason)


@contextmanager
def hold_job(
    db: Database, *, kind: str, name: str, actor: str, request: dict[str, Any] | None, beat_s: float = BEAT_S
) -> Iterator[Lease]:
    """Hold a job's lease; without a `request` the job that was put down for this process. Say at the end how it went.

    Raises:
        Conflict: another process works on the job; LeaseLost: one took it over, because this one was out too long.
        NotFound: nothing was put down under this name.
    """
    owner = jobs.make_owner()
    with db.write() as session:
        if request is None:
            job = jobs.take_queued_job(session=session, kind=kind, name=name, owner=owner)
        else:
            job = jobs.take_job(session=session, kind=kind, name=name, owner=owner, actor=actor, request=request)
        session.commit()
    lease = Lease(db, job, beat_s=beat_s)
    lease.start()
    failed, message = True, "ended at once by hand"
    try:
        yield lease
        failed, message = False, lease.ended_early
    except Exception as exc:
        message = str(exc) if isinstance(exc, _FOR_PEOPLE) else f"{type(exc).__name__}: {exc}"
        raise
    finally:
        lease.close()
        with db.write() as session:
            jobs.end_job(
                session=session,
                job_id=job.id,
                owner=owner,
                failed=failed,
                message=message,
                progress=lease.progress(),
            )
            session.commit()
