"""BenefitPoint's plans that become AMS360 policies through the outbox."""
