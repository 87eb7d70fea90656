"""Alerts: a real mail server and a real HTTP receiver on loopback."""
