"""Stripe: webhook signatures, Connect, and the API."""
