"""A made-up publisher's site: its WordPress, its news sitemap and its pages."""

from __future__ import annotations

import json

TITLES = ("Night market moves indoors", "Two schools share a garden", "Ferry adds a morning run")


def pages(home: str) -> dict[str, str]:
    """What the site at ``home`` serves, by path."""
    found = {f"/story/{n}": _page(home, n, title) for n, title in enumerate(TITLES)}
    found["/wp-json/wp/v2/posts"] = json.dumps([_post(n, title) for n, title in enumerate(TITLES)])
    found["/news.xml"] = _sitemap(home)
    return found


def _page(home: str, number: int, title: str) -> str:
    said = {
        "@context": "https://schema.org",
        "@graph": [
            {"@type": "Organization", "name": "Harbor Daily"},
            {
                "@type": "NewsArticle",
                "headline": title,
                "datePublished": f"2025-07-0{number + 1}T09:00:00-07:00",
                "author": [{"@type": "Person", "name": "Noor Lindahl"}],
                "image": {"url": f"https://www.example.com/{number}.jpg", "width": 1200},
            },
        ],
    }
    return (
        f'<html lang="en"><head><title>{title} | Harbor Daily</title>'
        f'<link rel="canonical" href="{home}/story/{number}">'
        '<meta property="og:site_name" content="Harbor Daily">'
        f'<meta property="og:description" content="What it means: {title}, in short.">'
        f'<script type="application/ld+json">{json.dumps(said)}</script></head>'
        f"<body><article><h1>{title}</h1><figure>"
        f'<img src="https://www.example.com/{number}-800x450.jpg">'
        "<figcaption>The pier in June (Photo by Ada Moss)</figcaption></figure>"
        "<p>A first paragraph that says enough to be one.</p></article></body></html>"
    )


def _post(number: int, title: str) -> dict[str, object]:
    return {
        "id": 100 + number,
        "date": f"2025-07-0{number + 1}T09:00:00",
        "date_gmt": f"2025-07-0{number + 1}T16:00:00",
        "link": f"https://www.example.com/{number}/",
        "title": {"rendered": title.replace("a ", "<em>a</em> ")},
        "excerpt": {"rendered": f"<p>{title}, told shortly. [&hellip;]</p>"},
        "content": {"rendered": "<p>All of it.</p>"},
        "featured_media": 7,
        "_embedded": {
            "author": [{"id": 1, "name": "Noor Lindahl"}],
            "wp:featuredmedia": [
                {
                    "source_url": f"https://www.example.com/{number}.jpg",
                    "mime_type": "image/jpeg",
                    "caption": {"rendered": "<p>The pier in June (Photo by Ada Moss)</p>"},
                }
            ],
        },
    }


def _sitemap(home: str) -> str:
    urls = "".join(
        f"<url><loc>{home}/story/{n}</loc><n:news><n:publication><n:name>Harbor Daily</n:name>"
        f"<n:language>en</n:language></n:publication>"
        f"<n:publication_date>2025-07-0{n + 1}</n:publication_date>"
        f"<n:title>\n  {title} - Harbor Daily\n</n:title></n:news></url>"
        for n, title in enumerate(TITLES)
    )
    return (
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        f'xmlns:n="http://www.google.com/schemas/sitemap-news/0.9">{urls}</urlset>'
    )
