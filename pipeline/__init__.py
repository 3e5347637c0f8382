"""From a category to a pictured, leak-checked scenario: taxonomy and starter scenarios so far."""
