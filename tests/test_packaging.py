"""What an installed package holds: every file that the code reads, and no model library."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = ("curator_app", "pipeline", "judge", "caspo", "storage", "endpoints")


def test_every_file_beside_the_code_is_packaged() -> None:
    packaged = {
        path
        for package, patterns in PROJECT["tool"]["setuptools"]["package-data"].items()
        for pattern in patterns
        for path in (ROOT / package).glob(pattern)
    }
    left_out = [
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc") and path not in packaged and path.name != "README.md"
    ]
    assert left_out == []


@pytest.mark.thorough
def test_the_app_installs_without_a_model_library() -> None:
    needed = {re.split(r"[\[<>=; ]", line)[0].lower() for line in PROJECT["project"]["dependencies"]}
    assert (
        needed & {"torch", "torchvision", "transformers", "diffusers", "sentence-transformers", "vllm", "verl"} == set()
    )
    assert {"gradio", "fastapi", "sqlmodel", "alembic"} <= needed


def test_every_package_is_listed() -> None:
    listed = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    assert listed == [f"{package}*" for package in PACKAGES]
    contracts = PROJECT["tool"]["importlinter"]
    assert set(contracts["root_packages"]) == set(PACKAGES)
