"""The first sync of many agencies in one process: starting a run for each would take longer than reading them."""
