"""Things that look at the world and hand what they see to the store. Never judge, never write to what they look at."""
