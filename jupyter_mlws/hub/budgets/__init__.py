"""Limits of users and groups, budgets of hours per month, and their enforcement."""
