"""From candidates to contacts: the assets of `stage` and `mart`, and the checks that guard them."""
