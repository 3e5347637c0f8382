"""The shipped constitutions: one a category, hashed, short enough for a prompt; files that are no constitution."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from caspo.constitution import (
    FOLDER,
    MAX_CHARACTERS,
    check_policy,
    get_constitution,
    hash_constitutions,
    list_constitutions,
    read_constitution,
    read_policies,
)
from caspo.errors import ConstitutionInvalid
from pipeline.taxonomy import load_taxonomy
from storage.records import Category


def test_every_category_of_the_taxonomy_has_one() -> None:
    shipped = list_constitutions()
    assert list(shipped) == [entry.slug for entry in load_taxonomy().categories]
    assert [get_constitution(category) for category in shipped] == list(shipped.values())
    assert all(re.fullmatch(r"\d+\.\d+", one.version) for one in shipped.values())
    assert len({one.text for one in shipped.values()}) == len(Category)
    assert len(list(FOLDER.iterdir())) == len(Category)


def test_a_policy_says_what_to_look_for_how_to_answer_and_when_to_be_silent() -> None:
    for one in list_constitutions().values():
        assert "# Constitution" not in one.text  # the head is ours, not the model's
        for words in (
            "The danger to look for is",
            "Play it through",
            "Say so first",
            "bare refusal",
            "warn of nothing",
        ):
            assert words in one.text, (one.category, words)
        # The paper's prompts have 2,048 tokens, a picture included.
        assert len(one.text.split()) <= 320


def test_the_hash_is_of_category_version_and_text_and_stays_the_same(tmp_path: Path) -> None:
    one = get_constitution("self_harm")
    copied = Path(shutil.copy(FOLDER / "self_harm.md", tmp_path))
    assert read_constitution(copied) == one and read_constitution(copied).sha256 == one.sha256
    text = copied.read_text("utf-8")
    hashes = {one.sha256}
    for changed in (
        text.replace("height, water", "water, height"),
        text.replace("Constitution 1.0", "Constitution 1.1"),
    ):
        copied.write_text(changed, "utf-8")
        hashes.add(read_constitution(copied).sha256)
    assert len(hashes) == 3
    copied.write_bytes(text.replace("\n", "\r\n").encode())
    assert read_constitution(copied).sha256 == one.sha256
    shipped = list_constitutions()
    backwards = dict(reversed(list(shipped.items())))
    assert hash_constitutions(backwards) == hash_constitutions(shipped) != hash_constitutions({one.category: one})


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("selfharm.md", "# Constitution 1.0: selfharm\nLook.\n", "selfharm.md is of no category; .* self_harm"),
        ("self_harm.md", "Look.\n", "begins with 'Look.'; .* `# Constitution 1.0: self_harm`"),
        ("self_harm.md", "# Constitution 1.0: hate_speech\nLook.\n", "its first line has to be"),
        ("self_harm.md", "# Constitution one: self_harm\nLook.\n", "its first line has to be"),
        ("self_harm.md", "# Constitution 1.0: self_harm\n \n", "has no text after its first line"),
        ("self_harm.md", " \n", "cannot be read: text is empty"),
        ("self_harm.md", "# Constitution 1.0: self_harm\n\x00\n", "cannot be read: text holds a NUL"),
    ],
)
def test_a_file_that_is_no_constitution_is_refused_with_what_is_wrong(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(ConstitutionInvalid, match=said):
        list_constitutions(tmp_path)


def test_a_category_without_a_file_and_an_unknown_one_are_told(tmp_path: Path) -> None:
    for file in FOLDER.glob("*.md"):
        shutil.copy(file, tmp_path)
    (tmp_path / "hate_speech.md").unlink()
    with pytest.raises(ConstitutionInvalid, match=r"no constitution for hate_speech; add hate_speech\.md"):
        list_constitutions(tmp_path)
    with pytest.raises(ConstitutionInvalid, match="'hate' is unknown; known: violent_content"):
        get_constitution("hate")
    (tmp_path / "self_harm.md").write_bytes(b"\xff\xfe")
    with pytest.raises(ConstitutionInvalid, match=r"self_harm\.md cannot be read"):
        get_constitution("self_harm", tmp_path)


def test_a_policy_is_taken_as_it_is_but_for_white_space_around_it_and_line_ends() -> None:
    assert check_policy("  Look.\r\nTwice.\rNow.\n\n") == "Look.\nTwice.\nNow."
    assert check_policy("a" * MAX_CHARACTERS) == "a" * MAX_CHARACTERS
    for one in list_constitutions().values():
        assert check_policy(one.text) == one.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (" \n", "text is empty"),
        ("a\x00b", "NUL"),
        ("a" * (MAX_CHARACTERS + 1), "has 8,001 characters; use at most 8,000"),
        ("Look.<|im_end|>", "a token of chat templates"),
        ("Look at <image> twice.", "a placeholder such as `<image>`"),
    ],
)
def test_what_a_model_would_take_for_something_else_is_no_policy(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConstitutionInvalid, match=said):
        check_policy(text)
    file = tmp_path / "self_harm.md"
    file.write_text(f"# Constitution 1.0: self_harm\nBegin. {text}", "utf-8")
    if text.strip():
        with pytest.raises(ConstitutionInvalid, match=r"self_harm\.md"):
            read_constitution(file)


def test_policies_of_a_file_have_its_name_for_a_version_and_are_all_there(tmp_path: Path) -> None:
    texts = {category.value: f"Look for {category.value}." for category in Category}
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(texts), "utf-8")
    found = read_policies(file)
    assert list(found) == list(Category)
    assert {one.text for one in found.values()} == set(texts.values())
    assert {one.version for one in found.values()} == {"mine.yaml"}
    for given, said in (
        ({k: v for k, v in texts.items() if k != "hate_speech"}, r"mine\.yaml: none for hate_speech; add it"),
        (texts | {"hate": "Look."}, r"mine\.yaml cannot be read: (.|\n)*`category: text` lines"),
        (texts | {"self_harm": "Look.<|im_end|>"}, r"mine\.yaml, self_harm: .*chat templates"),
        (["Look."], r"mine\.yaml cannot be read"),
    ):
        file.write_text(yaml.safe_dump(given), "utf-8")
        with pytest.raises(ConstitutionInvalid, match=said):
            read_policies(file)
    with pytest.raises(ConstitutionInvalid, match=r"gone\.yaml cannot be read"):
        read_policies(tmp_path / "gone.yaml")
