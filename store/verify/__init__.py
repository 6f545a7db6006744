"""Check a case against itself and against what lies outside it: five questions, each with its own answer and its own limits."""
