"""The five sites that are simulated on one origin, one row each."""

from dataclasses import dataclass

DAY = 86_400
ZONE_SECONDS = 8 * 3600  # every balance seen so far lapses at midnight of UTC+8
ZONE_NAME = "Asia/Shanghai"


@dataclass(frozen=True, slots=True)
class Site:
    name: str
    region: str
    aid: int
    bucket: str
    """First part of a result's address."""
    space: str
    """Template space in the second part of a result's address."""
    daily_gift: int
    aws_region: str
    """What signatures of the upload control host name as the region."""

    @property
    def film_bucket(self) -> str:
        """First part of the address of a film."""
        return self.bucket.partition("-i-")[0] + "-v-148450"

    @property
    def is_cn(self) -> bool:
        return self.name == "cn"


CN = Site("cn", "cn", 513695, "tos-cn-i-tb4s082cfz", "tb4s082cfz", 66, "cn-north-1")
US = Site("us", "US", 513641, "tos-useast5-i-wopfjsm1ax-tx", "wopfjsm1ax", 50, "us-east-1")
HK = Site("hk", "HK", 513641, "tos-alisg-i-wopfjsm1ax-sg", "wopfjsm1ax", 50, "ap-southeast-1")
JP = Site("jp", "JP", 513641, "tos-alisg-i-wopfjsm1ax-sg", "wopfjsm1ax", 50, "ap-southeast-1")
SG = Site("sg", "SG", 513641, "tos-alisg-i-wopfjsm1ax-sg", "wopfjsm1ax", 50, "ap-southeast-1")

SITES = {site.name: site for site in (CN, US, HK, JP, SG)}
AIDS = frozenset(site.aid for site in SITES.values())


def site_of(region: str) -> Site | None:
    """The site that a region code stands for; the case does not matter."""
    return SITES.get(region.lower())


def day_of(moment: float) -> int:
    """Number of the local day, as the daily gift and the daily limit count it."""
    return int((moment + ZONE_SECONDS) // DAY)


def last_second_of_day(moment: float) -> int:
    """23:59:59 local time of the day that holds this moment."""
    return (day_of(moment) + 1) * DAY - ZONE_SECONDS - 1
