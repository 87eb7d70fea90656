"""BenefitPoint over SOAP: its sign-in, its reads and its writes."""
