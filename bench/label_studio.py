"""Label Studio's community server, as a baseline and for tests: its own environment, its own REST calls.

It is installed into `bench/.label-studio` on first use (about 1 GB, some minutes) and its migrated database is
kept there, because the first start takes minutes. `python -m bench.label_studio` does both (`make setup-labelstudio`).
Its SDK comes with it: installed beside ours, the SDK would take OpenCV and NumPy of the other tests back to older ones.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from bench.servers import free_port, run_child

VERSION = "1.23.2"
FOLDER = Path(__file__).parent / ".label-studio"
EMAIL, PASSWORD = "admin@example.com", "only-for-the-benchmark-1"  # a throw-away server on this machine
CONFIG = """<View>
  <Text name="query" value="$query"/>
  <Choices name="verdict" toName="query" required="true">
    <Choice value="approve"/><Choice value="revise"/><Choice value="reject"/>
  </Choices>
</View>"""


def find_program() -> Path:
    """Return where the server's program is, or would be (CURATOR_LABEL_STUDIO names one that is there)."""
    given = os.environ.get("CURATOR_LABEL_STUDIO")
    return Path(given) if given else FOLDER / "env" / "bin" / "label-studio"


def add_sdk() -> None:
    """Let this process import the server's own SDK, and what that needs, where it has nothing of that name itself."""
    sys.path += [str(path) for path in find_program().parents[1].glob("lib/python3*/site-packages")]


def install() -> Path:
    """Return the server's program, installing it if need be."""
    program = find_program()
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(FOLDER / "env")], check=True)
        subprocess.run([str(FOLDER / "env" / "bin" / "pip"), "install", "-q", f"label-studio=={VERSION}"], check=True)
    return program


def migrate() -> Path:
    """Return the folder of a database that has all migrations behind it, making it if need be."""
    migrated = FOLDER / "migrated"
    if not migrated.exists():
        FOLDER.mkdir(exist_ok=True)
        fresh = FOLDER / "migrating"
        shutil.rmtree(fresh, ignore_errors=True)
        with _run(fresh, log=FOLDER / "migrations.log"):
            pass
        fresh.rename(migrated)
    return migrated


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Yield the address of a running server with an empty, migrated database."""
    data = folder / "data"
    shutil.copytree(migrate(), data)
    with _run(data, log=folder / "label-studio.log") as address:
        yield address


@contextmanager
def _run(data: Path, *, log: Path) -> Iterator[str]:
    data.mkdir(parents=True, exist_ok=True)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    env = {
        "LABEL_STUDIO_BASE_DATA_DIR": str(data),
        "LABEL_STUDIO_COLLECT_ANALYTICS": "false",
        "LABEL_STUDIO_LATEST_VERSION_CHECK": "false",
        "PYTHONPATH": "",  # our packages have names that others use, too
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "LABEL_STUDIO_ALLOWED_HOSTS": "127.0.0.1,localhost",
        "LABEL_STUDIO_USERNAME": EMAIL,
        "LABEL_STUDIO_PASSWORD": PASSWORD,
    }
    command = [str(install()), "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port)]
    with run_child(command, env=env, ready_url=f"{address}/health", log=log, patience_s=900):
        yield address


def sign_in(address: str, *, email: str = EMAIL, password: str = PASSWORD, path: str = "/user/login/") -> str:
    """Sign in, or sign up where `path` is an invitation, and return a Bearer access token (lives 300 s)."""
    return renew_access(address, make_token(address, email=email, password=password, path=path))


def renew_access(address: str, token: str) -> str:
    """Return a Bearer access token (lives 300 s) for a personal access token."""
    access = httpx.post(f"{address}/api/token/refresh/", json={"refresh": token}, timeout=60).raise_for_status()
    return str(access.json()["access"])


def make_token(address: str, *, email: str = EMAIL, password: str = PASSWORD, path: str = "/user/login/") -> str:
    """Sign in, or sign up where `path` is an invitation, and return a personal access token: one, and no second."""
    with httpx.Client(base_url=address, follow_redirects=False, timeout=60) as client:
        page = client.get(path)
        page.raise_for_status()
        form = {"email": email, "password": password, "csrfmiddlewaretoken": client.cookies["csrftoken"]}
        answer = client.post(path, data=form, headers={"Referer": address})
        if answer.status_code != 302:
            raise RuntimeError(f"Label Studio refused {email}: {answer.status_code}")
        headers = {"X-CSRFToken": client.cookies["csrftoken"], "Referer": address}
        return str(client.post("/api/token/", headers=headers).raise_for_status().json()["token"])


def prepare(address: str, *, tasks: int, people: int, overlap: int) -> tuple[int, list[str]]:
    """Make a project with tasks and people; return its id and an access token for each person."""
    admin = {"Authorization": f"Bearer {sign_in(address)}"}
    with httpx.Client(base_url=address, headers=admin, timeout=300) as client:
        body = {"title": "Benchmark", "label_config": CONFIG, "maximum_annotations": overlap}
        project = client.post("/api/projects/", json=body).raise_for_status().json()["id"]
        rows = [{"data": {"query": f"Is there enough breeze here for the plants, take {n}?"}} for n in range(tasks)]
        client.post(f"/api/projects/{project}/import", json=rows).raise_for_status()
        invitation = client.get("/api/invite").raise_for_status().json()["invite_url"]
    tokens = [sign_in(address, email=f"a{n}@example.com", path=invitation) for n in range(people)]
    return project, tokens


if __name__ == "__main__":
    print(f"Label Studio {VERSION} is ready: {migrate()}")
