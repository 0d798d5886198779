"""Which addresses a webhook may be posted to.

Pure functions over URLs and IP addresses; refuses to know DNS. The same rule is asked twice: when a
subscription is made, for an address written out in its URL, and again for the very address a
connection is opened to, so that a name which points elsewhere by then gains nothing.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from textko_server.errors import Invalid

MAX_URL_LENGTH = 2_000

# Where clouds and hypervisors hand out credentials, outside the link-local ranges.
_METADATA = frozenset(
    ip_address(address)
    for address in (
        "100.100.100.200",  # Alibaba Cloud
        "168.63.129.16",  # Azure WireServer
        "192.0.0.192",  # Oracle Cloud
        "fd00:ec2::254",  # AWS
        "fd20:ce::254",  # Google Cloud
    )
)
_THIS_NETWORK = ip_network("0.0.0.0/8")  # RFC 1122, 3.2.1.3: reaches the host itself on Linux
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052, 2.1


def check_url(url: str, *, allow_private: bool) -> None:
    """Raise Invalid unless `url` can be the target of a webhook."""
    if len(url) > MAX_URL_LENGTH:
        raise Invalid("url", f"must have at most {MAX_URL_LENGTH:,} characters")
    if any(c.isspace() or not c.isprintable() for c in url):
        raise Invalid("url", "must not contain spaces or control characters")
    parts = _split(url)
    if parts.scheme not in ("http", "https"):
        raise Invalid("url", "must start with http:// or https://")
    if not parts.hostname:
        raise Invalid("url", "names no host")
    if "@" in parts.netloc:
        raise Invalid("url", "must not contain a user name or password")
    reason = refusal_of(parts.hostname, allow_private=allow_private)
    if reason is not None:
        raise Invalid("url", reason)


def host_of(url: str) -> str:
    """What two webhooks share when one receiver answers for both."""
    return urlsplit(url).hostname or ""


def refusal_of(host: str, *, allow_private: bool) -> str | None:
    """Why nothing is posted to this IP address; None when it may be, or when it is a name."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    for reached in (address, _embedded_ipv4(address)):
        if reached is None:
            continue
        if _is_never_a_target(reached):
            return f"{host} is a link-local, metadata, multicast or unspecified address"
        if not allow_private and not reached.is_global and reached not in _NAT64:
            return f"{host} is a private address (webhooks.allow_private_targets is off)"
    return None


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises on a port that is none
    except ValueError as error:
        raise Invalid("url", "is not a URL") from error
    return parts


def _is_never_a_target(address: IPv4Address | IPv6Address) -> bool:
    return (
        address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address in _METADATA
        or address in _THIS_NETWORK
        or address == IPv4Address("255.255.255.255")
    )


def _embedded_ipv4(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    """The IPv4 address that packets to this IPv6 address end up at."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour
