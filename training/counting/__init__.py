"""Numbers read off pictures: MNIST's digits one at a time, and totals of several digits in one picture."""
