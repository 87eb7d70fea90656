"""HawkSoft, QQ Catalyst and MyCase: their raw records as assets; what follows is the same as for AMS360."""
