"""What runs on the Hub's side: spawner, admission, and the service `mlws`."""
