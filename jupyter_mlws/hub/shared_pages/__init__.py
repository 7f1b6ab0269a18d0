"""Static pages that users share by a link: their readers, their expiry and their delivery."""
