"""The editor's note: Markdown → HTML that a mail may hold, and → plain text."""

from __future__ import annotations

import pytest

from newsletter.text import markdown as text_markdown


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("One:\n\n- a\n- b\n- c\n\nEnd.", "One:\n\n- a\n- b\n- c\n\nEnd."),
        ("3. a\n4. b", "3. a\n4. b"),
        ("- a\n- b\n\n1. c\n2. d", "- a\n- b\n\n1. c\n2. d"),
        ("- a\n\n- b", "- a\n\n- b"),
        ("[words](https://www.example.com/) end", "words (https://www.example.com/) end"),
        ("<!-- nothing -->", ""),
    ],
)
def test_the_text_reads_as_it_was_written(markdown: str, text: str) -> None:
    assert text_markdown.to_text(markdown) == text


def test_a_picture_gets_the_width_of_its_own_and_no_other_style() -> None:
    def shown(of: str) -> dict[str, object]:
        return {"src": of, "width": 300, "height": 200}

    html = text_markdown.to_html("![A stamp](https://www.example.com/s.png)", shown)
    assert 'style="max-width:300px"' in html
    assert 'width="300" height="200"' in html
    hostile = (
        '<img src="https://www.example.com/s.png" alt="x" style="position:fixed;width:9999px">'
    )
    assert "style" not in text_markdown.to_html(hostile)
    assert "style" not in text_markdown.to_html('<p style="color:red">x</p>')
