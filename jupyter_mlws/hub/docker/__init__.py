"""Docker and Docker Swarm: containers, images and events."""
