"""WordPress sites, sitemaps and article pages with all their moods."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from newsletter import sources
from newsletter.errors import FetchError
from newsletter.gather.discovery import discover
from newsletter.http import Fetcher
from newsletter.model import Article, Window
from newsletter.sources import Surroundings, _article_page
from tests.contract import samples
from tests.e2e.publisher import Publisher, publisher
from tests.newsroom import feed

WEEK = Window(datetime(2025, 6, 30, tzinfo=UTC), datetime(2025, 7, 7, tzinfo=UTC))
POSTS = "/wp-json/wp/v2/posts"


@pytest.fixture
def site() -> Iterator[Publisher]:
    with publisher() as found:
        yield found


def fetched(site: Publisher, type_: str, path: str = "", **more: Any) -> list[Article]:
    options = sources.options(type_).model_validate(
        {"type": type_, "url": f"{site.url}{path}", **more}
    )
    around = Surroundings(Path(), ZoneInfo("America/Los_Angeles"), Fetcher([site.host]))
    return list(sources.build(options, around).fetch(WEEK))


def post(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "date": "2025-07-02T08:00:00",
        "link": f"https://www.example.com/{number}/",
        "title": {"rendered": f"Post {number}"},
        "excerpt": {"rendered": "<p>Short.</p>"},
        **more,
    }


def one(site: Publisher, **more: Any) -> Article:
    site.pages[POSTS] = json.dumps([post(1, **more)])
    return fetched(site, "wordpress")[0]


def test_wordpress_is_asked_for_the_window_alone(site: Publisher) -> None:
    site.pages[POSTS] = json.dumps([post(1)])
    assert fetched(site, "wordpress")[0].published == datetime(2025, 7, 2, 15, tzinfo=UTC)
    assert "after=2025-06-29T00:00:00" in site.asked[0]
    assert "before=2025-07-08T00:00:00" in site.asked[0]


def test_wordpress_in_many_pages(site: Publisher) -> None:
    for page in (1, 2, 3):
        asked = f"{POSTS}?_embed=author,wp:featuredmedia&per_page=100"
        bounds = "&after=2025-06-29T00:00:00&before=2025-07-08T00:00:00"
        site.pages[f"{asked}{bounds}&page={page}"] = json.dumps([post(page)])
    site.headers[POSTS] = {"X-WP-TotalPages": "3"}
    assert [a.title for a in fetched(site, "wordpress")] == ["Post 1", "Post 2", "Post 3"]


def test_wordpress_categories_and_tags_by_slug(site: Publisher) -> None:
    site.pages["/wp-json/wp/v2/categories"] = '[{"id":7,"slug":"news"},{"id":9,"slug":"arts"}]'
    site.pages["/wp-json/wp/v2/tags"] = '[{"id":3,"slug":"la"}]'
    site.pages[POSTS] = json.dumps([post(1)])
    fetched(site, "wordpress", categories=["arts", "news"], tags=["la"])
    assert "categories=9,7" in site.asked[-1]
    assert "tags=3" in site.asked[-1]
    with pytest.raises(FetchError, match="no categories with the slug sport"):
        fetched(site, "wordpress", categories=["sport"])


def test_wordpress_without_pretty_links(site: Publisher) -> None:
    site.pages["/"] = json.dumps([post(1)])
    assert [a.title for a in fetched(site, "wordpress")] == ["Post 1"]
    assert "?rest_route=/wp/v2/posts&" in site.asked[-1]


def test_wordpress_with_its_interface_closed(site: Publisher) -> None:
    site.pages[POSTS] = 401
    with pytest.raises(FetchError, match=r"keeps its REST API closed .*/feed/"):
        fetched(site, "wordpress")


def test_a_refused_author_is_no_name(site: Publisher) -> None:
    refused = {"code": "rest_user_cannot_view", "message": "No.", "data": {"status": 401}}
    assert one(site, _embedded={"author": [refused]}).authors == ()
    yoast = {"author": "Noor Lindahl", "og_image": [{"url": "https://www.example.com/y.jpg"}]}
    found = one(site, _embedded={"author": [refused]}, yoast_head_json=yoast)
    assert found.authors == ("Noor Lindahl",)
    assert found.image == "https://www.example.com/y.jpg"
    guests = [{"display_name": "Ada Moss"}, {"display_name": "Finn Ode"}]
    assert one(site, coauthors=guests).authors == ("Ada Moss", "Finn Ode")


def test_a_missing_picture_is_looked_for(site: Publisher) -> None:
    missing = {"code": "rest_post_invalid_id", "message": "Invalid.", "data": {"status": 404}}
    jetpack = "https://www.example.com/jet.jpg"
    found = one(site, _embedded={"wp:featuredmedia": [missing]}, jetpack_featured_media_url=jetpack)
    assert found.image == jetpack
    content = '<p>Words</p><img src="https://www.example.com/in.jpg" width="800">'
    found = one(site, _embedded={}, content={"rendered": content})
    assert found.image == "https://www.example.com/in.jpg"
    media = [{"id": 7, "source_url": "https://www.example.com/7.jpg", "mime_type": "image/jpeg"}]
    site.pages["/wp-json/wp/v2/media"] = json.dumps(media)
    assert one(site, featured_media=7).image == "https://www.example.com/7.jpg"


def test_a_protected_post_gives_no_words_away(site: Publisher) -> None:
    hidden = {"rendered": "<p>Secret.</p>", "protected": True}
    assert one(site, content=hidden, excerpt=hidden).blurb == ""


def test_warnings_before_the_answer_are_passed_over(site: Publisher) -> None:
    site.pages[POSTS] = f"<br />\n<b>Warning</b>: Undefined [0] in x.php\n{json.dumps([post(1)])}"
    assert [a.title for a in fetched(site, "wordpress")] == ["Post 1"]


@pytest.mark.parametrize("odd", [None, 7, "x", [], {}, [None], {"rendered": None}, True])
def test_odd_shapes_break_nothing(site: Publisher, odd: Any) -> None:
    keys = ("id", "date", "link", "title", "excerpt", "content", "_embedded", "yoast_head_json")
    for key in (*keys, "featured_media", "coauthors", "guid", "lang", "author_info"):
        one(site, **{key: odd})


def test_an_index_of_sitemaps(site: Publisher) -> None:
    site.pages.update(samples.pages(site.url))
    site.pages["/news.xml.gz"] = gzip.compress(str(site.pages.pop("/news.xml")).encode())
    site.pages["/sitemap.xml"] = (
        '<?xml version="1.0"?><sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        f"<sitemap><loc><![CDATA[{site.url}/news.xml.gz]]></loc></sitemap>"
        f"<sitemap><loc>{site.url}/old.xml</loc><lastmod>2020-01-01</lastmod></sitemap>"
        f"<sitemap><loc>{site.url}/gone.xml</loc></sitemap></sitemapindex>"
    )
    found = fetched(site, "sitemap", "/sitemap.xml")
    assert len(found) == 3
    assert all(article.authors for article in found)
    assert "/old.xml" not in site.asked


def test_only_pages_of_the_week_are_read(site: Publisher) -> None:
    site.pages.update(samples.pages(site.url))
    news = str(site.pages["/news.xml"])
    site.pages["/news.xml"] = news.replace("2025-07-02", "2025-05-02")
    found = fetched(site, "sitemap", "/news.xml")
    assert [bool(article.authors) for article in found] == [True, True, False]
    assert "/story/1" not in site.asked


def test_a_page_that_fails_leaves_what_the_sitemap_says(site: Publisher) -> None:
    site.pages["/news.xml"] = samples.pages(site.url)["/news.xml"]
    found = fetched(site, "sitemap", "/news.xml")
    assert sorted(article.title for article in found) == sorted(samples.TITLES)
    assert not any(article.authors for article in found)


def page(head: str, body: str = "<article><h1>Pool opens</h1><p>It did.</p></article>") -> Any:
    html = f"<html><head>{head}</head><body>{body}</body></html>"
    return _article_page.read(
        html.encode(), ZoneInfo("America/Los_Angeles"), "https://www.example.com/a"
    )


def ld(text: str) -> str:
    return f'<script type="application/ld+json">{text}</script>'


@pytest.mark.parametrize(
    "text",
    [
        '{"@type":"NewsArticle","headline":"Pool opens","author":{"name":"Noor Lindahl"},}',
        '<!-- {"@type":["Article"],"headline":"Pool\n","author":[{"name":"Noor Lindahl"}]} -->',
        '{"@type":"NewsArticle","headline":"The "Pool" opens","author":{"name":"Noor Lindahl"}}',
        '[{"@type":"WebPage","mainEntity":{"@type":"BlogPosting","author":"Noor Lindahl"}}]',
        "{&quot;@type&quot;:&quot;Article&quot;,&quot;author&quot;:&quot;Noor Lindahl&quot;}",
        '{"@type":"Article","author":{"name":"Noor Lindahl"}};',
    ],
)
def test_json_ld_broken_or_nested(text: str) -> None:
    assert page(ld(text)).authors == ("Noor Lindahl",)


def test_the_article_of_this_page_and_not_a_related_one() -> None:
    related = ld('{"@type":"NewsArticle","headline":"Other news","author":{"name":"Finn Ode"},'
                 '"datePublished":"2025-07-01"}')  # fmt: skip
    own = ld('{"@type":"NewsArticle","headline":"Pool opens","author":{"name":"Ada Moss"}}')
    assert page(f'<meta property="og:title" content="Pool opens">{related}{own}').authors == (
        "Ada Moss",
    )


def test_a_publisher_is_an_author_only_where_nobody_else_is() -> None:
    site = '<meta property="og:site_name" content="Harbor Daily">'
    said = ld('{"@type":"NewsArticle","author":{"@type":"Organization","name":"Harbor Daily"}}')
    assert page(site + said).authors == ("Harbor Daily",)
    byline = '<article><h1>Pool</h1><p class="byline">By Noor Lindahl</p></article>'
    assert page(site + said, byline).authors == ("Noor Lindahl",)


@pytest.mark.parametrize(
    ("head", "body", "expected"),
    [
        ('<meta name="pubdate" content="20250702T0800">', "", "2025-07-02"),
        ("", '<h1>A</h1><span class="date">2 июля 2025, 10:00</span>', "2025-07-02"),
        ("", '<h1>A</h1><span class="tarih">02.07.2025 10:00</span>', "2025-07-02"),
        ("", "<h1>A</h1><p>입력 2025.07.02 오후 1:00</p>", "2025-07-02"),
        ('<script>{"publishedAt":"2025-07-02T08:00:00-07:00"}</script>', "", "2025-07-02"),
        ("", "<h1>A</h1><p>7/2/2025</p>", "2025-07-02"),
        ("", "<h1>A</h1><p>No date here.</p>", None),
    ],
)
def test_dates_wherever_they_stand(head: str, body: str, expected: str | None) -> None:
    found = page(head, body or "<h1>A</h1>").published
    assert (found and f"{found:%Y-%m-%d}") == expected


@pytest.mark.parametrize(
    ("head", "heading", "expected"),
    [
        ("<title>Pool opens: a guide - Harbor Daily</title>", "Pool opens: a guide", None),
        ("<title>Opinion | The case for trees - Harbor Daily</title>", "The case for trees", None),
        ("<title>Why 5-4 rulings matter - and who decides</title>", "", "Why 5-4 rulings matter"),
        ('<meta property="og:title" content="The pool opens | Arts | Harbor Daily">'
         '<meta property="og:site_name" content="Harbor Daily">', "", "The pool opens"),
        ("<title>수영장이 문을 열었다-사회ㅣ하버일보</title>"
         '<meta property="og:site_name" content="하버일보">', "", "수영장이 문을 열었다"),
    ],
)  # fmt: skip
def test_headlines_without_the_sites_name(head: str, heading: str, expected: str | None) -> None:
    found = page(head, f"<h1>{heading}</h1>" if heading else "").title
    assert found.startswith(expected) if expected else found == heading


def test_a_headline_has_no_blanks_around_it() -> None:
    assert page("<title>A story that is long enough | | Site</title>", "").title[-1] != " "


def test_the_sites_logo_is_no_picture() -> None:
    head = '<meta property="og:image" content="https://www.example.com/img/default-logo.png">'
    shown = '<article><h1>A</h1><img src="/p/pool.jpg" width="900"></article>'
    assert page(head, shown).image == "https://www.example.com/p/pool.jpg"
    assert page(head).image is None


def test_a_body_that_only_the_pages_program_has() -> None:
    body = "The pool opened on Tuesday, and the first swimmers came before the sun did. " * 2
    state = json.dumps({"props": {"article": {"articleBody": f"<p>{body}</p>"}}})
    found = page(f'<title>Pool opens</title><script type="application/json">{state}</script>', "")
    assert found.blurb.startswith("The pool opened on Tuesday")


def test_what_a_site_offers(site: Publisher) -> None:
    with Fetcher([site.host]) as fetcher:
        site.pages["/feed.xml"] = feed(["One", "Two"])
        site.pages["/"] = (
            '<html><head><title>Harbor</title><link rel="alternate" '
            'type="application/rss+xml" href="/feed.xml"></head></html>'
        )
        (found,) = discover(f"{site.url}/", fetcher)
        assert (found.type, found.url, found.articles) == ("feed", f"{site.url}/feed.xml", 2)
        assert discover(f"{site.url}/feed.xml", fetcher)[0].type == "feed"

        posts = [post(1, date=f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%dT%H:%M:%S}")]
        site.pages[POSTS] = json.dumps(posts)
        site.headers["/"] = {"Link": f'<{site.url}/wp-json/>; rel="https://api.w.org/"'}
        assert [each.type for each in discover(site.url, fetcher)] == ["wordpress", "feed"]

        site.pages.update(samples.pages(site.url))
        site.headers.clear()
        site.pages["/"] = "<html><head><title>Harbor</title></head></html>"
        del site.pages["/feed.xml"]
        site.pages["/robots.txt"] = f"User-agent: *\nSitemap: {site.url}/news.xml\n"
        assert [each.type for each in discover(site.url, fetcher)] == ["sitemap"]
        assert discover(f"{site.url}/story/1", fetcher)[0].type == "page"
        with pytest.raises(FetchError, match="404"):
            discover(f"{site.url}/nothing", fetcher)
