"""Platform events over HTTP: validated and stored before the answer is sent."""
