"""AMS360's outbound notifications as we assume them: what raises one, how it is written, and how it is sent."""
