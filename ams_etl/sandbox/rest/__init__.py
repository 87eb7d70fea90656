"""What the stand-ins that speak JSON have in common: requests, records with their moments of change, faults, control."""
