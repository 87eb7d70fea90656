"""What the JSON sandboxes share: requests, records with their moments of change, faults, control."""
