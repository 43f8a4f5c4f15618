"""What is on sale: the same plausible numbers every day, from ranges kept for fiction where there are any."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

KEYPAD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999")
NUMBERS_PER_RANGE = 40


@dataclass(frozen=True)
class Range:
    """A block of numbers of one place. `prefix` is followed by `digits` counted ones."""

    country: str
    number_type: str
    prefix: str
    digits: int
    locality: str = ""
    region: str = ""
    postal_code: str = ""
    address_requirements: str = "none"
    sms: bool = True
    mms: bool = False
    voice: bool = True

    @property
    def area_code(self) -> str:
        """The three digits after +1; empty elsewhere."""
        return self.prefix[2:5] if self.prefix.startswith("+1") else ""

    def numbers(self) -> Iterator[str]:
        """The numbers on sale, spread over the block as they are in life."""
        step = max(1, (10**self.digits - 1) // NUMBERS_PER_RANGE)
        return (f"{self.prefix}{at * step + at % step:0{self.digits}d}" for at in range(NUMBERS_PER_RANGE))


def _north_american(country: str, area: str, locality: str, region: str, postal_code: str) -> Range:
    return Range(country, "local", f"+1{area}55501", 2, locality, region, postal_code, mms=True)


RANGES = (
    _north_american("US", "212", "New York", "NY", "10001"),
    _north_american("US", "213", "Los Angeles", "CA", "90012"),
    _north_american("US", "305", "Miami", "FL", "33131"),
    _north_american("US", "312", "Chicago", "IL", "60601"),
    _north_american("US", "404", "Atlanta", "GA", "30303"),
    _north_american("US", "415", "San Francisco", "CA", "94103"),
    _north_american("US", "512", "Austin", "TX", "78701"),
    _north_american("US", "602", "Phoenix", "AZ", "85003"),
    _north_american("US", "617", "Boston", "MA", "02108"),
    _north_american("US", "702", "Las Vegas", "NV", "89101"),
    _north_american("US", "720", "Denver", "CO", "80202"),
    _north_american("US", "206", "Seattle", "WA", "98101"),
    Range("US", "toll free", "+180055501", 2, mms=True),
    Range("US", "toll free", "+188855501", 2, mms=True),
    _north_american("CA", "416", "Toronto", "ON", "M5H 2N2"),
    _north_american("CA", "514", "Montreal", "QC", "H2Y 1C6"),
    _north_american("CA", "604", "Vancouver", "BC", "V5K 0A1"),
    Range("GB", "local", "+44207946", 4, "London", "London"),
    Range("GB", "local", "+441614960", 3, "Manchester", "Manchester"),
    Range("GB", "mobile", "+4474001234", 2, address_requirements="any"),
    Range("DE", "local", "+493023125", 3, "Berlin", "Berlin", address_requirements="local", sms=False),
    Range("DE", "mobile", "+49152288173", 2, address_requirements="any"),
    Range("FR", "local", "+33199001", 3, "Paris", "Ile-de-France", address_requirements="local", sms=False),
    Range("AU", "local", "+6125550", 4, "Sydney", "NSW", address_requirements="any"),
    Range("AU", "mobile", "+61491570", 3, address_requirements="none"),
)
PRICES = {
    "US": {"local": "1.15", "toll free": "2.15"},
    "CA": {"local": "1.15"},
    "GB": {"local": "1.15", "mobile": "1.15"},
    "DE": {"local": "1.15", "mobile": "15.00"},
    "FR": {"local": "1.15"},
    "AU": {"local": "3.00", "mobile": "6.50"},
}
COUNTRY_NAMES = {
    "US": "United States",
    "CA": "Canada",
    "GB": "United Kingdom",
    "DE": "Germany",
    "FR": "France",
    "AU": "Australia",
}


@dataclass(frozen=True)
class Wanted:
    """A search as the API takes it; empty fields do not matter."""

    country: str
    number_type: str
    area_code: str = ""
    contains: str = ""
    locality: str = ""
    region: str = ""
    sms: bool = False
    mms: bool = False
    voice: bool = False


def on_sale(wanted: Wanted, taken: set[str]) -> list[tuple[str, Range]]:
    """Numbers that fit and nobody has bought, in a fixed order."""
    pattern = _pattern(wanted.contains)
    return [
        (number, block)
        for block in RANGES
        if _fits(block, wanted)
        for number in block.numbers()
        if number not in taken and pattern.search(number)
    ]


def sells(country: str, number_type: str) -> bool:
    """Whether there is anything of this type in this country."""
    return any((block.country, block.number_type) == (country, number_type) for block in RANGES)


def range_of(number: str) -> Range | None:
    """The block a number belongs to, on sale or not."""
    return next((one for one in RANGES if re.fullmatch(re.escape(one.prefix) + rf"\d{{{one.digits}}}", number)), None)


def place_of(number: str) -> tuple[str, str, str]:
    """City, state and postal code as Twilio guesses them from a North American number; empty where it cannot."""
    for block in RANGES:
        if block.area_code and number.startswith(f"+1{block.area_code}"):
            return block.locality.upper(), block.region, block.postal_code
    return "", "", ""


def _fits(block: Range, wanted: Wanted) -> bool:
    same = {"area_code": wanted.area_code, "locality": wanted.locality, "region": wanted.region}
    able = {"sms": wanted.sms, "mms": wanted.mms, "voice": wanted.voice}
    return (
        (block.country, block.number_type) == (wanted.country, wanted.number_type)
        and all(not text or getattr(block, name).casefold() == text.casefold() for name, text in same.items())
        and all(not need or getattr(block, name) for name, need in able.items())
    )


def _pattern(contains: str) -> re.Pattern[str]:
    """Twilio's search pattern: `*` one digit, `%` any digits, `+` the start, `$` the end, letters as on a keypad."""
    special = {"*": r"\d", "%": r"\d*", "+": r"^\+", "$": "$"}
    return re.compile("".join(special.get(sign, re.escape(sign)) for sign in contains.upper().translate(KEYPAD)))
