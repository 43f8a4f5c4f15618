"""What can go wrong with Twilio, sorted by what the caller may do next.

TwilioError
├── TwilioRefused          answered 4xx: not done; repeating the same request gives the same answer
├── TemporaryTwilioError
│   ├── TwilioUnavailable      certainly not done (no connection, 429, failed read): repeat later
│   └── TwilioOutcomeUnknown   time-out or 5xx after a change was sent: look before repeating, never send twice
├── ForeignUrl             a file URL that is not this subaccount's
└── DownloadTooLarge       a file beyond the caller's limit
"""

from tenant_portal.errors import BadInput, PortalError

TOO_MANY_REQUESTS = 429


class TwilioError(PortalError):
    """Twilio did not do what was asked.

    `code` is Twilio's error number, `status` the HTTP status, `retry_after` seconds: each None where Twilio gave none.
    `detail` holds Twilio's own words, for staff; `request_id` is by what Twilio's support finds the request.
    """

    # A class attribute, so that callers can ask any PortalError of Twilio without knowing its kind.
    unknown_outcome = False

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        permanent: bool = True,
        status: int | None = None,
        retry_after: float | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(message, permanent=permanent)
        self.code = code
        self.status = status
        self.retry_after = retry_after
        self.detail = detail
        self.request_id = ""

    @property
    def asks_to_wait(self) -> bool:
        """Whether Twilio is there and got too many requests (429), of this subaccount alone."""
        return self.status == TOO_MANY_REQUESTS


class TwilioRefused(TwilioError):
    """Twilio answered 4xx: nothing was changed, and the same request will be refused again."""

    @property
    def not_found(self) -> bool:
        """The resource does not exist, or not in this account."""
        return self.status == 404


class TemporaryTwilioError(TwilioError):
    """Something that may be different later."""

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        status: int | None = None,
        retry_after: float | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(message, code=code, permanent=False, status=status, retry_after=retry_after, detail=detail)


class TwilioUnavailable(TemporaryTwilioError):
    """The request was certainly not carried out: no connection, too many requests, or a read that failed."""


class TwilioOutcomeUnknown(TemporaryTwilioError):
    """A change was sent and no clear answer came back: it may have been carried out."""

    # Not a kind of TwilioUnavailable: whoever repeats what was certainly not done must never catch this.
    unknown_outcome = True


class ForeignUrl(TwilioError):
    """A URL that is not a file of this subaccount at Twilio; no request was made, no credential left the portal."""


class DownloadTooLarge(TwilioError):
    """A file is larger than the caller takes; reading stopped there."""


class MalformedForm(BadInput):
    """A form body that no Twilio request has: broken UTF-8, a NUL in a name, or too many parameters."""
