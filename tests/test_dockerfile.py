"""The Dockerfile says what is there: targets, files, extras. There is no daemon here to build it with."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_it_has_a_target_for_the_app_and_one_for_training() -> None:
    # The last one is what a build makes without a target.
    assert re.findall(r"^FROM \S+ AS (\w+)$", TEXT, re.M) == ["train", "app"]


def test_every_file_that_it_copies_is_there_and_every_package_is_copied() -> None:
    for stage in TEXT.split("FROM ")[1:]:
        copied = [name for line in re.findall(r"^COPY (.+)$", stage, re.M) for name in line.split()[:-1]]
        assert copied
        for name in copied:
            assert (ROOT / name).exists(), name
        packages = {name.rstrip("*") for name in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]}
        assert packages <= set(copied)


def test_the_extras_that_it_installs_exist() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    named = [name for line in re.findall(r"EXTRAS=([\w,]+)", TEXT) for name in line.split(",")]
    assert set(named) == {"models", "verl", "dpo"}
    assert set(named) <= set(extras)
