"""The real services die at every named place; afterwards nothing is lost, nothing is there twice."""
