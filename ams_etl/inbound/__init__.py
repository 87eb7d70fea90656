"""The inbound HTTP service: notifications and platform events, stored before they are interpreted.

service     the requests          answers   replies in the body format of the caller
server      the process           writer    group commit
redaction   who may send, and what is never stored
chores      what happens beside   settling  received -> pending, ignored, parked
retention   what is forgotten, and when
documents   bytes -> a tree       understanding   a tree -> what changed; pure, never raises
mapping     notification_mapping.yaml, which an engineer may mend
"""
