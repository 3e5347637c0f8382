"""A model's answer as HTML: where its sentences begin, and nothing that runs or is fetched."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator_app.api.markdown import find_sentences, render_answer

ANSWER = """Yes. A **balcony** is fine!

1. First do this. Then that.
2. **Warning:** mind the gaps.

## Last
> quoted words

| a | b |
|---|---|
| c | d |
"""


def starts_in(html: str) -> list[int]:
    return [int(place) for place in re.findall(r'<span data-start="(\d+)"></span>', html)]


def test_sentences_begin_behind_the_marks_of_lists_headings_and_emphasis() -> None:
    told = [ANSWER[start:].split("\n")[0] for start in find_sentences(ANSWER)]
    assert told == [
        "Yes. A **balcony** is fine!", "A **balcony** is fine!", "First do this. Then that.", "Then that.",
        "Warning:** mind the gaps.", "Last", "quoted words", "a | b |", "c | d |",
    ]  # fmt: skip


def test_the_marks_lie_before_their_words_and_leave_the_markdown_as_it_is() -> None:
    html = render_answer(ANSWER)
    assert starts_in(html) == find_sentences(ANSWER)
    assert f'<strong><span data-start="{ANSWER.index("Warning")}"></span>Warning:</strong>' in html
    assert f'<h2><span data-start="{ANSWER.index("Last")}"></span>Last</h2>' in html
    assert html.count("<li>") == 2 and "<table>" in html and "<blockquote>" in html


def test_places_count_characters_not_bytes() -> None:
    text = "Ja, 🌿 schön. Achtung!"
    assert [text[start:] for start in starts_in(render_answer(text))] == [text, "Achtung!"]


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "![p](https://elsewhere.example/p.png)",
        "[click](javascript:alert(1)) <https://elsewhere.example>",
        "<img src=x onerror=alert(1)>\n\n<iframe src='//elsewhere.example'>",
    ],
)
def test_nothing_runs_and_nothing_is_fetched(text: str) -> None:
    html = render_answer(text)
    assert not re.search(r"<(?!/?(p|span)\b)", html)
    assert "href" not in html and not re.search(r"<[^>]* src", html)


@given(st.text(alphabet=st.sampled_from("ab. \n*_#>|-1`[]()!:\\~<\ue000\t"), max_size=80))
def test_every_place_of_any_text_is_shown_once_in_order(text: str) -> None:
    html = render_answer(text)
    assert starts_in(html) in (find_sentences(text), (find_sentences(text) or [0])[:1])
