"""The walk: steps, attempts, decisions and everything that people do in a case, derived from rows that are only ever added."""
