"""Reads numbers from images: MNIST's digits one at a time, and totals of several digits in one image."""
