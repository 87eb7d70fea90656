"""Publish accounts and policies as a difference, behind their own brake."""
