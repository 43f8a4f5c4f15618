"""The gateways of this process, live or simulated as the settings say, never a mixture."""

from functools import cache
from urllib.parse import urlsplit

from tenant_portal.config import LOOPBACK_HOSTS, settings
from tenant_portal.errors import SettingsError
from tenant_portal.twilio_gateway.gateway import ParentGateway, TenantGateway
from tenant_portal.twilio_gateway.http_client import PortalHttpClient
from tenant_portal.twilio_gateway.live import LiveParentGateway, LiveTenantGateway
from tenant_portal.twilio_gateway.simulated_account import simulated_parent_credentials


def parent_gateway() -> ParentGateway:
    """The agency's own account, for making, suspending and closing subaccounts."""
    account_sid, auth_token = parent_credentials()
    return LiveParentGateway(account_sid, auth_token, _http(_origin()))


def tenant_gateway(account_sid: str, auth_token: str) -> TenantGateway:
    """One tenant's subaccount with its own credentials."""
    return LiveTenantGateway(account_sid, auth_token, _http(_origin()))


def parent_credentials() -> tuple[str, str]:
    """SID and auth token of the parent account, real or simulated."""
    current = settings()
    # Either both halves of the account come from the operator or both from the stand-in.
    if current.twilio_mode == "live":
        return current.twilio_account_sid, current.twilio_auth_token
    return simulated_parent_credentials(current)


def _origin() -> str:
    current = settings()
    local = urlsplit(current.twilio_origin).hostname in LOOPBACK_HOSTS
    # Made-up credentials must never reach the real Twilio, nor a stand-in elsewhere a client's messages.
    if current.twilio_mode == "simulated" and not local:
        raise SettingsError("PORTAL_TWILIO_BASE_URL must be on this machine while no Twilio account is set.")
    return current.twilio_origin


@cache
def _http(origin: str) -> PortalHttpClient:
    # One pool of connections for all tenants: a TLS handshake costs more than the call.
    return PortalHttpClient(origin)
