"""Training data out of a workspace, or on a machine without one: what `curator caspo prepare` does."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caspo.dataset.config import DatasetConfig, make_config, read_config
from caspo.dataset.gate import BarredRow, list_barred
from caspo.dataset.prepare import Prepared, prepare
from caspo.dataset.progress import Observer
from caspo.errors import CaspoError
from curator_app.actions.benchmarks import read_benchmarks
from curator_app.actions.constitutions import choose_constitutions
from curator_app.actions.judging import FOLDER as JUDGE_RUNS
from curator_app.actions.releases import find_line, read_releases
from curator_app.actions.runs import ENDPOINTS_FILE
from curator_app.actions.training_data_page import draw_training_data
from curator_app.errors import AppError
from curator_app.workspace import Workspace
from endpoints.config import build_endpoints, load_endpoints
from endpoints.embeddings import EmbeddingEndpoint, HashEmbeddings
from endpoints.errors import EndpointError
from endpoints.ledger import Ledger
from storage.records import Split
from storage.release_files import read_release
from storage.release_manifest import MANIFEST
from storage.whole_files import write_whole

FOLDER = "training-data"
PAGE = "report.html"
TRAINED_ON = ("beavertails-v/train", "spa-vl/train")
"""Parts of imported public benchmarks that are there to be trained on, and so bar nothing."""


class DataNotPrepared(AppError):
    """Training data cannot be made; the message says why and what to do."""


@dataclass(frozen=True)
class DataRequest:
    """What is asked for on the command line. What is None stays as the file has it, or at its default."""

    config: Path | None = None
    releases: tuple[str, ...] = ()
    """Versions of the workspace, or release folders."""
    judge_runs: tuple[str, ...] = ()
    """Names of the workspace, or folders."""
    beavertails: tuple[Path, ...] = ()
    spa_vl: tuple[Path, ...] = ()
    benchmarks: tuple[Path, ...] = ()
    """Folders of benchmark releases beside those of the workspace."""
    choices: Mapping[str, Any] | None = None
    """Fields of `DatasetConfig`."""
    endpoints: Path | None = None
    constitutions: str | None = None
    """`shipped`, `workspace` or a file; None: the workspace's, without one the package's."""


@dataclass(frozen=True)
class PreparedData:
    """What came of it."""

    prepared: Prepared
    compared: int
    """Rows of benchmarks that the prompts were compared with."""
    embeddings: str


def prepare_data(
    home: Path, workspace: Workspace | None, request: DataRequest, *, to: Path | None, observer: Observer | None = None
) -> PreparedData:
    """Make a folder of training data, and its page.

    Args:
        home: the workspace's folder.
        workspace: None where there is no database; then only benchmarks that are named keep anything out.
        request: what to make of what.
        to: the folder; None: `training-data/SOURCE-seed-SEED` in `home`.
        observer: told how far it is.

    Raises:
        DataNotPrepared: a source is a benchmark or matches one, or something cannot be used.
        ConstitutionRefused: the constitutions cannot be used.
        StorageError: a release does not exist or does not verify.
    """
    rules = choose_constitutions(workspace, request.constitutions)
    try:
        config = _make_config(home, workspace, request)
        embeddings = choose_embeddings(request.endpoints or home / ENDPOINTS_FILE)
        barred = list(list_barred_rows(workspace, request.benchmarks))
        folder = to or home / FOLDER / _name_folder(config)
        prepared = prepare(
            config, to=folder, barred=barred, embeddings=embeddings, constitutions=rules, observer=observer
        )
    except (CaspoError, EndpointError) as exc:
        raise DataNotPrepared(str(exc)) from exc
    write_whole(folder / PAGE, draw_training_data(prepared))
    return PreparedData(prepared, len(barred), embeddings.name)


def _make_config(home: Path, workspace: Workspace | None, request: DataRequest) -> DatasetConfig:
    given: dict[str, Any] = dict(request.choices or {})
    if request.releases:
        given["releases"] = [{"path": name} for name in request.releases]
    if request.judge_runs:
        given["judge_runs"] = list(request.judge_runs)
    public = [("beavertails-v", path) for path in request.beavertails] + [("spa-vl", path) for path in request.spa_vl]
    if public:
        given["public"] = [{"kind": kind, "path": path} for kind, path in public]
    config = read_config(request.config, **given) if request.config else make_config(given)
    found = config.model_dump()
    for release in found["releases"]:
        release["path"] = _find_release(workspace, release["path"])
    found["judge_runs"] = [path if path.is_dir() else home / JUDGE_RUNS / path for path in config.judge_runs]
    return make_config(found)


def _find_release(workspace: Workspace | None, path: Path) -> Path:
    """Return the folder of a release that is named by folder or version; it is verified when it is read."""
    if workspace is None or (path / MANIFEST).exists():
        return path
    return find_line(workspace, str(path)).folder


def _name_folder(config: DatasetConfig) -> str:
    first = config.releases[0].path.name if config.releases else config.public[0].kind
    return f"{first}-seed-{config.seed}"


def list_barred_rows(workspace: Workspace | None, folders: Sequence[Path]) -> Iterator[BarredRow]:
    """Yield the benchmark releases and the imported public benchmarks of the workspace, and the releases named."""
    named = list(folders)
    if workspace is not None:
        named += [line.folder for line in read_releases(workspace) if line.split == Split.BENCHMARK.value]
    for folder in dict.fromkeys(path.resolve() for path in named):
        yield from list_barred(read_release(folder))
    if workspace is not None:
        for row in read_benchmarks(workspace):
            if not f"{row.benchmark}/{row.row}".startswith(TRAINED_ON):
                yield BarredRow(row.where, row.query, row.pictures)


def choose_embeddings(file: Path) -> EmbeddingEndpoint:
    """Return the model of the endpoints file's role `embedding`, without one vectors of words."""
    if not file.exists():
        return HashEmbeddings()
    config = load_endpoints(file)
    roles = build_endpoints(config, cache_dir=None, ledger=Ledger(None))
    return roles.embedding if roles.has("embedding") else HashEmbeddings()
