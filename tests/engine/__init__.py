"""The program on the real engine, with doubles in place of the provider plugins."""
