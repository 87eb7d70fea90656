"""BenefitPoint's records, the links to AMS360's customers, and the accounts and policies of both."""
