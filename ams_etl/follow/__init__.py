"""The warm worker: notified changes in the mart and writebacks delivered within seconds of their commit."""
