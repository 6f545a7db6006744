"""The packet: the documents that a closed phase hands on, made from the case alone. Same case, same bytes."""
