"""Sign-in, sign-out, invitations and passwords: plain HTML and real form posts, which work without JavaScript."""

from starlette.routing import BaseRoute

from tenant_portal.identity.http import activity, forgotten, invitation, sign_in, two_step
from tenant_portal.identity.http.forms import EXCEPTION_HANDLERS, person_of

__all__ = ["EXCEPTION_HANDLERS", "person_of", "routes"]

routes: list[BaseRoute] = [*sign_in.routes, *invitation.routes, *forgotten.routes, *two_step.routes, *activity.routes]
