"""Every event handler a browser can name, by state. Whoever adds one adds it here, and says so: it is on purpose."""

HANDLERS: dict[str, set[str]] = {
    "SessionState": {"load", "tell_trouble", "dismiss_trouble"},
    "HomeState": {"load"},
    "InboxState": {
        "load",
        "refresh",
        "set_filter",
        "load_more",
        "load_older",
        "choose_channel",
        "measure",
        "send",
        "retry",
        "fetch_again",
        "close_notice",
    },
    "LeadsState": {"load", "refresh", "find", "set_stage", "load_more"},
    "LeadState": {"load", "refresh", "rename", "set_stage", "add_note", "delete_note", "close_notice"},
    "SettingsState": {
        "load",
        "save_name",
        "change_password",
        "invite",
        "revoke_invitation",
        "change_role",
        "remove_member",
        "end_session",
        "end_other_sessions",
        "dismiss_notice",
    },
}
