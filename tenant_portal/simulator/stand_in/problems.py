"""Refusals, worded and shaped as Twilio answers them."""

import secrets

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

MESSAGES = {
    20001: "The request is missing a required parameter or has an invalid one",
    20003: "Authenticate",
    20005: "Account is not active",
    20404: "The requested resource was not found",
    21211: "Invalid 'To' Phone Number",
    21212: "Invalid From Number (caller ID)",
    21266: "'To' and 'From' number cannot be the same",
    21408: "Permission to send an SMS has not been enabled for the region indicated by the 'To' number",
    21421: "PhoneNumber is invalid",
    21422: "PhoneNumber is not available",
    21452: "No phone numbers found in area code",
    21479: "The account is closed",
    21480: "Subaccount limit reached",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21604: "A 'To' phone number is required.",
    21606: "The 'From' phone number is not a valid, message-capable Twilio phone number for this destination",
    21609: "The 'StatusCallback' URL is not valid",
    21610: "Attempt to send to unsubscribed recipient",
    21611: "This 'From' number has exceeded the maximum number of queued messages",
    21612: "The 'To' phone number is not currently reachable using the 'From' phone number via SMS",
    21614: "'To' number is not a valid mobile number",
    21615: "PhoneNumber requires a local Address",
    21617: "The concatenated message body exceeds the 1600 character limit",
    21620: "Invalid media URL(s)",
    21623: "Number of media files exceeds allowed limit",
    21631: "PhoneNumber requires an Address but the 'AddressSid' parameter was empty",
    21649: "Bundle required",
    21655: "The ContentSid is invalid",
    21656: "The ContentVariables parameter is invalid",
    21910: "Invalid 'From' and 'To' pair. 'From' and 'To' should be of the same channel",
    60200: "Invalid parameter",
    63007: "Twilio could not find a Channel with the specified From address",
    63100: "Validation error",
}


class Problem(Exception):
    """A refusal on its way to the caller."""

    def __init__(self, status: int, code: int, detail: str = "", *, retry_after: int | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.retry_after = retry_after
        self.message = ": ".join(part for part in (MESSAGES.get(code, ""), detail) if part)


def answer(problem: Problem) -> JSONResponse:
    """Twilio's error body."""
    body = {
        "code": problem.code,
        "message": problem.message,
        "more_info": f"https://www.twilio.com/docs/errors/{problem.code}",
        "status": problem.status,
    }
    headers = {"Twilio-Request-Id": f"RQ{secrets.token_hex(16)}"}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="Twilio API"'
    return JSONResponse(body, status_code=problem.status, headers=headers)


async def on_problem(_request: Request, error: Exception) -> Response:
    """Exception handler for refusals."""
    assert isinstance(error, Problem)
    return answer(error)


async def on_unknown_path(request: Request, _error: Exception) -> Response:
    """Exception handler for paths and methods that nobody serves."""
    return answer(Problem(404, 20404, request.url.path))
