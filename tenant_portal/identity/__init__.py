"""Who may sign in: people, their sessions and invitations."""
