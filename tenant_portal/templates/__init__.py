"""Message templates of WhatsApp: written here, approved by WhatsApp, sent from the inbox."""
