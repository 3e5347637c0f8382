"""The documentation is true: nothing is left out, no link is dead, and README's commands run."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import typer
from curator_here import run_curator_here
from factories import make_answers

from curator_app.cli import app as cli
from curator_app.server import own_routes
from curator_app.settings import Settings
from curator_app.workspace import open_workspace
from pipeline.starter.loader import read_starter
from pipeline.taxonomy import load_taxonomy
from storage.accounts import list_accounts
from storage.audit import Tag
from storage.records import TaskKind
from storage.reviews import claim_next, submit_review
from storage.stages import Stage

ROOT = Path(__file__).parents[1]
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
CURATOR = Path(sys.executable).parent / "curator"


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_setting_is_documented_and_no_other() -> None:
    named = set(re.findall(r"^\| `CURATOR_([A-Z_]+)`", read("docs/settings.md"), re.M))
    assert named == {name.upper() for name in Settings.model_fields}


def test_every_audit_tag_is_documented_and_no_other() -> None:
    assert set(re.findall(r"^\| `([a-z_:]+)`", read("docs/audit.md"), re.M)) == {tag.value for tag in Tag}


def test_every_stage_is_documented() -> None:
    assert set(re.findall(r"^\| `([a-z]+)` \|", read("docs/storage.md"), re.M)) == {stage.value for stage in Stage}


def test_every_route_for_scripts_is_documented_and_no_other() -> None:
    routes = {
        f"{method} {re.sub(r':[a-z]+}', '}', route.path)}"
        for route in own_routes()
        for method in (route.methods or set()) - {"HEAD"}
        if re.match(r"/(api/v1|media|releases|healthz|readyz)", route.path)
    }
    assert set(re.findall(r"`((?:GET|POST|PUT|DELETE) [^`?]+)`", read("docs/api.md"))) == routes


def commands(group: typer.Typer, prefix: str = "curator") -> Iterator[str]:
    for command in group.registered_commands:
        yield f"{prefix} {command.name or (command.callback.__name__ if command.callback else '')}"
    for inner in group.registered_groups:
        yield from commands(inner.typer_instance, f"{prefix} {inner.name or inner.typer_instance.info.name}")


def test_every_command_is_documented() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCS)
    missing = [command for command in commands(cli) if not re.search(rf"{re.escape(command)}\b", text)]
    assert missing == []


@pytest.mark.parametrize(
    ("screen", "page"), [("review", "reviewing"), ("leakage", "leakage-checks"), ("failures", "failures")]
)
def test_every_key_of_the_screens_is_documented(screen: str, page: str) -> None:
    text = read(f"curator_app/static/{screen}/keys.js")
    keys = set(re.findall(r"\bkey: '(.)'", text)) | set("".join(re.findall(r"\[\.\.\.'(\w+)'\]", text)))
    shown = read(f"docs/{page}.md")
    assert len(keys) > 10
    assert [key for key in keys if f"`{key.upper()}`" not in shown] == []


def test_every_sub_category_is_documented_with_its_mapping_and_quota() -> None:
    shown = read("docs/taxonomy.md")
    for entry in load_taxonomy().categories:
        for sub in entry.sub_categories:
            row = f"| {entry.title} | {sub.title} (`{sub.slug}`) | {', '.join(sub.vlsbench) or '–'} | {sub.quota} |"
            assert row in shown


def test_the_numbers_of_the_starter_scenarios_are_right() -> None:
    starter = read_starter(taxonomy=load_taxonomy())
    pictured = sum(entry.picture is not None for _, entry in starter)
    for name in ("README.md", "CHANGELOG.md"):
        text = " ".join(read(name).split())
        assert f"{len(starter)} starter scenarios" in text
        assert re.search(rf"\b{pictured} (pictures|of them with pictures)", text)


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8"))
    dead = [target for target in targets if "://" not in target and not (path.parent / target).exists()]
    assert dead == []


def test_the_make_targets_of_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.M))
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCS)
    named = set(re.findall(r"(?:`|^ +)make ([a-z-]+)", text, re.M))
    assert {"demo", "test"} <= named <= targets


# --- README's commands, run as they stand


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def serve_for_a_moment(env: dict[str, str], cwd: Path) -> None:
    port = free_port()
    server = subprocess.Popen([CURATOR, "serve", "--port", str(port)], env=env, cwd=cwd)
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                assert httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200
                break
            except httpx.TransportError:
                assert server.poll() is None
                assert time.monotonic() < deadline, "the server did not get ready"
                time.sleep(0.3)
        page = httpx.get(f"http://127.0.0.1:{port}/", headers={"Accept": "text/html"}, timeout=30)
        assert (page.status_code, page.headers["location"]) == (303, "/sign-in")
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)


def approve(home: Path, count: int) -> None:
    """What the annotators do between the commands: two people approve `count` scenarios."""
    workspace = open_workspace(Settings(home=home))
    with workspace.db.write() as session:
        people = [account.person.id for account in list_accounts(session=session)][:2]
        for person in people:
            for claim in claim_next(session=session, user_id=person, kind=TaskKind.SCENARIO_REVIEW, count=count):
                submit_review(
                    session=session,
                    user_id=person,
                    claim_id=claim.claim_id,
                    answers=make_answers(),
                    idempotency_key=claim.claim_id,
                )
        session.commit()
    workspace.close()


def test_the_commands_of_readme_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        line
        for block in re.findall(r"```bash\n(.*?)```", read("README.md"), re.S)
        for line in block.splitlines()
        if line.strip()
    ]
    assert len(lines) >= 8
    env = {key: value for key, value in os.environ.items() if not key.startswith("CURATOR_")}
    home = tmp_path / "curator-data"
    for line in lines:
        program, *arguments = shlex.split(line)
        assert program == "curator"
        if arguments == ["serve"]:
            serve_for_a_moment(env, tmp_path)
            continue
        if arguments[:2] == ["release", "freeze"]:
            approve(home, 3)
        if arguments[:2] == ["release", "diff"]:
            approve(home, 2)
            subprocess.run([CURATOR, "release", "freeze", "v1.1"], env=env, cwd=tmp_path, check=True)
        code, out, err = run_curator_here(
            *arguments, environment=env, cwd=tmp_path, monkeypatch=monkeypatch, capsys=capsys
        )
        assert code == 0, f"{line}\n{out}\n{err}"
        if arguments[:2] == ["users", "add"]:
            assert re.search(r"/link/\S{40,}", out)
    assert (tmp_path / "exported").is_dir()


def test_the_tables_of_the_benchmarks_show_the_kept_figures() -> None:
    sys.path.insert(0, str(ROOT))
    from bench.write_tables import list_pages

    for (page, name), tables in list_pages().items():
        assert f"<!-- {name} -->\n{tables}<!-- end of {name} -->\n" in page.read_text("utf-8"), name
