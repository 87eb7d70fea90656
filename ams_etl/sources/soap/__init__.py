"""What every SOAP source is built on: contract, messages, transport, faults, the fast reading path.

zeep reads the contract and writes messages that change something; what is read in bulk goes through a template
and a decoder built from the same contract, since zeep's own decoding costs more than everything else together.
"""
