"""The other systems: their records translated into AMS360's vocabulary, and the result translated back."""
