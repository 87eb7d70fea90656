"""Derive, plan, check and publish contacts; explain and preview them."""
