"""Programs that open mails and follow links: each that is known, and none that a person uses."""

from __future__ import annotations

import pytest

from newsletter import scanners


@pytest.mark.parametrize(
    "agent",
    [
        "Barracuda Sentinel (EE)", "Proofpoint URL Defense", "MimecastScanner", "Symantec.cloud",
        "MessageLabs Email Security", "TrendMicro WTP", "FireEye ETP", "Forcepoint/1.0", "Sophos",
        "Cloudmark", "IronPort", "Zscaler", "PaloAlto networks", "urldefense.com", "UrlDefence",
        "Microsoft SafeLinks", "Bitdefender", "Kaspersky", "a crawler of somebody", "spider/2.0",
        "mail-scanner", "Uptime Monitor", "Googlebot/2.1", "a bot", "Slackbot-LinkExpanding 1.0",
        "TelegramBot (like TwitterBot)", "facebookexternalhit/1.1", "Slack-ImgProxy (+https://api)",
        "WhatsApp/2.23.20", "SkypeUriPreview Preview/0.5", "BingPreview/1.0b", "Google-Safety",
        "Mozilla/5.0 HeadlessChrome/120.0", "PhantomJS/2.1", "python-requests/2.31",
        "Python-urllib/3.11", "aiohttp/3.9", "curl/8.4.0", "Wget/1.21", "libwww-perl/6.67",
        "Go-http-client/2.0", "Java/17.0.1", "okhttp/4.12", "axios/1.6", "node-fetch/1.0",
        "GuzzleHttp/7", "Apache-HttpClient/4.5",
    ],
)  # fmt: skip
def test_a_program_that_says_what_it_is(agent: str) -> None:
    assert scanners.known(agent)
    assert scanners.known(agent.upper())
    assert scanners.known(f"Mozilla/5.0 (compatible; {agent}; +https://example.com)")


@pytest.mark.parametrize(
    "agent",
    [
        "",
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/120.0.0.0 Safari/537.36 Edg/120.0",
        "Mozilla/5.0 (Linux; Android 13; CUBOT NOTE 20) Chrome/119.0",  # a phone
        "Mozilla/5.0 (Linux; Android 9; cubot X19)",
        "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Thunderbird/115.0",
        "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0)",
        "Bottle/1.0", "Spiderman/1.0", "Monitoring/1", "JavaScript",
    ],
)  # fmt: skip
def test_a_program_that_a_person_uses(agent: str) -> None:
    assert not scanners.known(agent)
