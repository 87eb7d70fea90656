"""SOAP as a WCF service speaks it: messages read and written by the WSDL's own types."""
