"""The HTTP door: notifications and platform events, stored before they are understood. Nothing is here yet."""
