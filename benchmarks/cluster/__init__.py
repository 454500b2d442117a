"""Several services behind a balancer: what is lost when one of them fails, and what a request costs."""
