"""Files that are there whole or as they were before."""

import os
from pathlib import Path

import pytest

from storage.whole_files import write_whole


def test_text_and_bytes_are_written_with_their_folder_and_rights(tmp_path: Path) -> None:
    write_whole(tmp_path / "new/a.json", "é")
    write_whole(tmp_path / "new/secret", b"\0\xff", mode=0o600)
    assert (tmp_path / "new/a.json").read_bytes() == "é".encode()
    assert (tmp_path / "new/secret").read_bytes() == b"\0\xff"
    assert (tmp_path / "new/secret").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["a.json", "secret"]


def test_a_write_that_is_cut_short_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "run.json"
    write_whole(file, "before")

    def lose_power(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "replace", lose_power)
    with pytest.raises(OSError, match="No space"):
        write_whole(file, "after, and longer")
    monkeypatch.undo()
    assert file.read_text("utf-8") == "before"
    write_whole(file, "then")
    assert file.read_text("utf-8") == "then" and [path.name for path in tmp_path.iterdir()] == ["run.json"]
