"""Numbers on sale, bought numbers and their prices."""

from urllib.parse import urlsplit

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tenant_portal.simulator.stand_in import inventory, shapes
from tenant_portal.simulator.stand_in.inventory import Range, Wanted
from tenant_portal.simulator.stand_in.problems import Problem
from tenant_portal.simulator.stand_in.records import Number, new_sid
from tenant_portal.simulator.stand_in.visits import Visit, own, owned, v2010_page
from tenant_portal.simulator.stand_in.world import World

TYPES = {"Local": "local", "Mobile": "mobile", "TollFree": "toll free"}
PARAMETERS = {
    "SmsUrl": "sms_url",
    "SmsMethod": "sms_method",
    "SmsFallbackUrl": "sms_fallback_url",
    "SmsFallbackMethod": "sms_fallback_method",
    "VoiceUrl": "voice_url",
    "VoiceMethod": "voice_method",
    "VoiceFallbackUrl": "voice_fallback_url",
    "VoiceFallbackMethod": "voice_fallback_method",
    "StatusCallback": "status_callback",
    "StatusCallbackMethod": "status_callback_method",
    "FriendlyName": "friendly_name",
    "AddressSid": "address_sid",
    "BundleSid": "bundle_sid",
}
# Numbers that Twilio keeps for trying out what a purchase can answer.
ALWAYS_TAKEN, ALWAYS_INVALID = "+15005550000", "+15005550001"
MISSING_PROOF = {"any": 21631, "local": 21615, "foreign": 21631}


async def search(visit: Visit) -> Response:
    """GET AvailablePhoneNumbers/{country}/{type}.json."""
    country, kind = visit.path("country"), TYPES.get(visit.path("type"), "")
    if not inventory.sells(country, kind):
        raise Problem(404, 20404, visit.request.url.path)
    contains = visit.one("Contains")
    if contains and not 2 <= len(contains) <= 16:
        raise Problem(400, 20001, "Contains")
    # Numbers of all accounts are off the shelf, not only the caller's.
    found = inventory.on_sale(_wanted(visit, country, kind), _taken(visit.world))
    size = int(visit.one("PageSize", "30")) if visit.one("PageSize", "30").isdecimal() else 30
    shown = [_available(number, block) for number, block in found[:size]]
    uri = f"{visit.request.url.path}?{visit.request.url.query}"
    return JSONResponse({"available_phone_numbers": shown, "uri": uri})


async def buy(visit: Visit) -> Response:
    """POST IncomingPhoneNumbers.json by PhoneNumber or AreaCode."""
    number = visit.one("PhoneNumber") or _first_in_area(visit)
    block = inventory.range_of(number)
    if number == ALWAYS_INVALID or (block is None and number != ALWAYS_TAKEN):
        raise Problem(400, 21421, number)
    # Between a search and a purchase somebody else can be quicker.
    if block is None or number in _taken(visit.world):
        raise Problem(400, 21422, number)
    # The codes differ by country; a portal has to explain each.
    if block.address_requirements != "none" and not (visit.one("AddressSid") or visit.one("BundleSid")):
        raise Problem(400, MISSING_PROOF[block.address_requirements], number)
    record = Number(
        sid=new_sid("PN"),
        account_sid=visit.account.sid,
        phone_number=number,
        country=block.country,
        number_type=block.number_type,
        **{"friendly_name": number, **_settings(visit)},
    )
    return JSONResponse(shapes.number(visit.world.store.put(record)), status_code=201)


async def list_owned(visit: Visit) -> Response:
    """GET IncomingPhoneNumbers.json, by part of the number and by name."""
    part, name = visit.one("PhoneNumber").lstrip("+"), visit.one("FriendlyName")
    found = [
        shapes.number(number)
        for number in visit.world.store.all(Number, visit.account.sid)
        if part in number.phone_number and name in {"", number.friendly_name}
    ]
    return v2010_page(visit, "incoming_phone_numbers", found)


