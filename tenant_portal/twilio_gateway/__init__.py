"""Everything the portal says to Twilio and understands from it; the only package that imports Twilio's library."""
