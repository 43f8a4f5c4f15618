"""The trail in a reader's words."""

# A kind or an action that is not listed is told by its own name: `label:renamed` becomes `Label renamed`.
KINDS = {
    "channel": "Channels",
    "conversation": "Conversations",
    "invitation": "Invitations",
    "lead": "Leads",
    "reply": "Canned replies",
    "message": "Messages",
    "session": "Signed-in browsers",
    "task": "The agency's help",
    "team": "Rules of the team",
    "template": "Message templates",
    "tenant": "The company's portal",
    "user": "People",
}
ACTIONS = {
    "channel:disconnected": "Disconnected a channel",
    "channel:greeting-changed": "Changed a greeting",
    "channel:requested": "Connected a channel",
    "conversation:message-scheduled": "Scheduled a message",
    "conversation:message-unscheduled": "Canceled a scheduled message",
    "conversation:schedule-changed": "Changed a scheduled message",
    "conversation:send-undone": "Took an answer back before it was sent",
    "invitation:accepted": "Joined the team",
    "invitation:created": "Invited somebody",
    "invitation:revoked": "Revoked an invitation",
    "lead:consent-given": "Recorded consent",
    "lead:consent-withdrawn": "Recorded that consent is withdrawn",
    "lead:note-deleted": "Deleted a note",
    "lead:renamed": "Renamed a lead",
    "lead:stage-changed": "Moved a lead to another stage",
    "reply:added": "Added a canned reply",
    "reply:changed": "Changed a canned reply",
    "reply:deleted": "Deleted a canned reply",
    "message:sent-in-quiet-hours": "Sent a message within quiet hours",
    "session:ended": "Signed a browser out",
    "session:others-ended": "Signed all other browsers out",
    "task:run-again": "Had work done again",
    "team:quiet-hours-changed": "Changed the quiet hours",
    "team:two-step-optional": "Made two-step sign-in optional",
    "team:two-step-required": "Required two-step sign-in",
    "template:created": "Made a message template",
    "template:deleted": "Deleted a message template",
    "template:submitted": "Submitted a message template",
    "tenant:created": "Made the portal",
    "tenant:resumed": "Resumed the portal",
    "tenant:timezone-changed": "Changed the time zone",
    "tenant:suspended": "Suspended the portal",
    "user:notifications-changed": "Changed what they are notified of",
    "user:password-changed": "Changed the password",
    "user:password-reset": "Set a new password by e-mail",
    "user:recovery-code-used": "Signed in with a recovery code",
    "user:recovery-codes-renewed": "Made new recovery codes",
    "user:removed": "Removed somebody from the team",
    "user:role-changed": "Changed a role",
    "user:two-step-reset": "Reset somebody's two-step sign-in",
    "user:two-step-turned-off": "Turned two-step sign-in off",
    "user:two-step-turned-on": "Turned two-step sign-in on",
}


def kind_words(kind: str) -> str:
    """`lead` as `Leads`."""
    return KINDS.get(kind) or _plain(kind)


def action_words(action: str) -> str:
    """`lead:renamed` as `Renamed a lead`."""
    return ACTIONS.get(action) or _plain(action.replace(":", " "))


def _plain(text: str) -> str:
    words = text.replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:]
