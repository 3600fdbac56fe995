"""What the containers of docker-compose.yml run once, and how their health is asked: ``python -m ecommerce.containers``."""
