"""What can go wrong with Twilio, sorted by what the caller may do next.

TwilioError
├── TwilioRefused          answered 4xx: not done; repeating the same request gives the same answer
├── TwilioUnavailable      certainly not done (no connection, 429, failed read): repeat later
└── TwilioOutcomeUnknown   time-out or 5xx after a change was sent: look before repeating, never send twice
"""

from tenant_portal.errors import BadInput, PortalError


class TwilioError(PortalError):
    """Twilio did not do what was asked. `code` is Twilio's number, `retry_after` is in seconds, None where unknown."""

    unknown_outcome = False

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        permanent: bool = True,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, permanent=permanent)
        self.code = code
        self.status = status
        self.retry_after = retry_after


class TwilioRefused(TwilioError):
    """Twilio answered 4xx: nothing was changed, and the same request will be refused again."""

    @property
    def not_found(self) -> bool:
        """The resource does not exist, or not in this account."""
        return self.status == 404


class TwilioUnavailable(TwilioError):
    """The request was certainly not carried out: no connection, too many requests, or a read that failed."""

    def __init__(self, message: str, *, code: int | None = None, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, code=code, permanent=False, status=status, retry_after=retry_after)


class TwilioOutcomeUnknown(TwilioUnavailable):
    """A change was sent and no clear answer came back: it may have been carried out."""

    unknown_outcome = True


class MalformedForm(BadInput):
    """A form body that no Twilio request has: broken UTF-8, a NUL in a name, or too many parameters."""
