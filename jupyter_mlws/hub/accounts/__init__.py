"""Accounts of the Hub's own sign-in: passwords, approval, invitations, lockout and sessions."""
