"""Who answers for the assets."""

OWNERS = ["team:data-engineering"]
