"""A sandbox of BenefitPoint: LoginV2 and BrokerConnectV4 over SOAP."""
