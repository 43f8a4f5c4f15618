"""The error tree. `message` is fit to be shown to the person who caused it.

PortalError
├── BadInput              the request is wrong; nothing was changed
├── NotFound              no such thing for this tenant (also: another tenant's)
├── NotAllowed            the signed-in person's role forbids it
├── Conflict              the thing is not in a state that allows this
├── SettingsError         a setting is missing or nonsense; the process must not start
├── SchemaUnsafe          the database breaks a rule of the wall between tenants
├── TenantMissing         tenant data was asked for outside a tenant session
├── PortalFault           the portal itself failed at a piece of work, which is tried again
└── TwilioError           see twilio_gateway.errors
"""


class PortalError(Exception):
    """Something went wrong in a way the reader can be told. `permanent` says that repeating will not help."""

    def __init__(self, message: str, *, permanent: bool = True) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent


class BadInput(PortalError):
    """The request is wrong; nothing was changed. `field` names the form field at fault, if there is one."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NotFound(PortalError):
    """No such thing for this tenant. Another tenant's thing gives the same answer as a made-up id."""

    def __init__(self, message: str = "This no longer exists.") -> None:
        super().__init__(message)


class NotAllowed(PortalError):
    """The signed-in person's role forbids it."""

    def __init__(self, message: str = "You are not allowed to do this.") -> None:
        super().__init__(message)


class Conflict(PortalError):
    """The thing is not in a state that allows this."""


class SettingsError(PortalError):
    """A setting is missing or nonsense; the process must not start."""


class SchemaUnsafe(PortalError):
    """The database breaks a rule of the wall between tenants; the portal refuses to serve."""


class TenantMissing(PortalError):
    """Tenant data was asked for outside a tenant session."""


class PortalFault(PortalError):
    """The portal itself failed at a piece of work: counted and tried again like any failure. The log has the cause."""

    def __init__(self) -> None:
        super().__init__(
            "Something failed in the portal itself. The agency finds the cause in its log.", permanent=False
        )
