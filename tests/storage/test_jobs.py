"""Jobs and their leases, on both databases: one owner at a time, also among real processes that race."""

import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage.db import Database
from storage.errors import Conflict, NotFound
from storage.jobs import (
    LEASE_S,
    START_S,
    JobState,
    LeaseLost,
    ask_to_stop,
    end_job,
    find_job,
    list_jobs,
    make_owner,
    queue_job,
    renew_job,
    take_job,
    take_queued_job,
)

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
RACER = Path(__file__).parent / "take_one_job.py"


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def do(db: Database, function, **arguments):
    with db.write() as session:
        result = function(session=session, **arguments)
        session.commit()
        return result


def take(db: Database, owner: str, seconds: float = 0, **more):
    return do(db, take_job, kind="run", name="first", owner=owner, actor="user:mia", now=at(seconds), **more)


def state(db: Database, seconds: float = 0) -> JobState:
    with db.read() as session:
        return find_job(session=session, kind="run", name="first", now=at(seconds)).state


def test_a_job_goes_from_queued_to_ended(db: Database) -> None:
    queued = do(db, queue_job, kind="run", name="first", request={"n": 1}, actor="user:mia", now=NOON)
    assert (queued.state, queued.sitting, queued.request) == (JobState.QUEUED, 0, {"n": 1})
    job = do(db, take_queued_job, kind="run", name="first", owner="h:1:a", now=at(1))
    assert (job.state, job.sitting, job.request, job.actor) == (JobState.RUNNING, 1, {"n": 1}, "user:mia")
    renewed = do(db, renew_job, job_id=job.id, owner="h:1:a", progress={"done": 3}, now=at(2))
    assert (renewed.progress, renewed.heartbeat_at) == ({"done": 3}, at(2))
    do(db, end_job, job_id=job.id, owner="h:1:a", now=at(3))
    with db.read() as session:
        (only,) = list_jobs(session=session, kind="run", now=at(9_999))
    assert (only.state, only.ended_at, only.progress) == (JobState.ENDED, at(3), {"done": 3})


def test_a_held_job_is_refused_with_its_holder_until_the_lease_lapses(db: Database) -> None:
    job = take(db, "box:4711:a")
    with pytest.raises(Conflict, match=r"run first is running.*process 4711 on box.*stop it first"):
        take(db, "box:4712:b", 1)
    with pytest.raises(Conflict, match="running"):
        do(db, queue_job, kind="run", name="first", request={}, actor="user:mia", now=at(LEASE_S - 1))
    do(db, renew_job, job_id=job.id, owner="box:4711:a", now=at(LEASE_S - 1))
    assert state(db, LEASE_S + 1) is JobState.RUNNING
    assert state(db, 2 * LEASE_S) is JobState.INTERRUPTED
    assert take(db, "box:4712:b", 2 * LEASE_S).sitting == 2


def test_who_lost_the_lease_can_neither_renew_nor_end(db: Database) -> None:
    job = take(db, "h:1:a")
    take(db, "h:2:b", LEASE_S + 1)
    for function in (renew_job, end_job):
        with pytest.raises(LeaseLost, match=r"h:1:a"):
            do(db, function, job_id=job.id, owner="h:1:a", now=at(LEASE_S + 2))
    assert state(db, LEASE_S + 2) is JobState.RUNNING


def test_a_lease_that_lapsed_unnoticed_can_be_renewed_while_nobody_took_it(db: Database) -> None:
    job = take(db, "h:1:a")
    do(db, renew_job, job_id=job.id, owner="h:1:a", now=at(5 * LEASE_S))
    assert state(db, 5 * LEASE_S + 1) is JobState.RUNNING


def test_stopping_asks_the_owner_and_survives_its_renewals(db: Database) -> None:
    job = take(db, "h:1:a")
    assert do(db, ask_to_stop, kind="run", name="first", actor="mia", now=at(1)).state is JobState.STOPPING
    assert do(db, ask_to_stop, kind="run", name="first", actor="root", now=at(2)).message == "stopped by mia"
    assert do(db, renew_job, job_id=job.id, owner="h:1:a", now=at(3)).state is JobState.STOPPING
    do(db, end_job, job_id=job.id, owner="h:1:a", message="stopped by mia", now=at(4))
    with pytest.raises(Conflict, match="is ended, so there is nothing to stop"):
        do(db, ask_to_stop, kind="run", name="first", actor="mia", now=at(5))
    with pytest.raises(NotFound, match="'other'"):
        do(db, ask_to_stop, kind="run", name="other", actor="mia", now=at(5))


def test_a_job_stopped_before_its_process_came_is_not_begun(db: Database) -> None:
    do(db, queue_job, kind="run", name="first", request={}, actor="user:mia", now=NOON)
    do(db, ask_to_stop, kind="run", name="first", actor="mia", now=at(1))
    with pytest.raises(Conflict, match="is ended and not waiting"):
        do(db, take_queued_job, kind="run", name="first", owner="h:1:a", now=at(2))


def test_a_queued_job_whose_process_never_came_shows_as_interrupted(db: Database) -> None:
    do(db, queue_job, kind="run", name="first", request={}, actor="user:mia", now=NOON)
    with pytest.raises(Conflict, match="is queued"):
        do(db, queue_job, kind="run", name="first", request={}, actor="user:mia", now=at(1))
    assert state(db, START_S + 1) is JobState.INTERRUPTED
    again = do(db, queue_job, kind="run", name="first", request={"n": 2}, actor="user:mia", now=at(START_S + 1))
    assert (again.state, again.request) == (JobState.QUEUED, {"n": 2})


def test_the_death_of_an_owner_on_this_machine_is_noticed_at_once(db: Database) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    take(db, f"{socket.gethostname()}:{gone.pid}:a")
    assert state(db, 1) is JobState.INTERRUPTED
    assert take(db, make_owner(), 1).sitting == 2
    assert state(db, 2) is JobState.RUNNING, "this process lives"


@pytest.mark.thorough
def test_of_real_processes_that_race_one_gets_the_job(db: Database) -> None:
    url = db.engine.url.render_as_string(hide_password=False)
    racers = [
        subprocess.Popen([sys.executable, RACER, url, str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for n in range(3)
    ]
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    won: list[str] = []
    for racer in racers:
        while (line := racer.stdout.readline().strip()) != "tried":
            assert line, "a racer broke"
            won.append(line)
    for racer in racers:
        racer.communicate("leave\n", timeout=60)
    assert sorted(won) == sorted(f"job{n}" for n in range(40))
