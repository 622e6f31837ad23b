"""Rows drawn by taking noise away step by step, torch-free: numbers are Gaussian, states appear one after the other."""
