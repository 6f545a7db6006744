"""What the durability tests and tests/bench/durability.py share: writers to kill, a disk that loses power, crowds on one file."""
