"""What the settings page holds and does."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import reflex as rx

from tenant_portal.db import identity_session, tenant_session
from tenant_portal.errors import BadInput, NotFound
from tenant_portal.identity import passwords, second_factor, service, sessions, team
from tenant_portal.identity.queries import (
    Person,
    list_browsers,
    list_invitations,
    list_members,
    needs_second_step,
)
from tenant_portal.ui import live
from tenant_portal.ui.ids import parse_id
from tenant_portal.ui.pages.settings.rows import (
    BrowserRow,
    InvitationRow,
    MemberRow,
    browser_row,
    invitation_row,
    member_row,
)
from tenant_portal.ui.session_state import SessionState, client, form_text, show, signed_in

TRY_AGAIN = "This is not your present password, or there were too many tries. Wait a little, then try again."


class SettingsState(rx.State):
    """A cache of the reader's own settings; filled by `load`."""

    is_loaded: bool = False
    members: list[MemberRow] = []
    invitations: list[InvitationRow] = []
    browsers: list[BrowserRow] = []
    has_second_step: bool = False
    codes_left: int = 0
    team_needs_second_step: bool = False
    notice: str = ""
    name_error: str = ""
    invite_error: str = ""
    invite_link: str = ""
    invite_email: str = ""
    old_password_error: str = ""
    new_password_error: str = ""

    @rx.event
    async def load(self) -> None:
        """Read everything the page shows."""
        person = await signed_in(self)
        self.notice = self.name_error = self.old_password_error = self.new_password_error = ""
        _forget_invitation(self)
        await _read(self, person)
        await live.join(self, person, SettingsState.refresh)

    @rx.event
    async def refresh(self) -> None:
        """Something changed for this client, such as an e-mail that was sent."""
        await _read(self, await signed_in(self))

    @rx.event
    async def save_name(self, form: dict[str, Any]) -> None:
        """Change one's own name."""
        person = await signed_in(self)
        self.name_error = ""
        try:
            async with identity_session() as session:
                await service.rename(session, person, form_text(form, "name"))
        except BadInput as error:
            self.name_error = error.message
            return
        show(await self.get_state(SessionState), await signed_in(self))
        await _read(self, person)
        self.notice = "Your name is saved."

    @rx.event
    async def change_password(self, form: dict[str, Any]) -> None:
        """Change one's own password; the old one is asked for again."""
        person = await signed_in(self)
        self.old_password_error = self.new_password_error = ""
        async with identity_session() as session:
            who = await service.candidate(session, person.email, self.router.session.client_ip, datetime.now(UTC))
        if not await passwords.is_right(form_text(form, "old_password"), who.password_hash):
            self.old_password_error = TRY_AGAIN
            return
        try:
            async with identity_session() as session:
                await service.change_password(session, person, who, form_text(form, "new_password"))
        except BadInput as error:
            self.new_password_error = error.message
            return
        await _read(self, person)
        self.notice = "Your password is changed. All other browsers were signed out."

    @rx.event
    async def invite(self, form: dict[str, Any]) -> None:
        """Invite somebody; the link is shown once."""
        person = await client(self)
        _forget_invitation(self)
        email = form_text(form, "email")
        try:
            async with tenant_session(_tenant(person)) as session:
                token = await team.invite(
                    session, person, email=email, role=form_text(form, "role"), now=datetime.now(UTC)
                )
        except BadInput as error:
            self.invite_error = error.message
            return
        self.invite_link, self.invite_email = team.invitation_link(token), email.strip()
        await _read(self, person)

    @rx.event
    async def revoke_invitation(self, invitation_id: str) -> None:
        """Make a link worthless."""
        person = await client(self)
        _forget_invitation(self)
        async with tenant_session(_tenant(person)) as session:
            await team.revoke(session, person, parse_id(invitation_id))
        await _read(self, person)
        self.notice = "The invitation is revoked."

    @rx.event
    async def change_role(self, user_id: str, role: str) -> None:
        """Make a member owner or agent."""
        person = await client(self)
        async with tenant_session(_tenant(person)) as session:
            await team.change_role(session, person, parse_id(user_id), role)
        now_person = await signed_in(self)
        show(await self.get_state(SessionState), now_person)
        await _read(self, now_person)
        self.notice = "The role is changed."

    @rx.event
    async def remove_member(self, user_id: str) -> None:
        """Take somebody out of the team."""
        person = await client(self)
        async with tenant_session(_tenant(person)) as session:
            await team.remove(session, person, parse_id(user_id), datetime.now(UTC))
        await _read(self, person)
        self.notice = "They are removed from the team and signed out everywhere."

    @rx.event
    async def reset_second_step(self, user_id: str) -> None:
        """Let a colleague in again whose phone is lost."""
        person = await client(self)
        async with tenant_session(_tenant(person)) as session:
            await team.reset_second_step(session, person, parse_id(user_id))
        await _read(self, person)
        self.notice = "Their two-step sign-in is reset. They sign in with the password now."

    @rx.event
    async def require_second_step(self, is_required: bool) -> None:
        """Whether everybody of the team needs a second step."""
        person = await client(self)
        async with tenant_session(_tenant(person)) as session:
            await team.require_second_step(session, person, is_required)
        await _read(self, person)
        self.notice = "Two-step sign-in is required now." if is_required else "Two-step sign-in is optional now."

    @rx.event
    async def end_session(self, session_id: str) -> None:
        """Sign out one other browser."""
        person = await signed_in(self)
        async with identity_session() as session:
            if not await sessions.end_own(session, person, parse_id(session_id)):
                raise NotFound
        await _read(self, person)
        self.notice = "That browser is signed out."

    @rx.event
    async def end_other_sessions(self) -> None:
        """Sign out everywhere else."""
        person = await signed_in(self)
        async with identity_session() as session:
            await sessions.end_own_others(session, person)
        await _read(self, person)
        self.notice = "All other browsers are signed out."

    @rx.event
    async def dismiss_notice(self) -> None:
        """The reader has read it."""
        await signed_in(self)
        self.notice = ""


async def _read(state: SettingsState, person: Person) -> None:
    now = datetime.now(UTC)
    async with identity_session() as session:
        browsers = await list_browsers(session, person, now)
        status = await second_factor.status(session, person.user_id)
    state.has_second_step, state.codes_left = status.is_on, status.codes_left
    state.browsers = [browser_row(browser, person) for browser in browsers]
    if person.tenant_id is not None:
        async with tenant_session(person.tenant_id) as session:
            members = await list_members(session, person.tenant_id)
            invitations = await list_invitations(session, person.tenant_id, now)
            state.team_needs_second_step = await needs_second_step(session, person.tenant_id)
        state.members = [member_row(member, person) for member in members]
        state.invitations = [invitation_row(invitation) for invitation in invitations]
    state.is_loaded = True


def _forget_invitation(state: SettingsState) -> None:
    state.invite_error = state.invite_link = state.invite_email = ""


def _tenant(person: Person) -> UUID:
    return team.refuse_all_but_owners(person)
