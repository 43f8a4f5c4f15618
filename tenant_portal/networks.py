"""Whom an address belongs to, as far as counting goes."""

import ipaddress


def network_of(address: str) -> str:
    """The address, or its /64: an IPv6 customer has a whole one to choose addresses from. Anything else unchanged."""
    if ":" not in address:
        return address
    try:
        found = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))
