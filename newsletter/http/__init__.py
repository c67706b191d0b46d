"""The one door to the network.

Every request that foreign words can steer goes through ``Door.get``: http and https only; into a
private network only where its host:port was opened by name; at most five redirects, each looked
at like the first address; at most 15 seconds in all and 20 MiB after decompression; 64 requests at
once, and four to one host. What was seen before is asked for conditionally.
"""

from newsletter.http.answers import Fetched, Getter, Visit
from newsletter.http.door import Door
from newsletter.http.limits import unzipped

__all__ = ["Door", "Fetched", "Getter", "Visit", "unzipped"]
