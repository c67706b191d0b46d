"""What the preview changes in a mail before showing it."""

from __future__ import annotations

import pytest

from newsletter.web.preview import mail_views

PICTURES = "https://news.example.com/issues/2025-07-07/"


def styled(css: str) -> str:
    return f"<html><head><style>{css}</style></head><body>x</body></html>"


@pytest.mark.parametrize(
    "query",
    [
        "@media (prefers-color-scheme: dark) {",
        "@media(prefers-color-scheme:dark){",
        "@media\n  ( prefers-color-scheme :  dark )\n{",
        "@MEDIA (Prefers-Color-Scheme: Dark) {",
    ],
)
def test_dark_query_is_decided(query: str) -> None:
    html = styled(query + " p { color: #fff } }")
    assert "@media all" in mail_views.in_theme(html, "dark").lower()
    assert "@media not all" in mail_views.in_theme(html, "light").lower()
    for theme in ("light", "dark"):
        assert "prefers" not in mail_views.in_theme(html, theme).lower()


def test_light_query_is_decided_the_other_way_round() -> None:
    html = styled("@media (prefers-color-scheme: light) { p { color: #000 } }")
    assert "@media all {" in mail_views.in_theme(html, "light")
    assert "@media not all {" in mail_views.in_theme(html, "dark")


def test_query_among_others_leaves_the_others_alone() -> None:
    html = styled("@media screen and (prefers-color-scheme: dark) and (max-width: 480px) {}")
    assert "screen and (min-width:0) and (max-width: 480px)" in mail_views.in_theme(html, "dark")
    assert "screen and (max-width:0) and (max-width: 480px)" in mail_views.in_theme(html, "light")


def test_attribute_is_decided_too() -> None:
    html = '<source srcset="a.png" media="(prefers-color-scheme: dark)">'
    assert mail_views.in_theme(html, "dark") == '<source srcset="a.png" media="all">'
    assert mail_views.in_theme(html, "light") == '<source srcset="a.png" media="not all">'


def test_words_of_a_story_are_never_changed() -> None:
    html = "<p>How to write @media (prefers-color-scheme: dark) in CSS</p>"
    assert mail_views.in_theme(html, "dark") == html
    assert not mail_views.has_dark_palette(html)
    assert mail_views.has_dark_palette(styled("@media (prefers-color-scheme: dark) {}"))


def test_links_open_in_a_new_tab_and_a_declared_scheme_is_fixed() -> None:
    html = styled(":root { color-scheme: light dark; }")
    dark = mail_views.mail(html, "dark", PICTURES)
    assert dark.startswith('<html><head><base target="_blank"><style>')
    assert "color-scheme:only dark" in dark
    assert "only light" in mail_views.mail(html, "light", PICTURES)
    assert "only" not in mail_views.mail(styled("p { color: red }"), "dark", PICTURES)


@pytest.mark.parametrize("published", [PICTURES, "/issues/2025-07-07/"])
def test_own_pictures_come_from_this_machine(published: str) -> None:
    html = (
        f'<img src="{published}images/a.png"><td style="background:url({published}pictures/b.png)">'
        f"{published}images/c.png https://other.example{published}images/d.png"
    )
    found = mail_views.mail(html, "light", published)
    assert '<img src="/images/a.png">' in found
    assert "url(/pictures/b.png)" in found
    assert f"{published}images/c.png" in found
    assert f"https://other.example{published}images/d.png" in found


def test_links_that_name_a_place_of_their_own_open_in_a_new_tab_too() -> None:
    html = '<head></head><a class="x" target="_self" href="/a">a</a><A href=b target=_top>b</A>'
    found = mail_views.mail(html, "light", PICTURES)
    assert '<a class="x" href="/a">a</a><A href=b>b</A>' in found
    assert found.count("target=") == 1  # of the base


def test_every_tag_says_in_which_line_of_the_built_mail_it_begins() -> None:
    html = "<!DOCTYPE html>\n<!-- a < b -->\n<p>1 <b\n title='x'>c</b> &lt;i> <br/></p>"
    assert mail_views.with_lines(html) == (
        "<!DOCTYPE html>\n<!-- a < b -->\n"
        '<p data-line="3">1 <b data-line="3"\n title=\'x\'>c</b> &lt;i> <br data-line="4"/></p>'
    )
