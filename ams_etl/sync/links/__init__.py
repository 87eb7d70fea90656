"""Which AMS360 customer and BenefitPoint account are the same account."""
