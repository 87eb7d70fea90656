"""SOAP as a WCF service speaks it: messages read and written by a WSDL's own types. Knows no system."""
