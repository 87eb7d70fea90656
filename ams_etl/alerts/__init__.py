"""Alarms: conditions become incidents, and each channel hears of an incident once when it begins and once when it is over."""
