"""The one door to the network.

Every request that foreign words can steer goes through ``Door.get``: http and https only; into a
private network only where its host:port was opened by name; at most five redirects, each looked
at like the first address; at most half a minute in all and 10 MiB after decompression.
"""

from newsletter.http.door import Door, Fetched
from newsletter.http.limits import unzipped

__all__ = ["Door", "Fetched", "unzipped"]
