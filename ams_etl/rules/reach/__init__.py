"""How a person can be reached: emails, phones, addresses."""
