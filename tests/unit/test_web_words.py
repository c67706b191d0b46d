"""Every word of web addresses and of pages' own descriptions that decides what a story is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from newsletter.http import Fetcher
from newsletter.http.urls import host_port
from newsletter.model import Article, Window
from newsletter.sanitize import canonical, picture
from newsletter.sources import Surroundings, build, options

PAGE = "https://www.example.com/a"


@pytest.mark.parametrize(
    "name",
    [
        "utm_source", "utm_anything", "UTM_MEDIUM", "at_custom1", "at_campaign", "at_medium",
        "pk_campaign", "mtm_source", "hsa_acc", "_bta_tid", "fbclid", "gclid", "gclsrc", "dclid",
        "gbraid", "wbraid", "msclkid", "yclid", "twclid", "ttclid", "li_fat_id", "igsh", "igshid",
        "mc_cid", "mc_eid", "mkt_tok", "_hsenc", "_hsmi", "hsCtaTracking", "oly_enc_id",
        "oly_anon_id", "vero_id", "vero_conv", "_ga", "_gl", "s_cid", "cmpid", "icid", "ocid",
        "ncid", "wt.mc", "wt.mc_id", "wt_mc", "wt_mc_id", "xtor", "ref_src", "ref_url",
        "sr_share", "smid", "smtyp", "__twitter_impression", "ns_mchannel", "ns_campaign",
        "ns_source", "ito", "guccounter", "guce_referrer", "guce_referrer_sig", "ml_subscriber",
        "ml_subscriber_hash",
    ],
)  # fmt: skip
def test_a_parameter_that_only_counts_readers(name: str) -> None:
    for value in ("=x", "", "=a%20b"):
        assert canonical(f"{PAGE}?{name}{value}") == PAGE
        assert canonical(f"{PAGE}?id=1&{name}{value}&p=2") == f"{PAGE}?id=1&p=2"
    assert canonical(f"{PAGE}?x{name}=1") == f"{PAGE}?x{name}=1"


@pytest.mark.parametrize("name", ["id", "p", "ref", "source", "utm", "ga", "article", "v", "q"])
def test_a_parameter_that_names_the_page(name: str) -> None:
    assert canonical(f"{PAGE}?{name}=1") == f"{PAGE}?{name}=1"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://h.example/%c3%a9", "https://h.example/%C3%A9"),
        ("https://h.example/%C3%A9", "https://h.example/é"),
        ("https://h.example/%7euser", "https://h.example/~user"),
        ("https://h.example/a?q=%c3%a9", "https://h.example/a?q=é"),
        ("https://h.example/50%", "https://h.example/50%25"),
        ("https://한국.example/a", "https://xn--3e0b707e.example/a"),
        ("https://h.example./a", "https://h.example/a"),
        ("http://h.example:80/a", "https://h.example:443/a"),
        ("https://h.example/a?", "https://h.example/a"),
        ("https://h.example/a?&&x=1&", "https://h.example/a?x=1"),
    ],
)
def test_two_ways_to_write_one_address(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("http://h.example/a", "h.example:80"), ("https://h.example/a", "h.example:443"),
        ("http://h.example:8080/", "h.example:8080"), ("https://H.Example:80/", "h.example:80"),
        ("http://[::1]/", "[::1]:80"), ("https://[::1]:8443/", "[::1]:8443"),
    ],
)  # fmt: skip
def test_the_host_and_port_of_an_address(url: str, where: str) -> None:
    assert host_port(httpx.URL(url)) == where


@pytest.mark.parametrize(
    ("end", "is_shown"),
    [
        *((f"a.{kind}", True) for kind in ("jpg", "jpeg", "png", "gif", "webp", "avif", "JPG")),
        *((f"a.{kind}", False) for kind in ("svg", "SVGZ", "heic", "heif", "jxl")),
        ("a?format=svg", False), ("a.jpg?x=1&fm=SVG", False), ("a?fmt=svg&x=1", False),
        ("a.jpg?format=webp", True), ("a.jpg?information=svg", True), ("svg.jpg", True),
    ],
)  # fmt: skip
def test_a_kind_of_picture_that_can_be_shown(end: str, is_shown: bool) -> None:
    assert (picture(f"https://h.example/{end}") is not None) == is_shown


# --- what pages say of themselves --------------------------------------------------------


def described(folder: Path, said: Any) -> Article | None:
    """The article of a saved page with that description of itself."""
    saved = folder / "saved"
    saved.mkdir(exist_ok=True)
    text = said if isinstance(said, str) else json.dumps(said)
    (saved / "a.html").write_text(
        "<html><head><title>A market opens at night</title>"
        f'<script type="application/ld+json">{text}</script></head>'
        "<body><h1>A market opens at night</h1><p>Words of it.</p></body></html>"
    )
    chosen = options("folder").model_validate({"type": "folder", "path": "saved"})
    around = Surroundings(folder, ZoneInfo("America/Los_Angeles"), Fetcher())
    window = Window(datetime(2025, 6, 30, tzinfo=UTC), datetime(2025, 7, 7, tzinfo=UTC))
    return next(iter(build(chosen, around).fetch(window)), None)


def news(kind: object = "NewsArticle", **more: object) -> dict[str, object]:
    author = {"@type": "Person", "name": "Ada Lovelace"}
    return {"@context": "https://schema.org", "@type": kind, "author": author, **more}


@pytest.mark.parametrize(
    "kind",
    ["Article", "NewsArticle", "BlogPosting", "LiveBlogPosting", "ReportageNewsArticle", "Report",
     "AnalysisNewsArticle", "SocialMediaPosting", "NewsStory", ["Thing", "NewsArticle"],
     "https://schema.org/NewsArticle"],
)  # fmt: skip
def test_a_description_of_an_article(tmp_path: Path, kind: object) -> None:
    found = described(tmp_path, news(kind))
    assert found
    assert found.authors == ("Ada Lovelace",)


@pytest.mark.parametrize("kind", ["WebPage", "Organization", "BreadcrumbList", "", None, 7])
def test_a_description_of_something_else(tmp_path: Path, kind: object) -> None:
    found = described(tmp_path, news(kind))
    assert found
    assert found.authors == ()


@pytest.mark.parametrize(
    "around",
    [
        lambda it: [it],
        lambda it: {"@graph": [{"@type": "WebSite"}, it]},
        lambda it: {"@type": "WebPage", "mainEntity": it},
        lambda it: {"@type": "WebPage", "mainEntity": {"@type": "ItemPage", "item": it}},
        lambda it: [{"@type": "Person", "name": "Somebody Else"}, [it]],
    ],
)
def test_a_description_inside_another(tmp_path: Path, around: Any) -> None:
    found = described(tmp_path, around(news()))
    assert found
    assert found.authors == ("Ada Lovelace",)


@pytest.mark.parametrize("key", ["about", "mentions", "hasPart", "isPartOf"])
def test_a_description_of_what_it_is_about_is_another_article_s(tmp_path: Path, key: str) -> None:
    found = described(tmp_path, {"@type": "WebPage", key: news()})
    assert found
    assert found.authors == ()


@pytest.mark.parametrize(
    "text",
    [
        "{},", "{};", "<!-- {} -->", "//<![CDATA[\n{}\n//]]>", "\n {} \n", "{} trailing words",
    ],
)  # fmt: skip
def test_a_description_that_is_badly_wrapped(tmp_path: Path, text: str) -> None:
    found = described(tmp_path, text.replace("{}", json.dumps(news())))
    assert found
    assert found.authors == ("Ada Lovelace",)
