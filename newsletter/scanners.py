"""Programs that open mails and follow links before, or instead of, a person."""

from __future__ import annotations

import re
from datetime import timedelta

# So soon after its delivery nobody has read a mail: what happens then is a scanner's doing.
PREFETCH = timedelta(seconds=5)
AT_ONCE = 3  # different links in the same second

# Mail scanners, previews of chats, and libraries. Not the image proxies of Gmail and Yahoo: they
# come when a person looks.
_AGENTS = re.compile(
    r"barracuda|proofpoint|mimecast|symantec|messagelabs|trendmicro|fireeye|forcepoint|sophos"
    r"|cloudmark|ironport|zscaler|paloalto|urldefen[cs]e|safelinks|bitdefender|kaspersky"
    r"|(?:^|[^a-z])(?:crawler|spider|scanner|monitor)(?:[^a-z]|$)|(?<!cu)bot(?:[^a-z]|$)"
    r"|facebookexternalhit|slack-imgproxy|whatsapp/|skypeuripreview|bingpreview|google-safety"
    r"|headlesschrome|phantomjs|python-|aiohttp|curl/|wget/|libwww|go-http-client|java/|okhttp"
    r"|axios|node-fetch|guzzle|apache-httpclient",
    re.IGNORECASE,
)


def known(agent: str) -> bool:
    """Whether the user agent is surely a machine's. An empty one decides nothing."""
    return _AGENTS.search(agent) is not None
