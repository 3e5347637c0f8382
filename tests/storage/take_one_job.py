"""One of several processes that try to take the same forty jobs: `python take_one_job.py URL NUMBER`."""

import sys

from storage.db import open_database
from storage.errors import Conflict
from storage.jobs import make_owner, take_job


def main() -> None:
    db = open_database(sys.argv[1])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for number in range(40):
        try:
            with db.write() as session:
                take_job(session=session, kind="run", name=f"job{number}", owner=make_owner(), actor="test")
                session.commit()
            sys.stdout.write(f"job{number}\n")
        except Conflict:
            pass
    sys.stdout.write("tried\n")
    sys.stdout.flush()
    sys.stdin.readline()  # a dead owner's job is free, so nobody leaves before all have tried
    db.close()


if __name__ == "__main__":
    main()
