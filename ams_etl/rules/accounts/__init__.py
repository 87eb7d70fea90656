"""Accounts across AMS360 and BenefitPoint: which records are one account, and which policy a benefit plan becomes."""
