"""What people and programs see of a running bot: HTTP API and MQTT."""
