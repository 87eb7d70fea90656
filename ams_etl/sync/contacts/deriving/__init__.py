"""The two halves of deriving a chunk: run the rules over each customer, and store what they return."""
