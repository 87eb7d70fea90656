"""A stand-in BenefitPoint: LoginV2 and BrokerConnectV4 over SOAP."""
