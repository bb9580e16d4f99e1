"""A seeded agent platform: events as real ones are, with every fault that real deliveries have."""
