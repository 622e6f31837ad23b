"""What models that draw whole rows at once share: columns as numbers for networks, and back."""
