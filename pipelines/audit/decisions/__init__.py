"""What follows from what was found: pure rules, without any engine."""
