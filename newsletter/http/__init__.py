"""The only way to the network for addresses that come from outside.

``Fetcher.get`` accepts http and https only. It connects to a private network only where
``allow_hosts`` names the host and port. It follows at most five redirects and checks each like the
first address. A request takes at most 15 seconds and 20 MiB after decompression. At most 64
requests run at once, and four to one host. Pages fetched earlier are requested conditionally.
"""

from newsletter.http.fetcher import Fetcher
from newsletter.http.limits import gunzip
from newsletter.http.responses import Response, SupportsGet, TrackedFetcher

__all__ = ["Fetcher", "Response", "SupportsGet", "TrackedFetcher", "gunzip"]
