"""AMS360 as it was received: the assets of `raw_ams360`."""
