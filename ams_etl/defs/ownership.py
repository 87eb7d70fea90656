"""Who answers for the assets where `owners` of agencies.yaml names nobody."""

OWNERS = ["team:data-engineering"]
