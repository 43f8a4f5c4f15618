"""E-mails to the people of the portal: their look, the queue they wait in, the mail server."""