async def fetch(visit: Visit) -> Response:
    """GET IncomingPhoneNumbers/{sid}.json."""
    return JSONResponse(shapes.number(visit.record(Number)))


async def update(visit: Visit) -> Response:
    """POST IncomingPhoneNumbers/{sid}.json."""
    return JSONResponse(shapes.number(visit.world.store.change(visit.record(Number), **_settings(visit))))


async def release(visit: Visit) -> Response:
    """DELETE IncomingPhoneNumbers/{sid}.json."""
    visit.world.store.delete(visit.record(Number))
    return Response(status_code=204)


async def prices(visit: Visit) -> Response:
    """GET /v1/PhoneNumbers/Countries/{country}."""
    country = visit.path("country").upper()
    if country not in inventory.PRICES:
        raise Problem(404, 20404, visit.request.url.path)
    items = [
        {"number_type": kind, "base_price": price, "current_price": price}
        for kind, price in inventory.PRICES[country].items()
    ]
    return JSONResponse(
        {
            "country": inventory.COUNTRY_NAMES[country],
            "iso_country": country,
            "phone_number_prices": items,
            "price_unit": "USD",
            "url": f"https://pricing.twilio.com/v1/PhoneNumbers/Countries/{country}",
        }
    )


BASE = "/2010-04-01/Accounts/{account}"
ROUTES = [
    Route(BASE + "/AvailablePhoneNumbers/{country}/{type}.json", owned(search), methods=["GET"]),
    Route(BASE + "/IncomingPhoneNumbers.json", owned(buy), methods=["POST"]),
    Route(BASE + "/IncomingPhoneNumbers.json", owned(list_owned), methods=["GET"]),
    Route(BASE + "/IncomingPhoneNumbers/{sid}.json", owned(fetch), methods=["GET"]),
    Route(BASE + "/IncomingPhoneNumbers/{sid}.json", owned(update), methods=["POST"]),
    Route(BASE + "/IncomingPhoneNumbers/{sid}.json", owned(release), methods=["DELETE"]),
    Route("/v1/PhoneNumbers/Countries/{country}", own(prices), methods=["GET"]),
]


def _wanted(visit: Visit, country: str, kind: str) -> Wanted:
    return Wanted(
        country=country,
        number_type=kind,
        area_code=visit.one("AreaCode"),
        contains=visit.one("Contains"),
        locality=visit.one("InLocality"),
        region=visit.one("InRegion"),
        sms=visit.one("SmsEnabled") == "true",
        mms=visit.one("MmsEnabled") == "true",
        voice=visit.one("VoiceEnabled") == "true",
    )


def _taken(world: World) -> set[str]:
    return {number.phone_number for number in world.store.all(Number)}


def _first_in_area(visit: Visit) -> str:
    area = visit.one("AreaCode")
    if not area:
        raise Problem(400, 20001, "PhoneNumber or AreaCode")
    found = inventory.on_sale(Wanted("US", "local", area), _taken(visit.world))
    if not found:
        raise Problem(400, 21452, area)
    return found[0][0]


def _settings(visit: Visit) -> dict[str, str]:
    given = {field: visit.one(name) for name, field in PARAMETERS.items() if visit.has(name)}
    for field, value in given.items():
        address = urlsplit(value)
        if (
            field.endswith(("_url", "_callback"))
            and value
            and not (address.scheme in {"http", "https"} and address.netloc)
        ):
            raise Problem(400, 20001, field)
        if field.endswith("_method") and value not in {"GET", "POST"}:
            raise Problem(400, 20001, field)
    return given


def _available(number: str, block: Range) -> dict[str, object]:
    return {
        "phone_number": number,
        "friendly_name": number,
        "iso_country": block.country,
        "locality": block.locality or None,
        "region": block.region or None,
        "postal_code": block.postal_code or None,
        "rate_center": None,
        "lata": None,
        "latitude": None,
        "longitude": None,
        "address_requirements": block.address_requirements,
        "beta": False,
        "capabilities": {"voice": block.voice, "sms": block.sms, "mms": block.mms, "fax": False},
    }
