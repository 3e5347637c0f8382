"""A page that was written to a file needs no other file or server, and runs nothing."""

import re
from html.parser import HTMLParser


class Tags(HTMLParser):
    """Every tag with its attributes, and all text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def check_stands_alone(page: str, *, pictures: bool = False) -> Tags:
    """With `pictures`, pictures may stand inside the page as data."""
    tags = Tags(page)
    names = {tag for tag, _ in tags.tags}
    assert not names & {"script", "iframe", "object", "embed", "form", "base"}
    for tag, attributes in tags.tags:
        if tag == "img" and pictures:
            assert re.match(r"data:image/webp;base64,", attributes.pop("src") or ""), attributes
        assert tag != "img" or pictures
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "srcset", "action")], tag
        assert re.match(r"#|data:,", attributes.get("href") or "#"), attributes
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.S)
    assert "url(" not in style and "@import" not in style
    return tags
