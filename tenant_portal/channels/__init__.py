"""A tenant's connections to the world: SMS, WhatsApp and voicemail."""
