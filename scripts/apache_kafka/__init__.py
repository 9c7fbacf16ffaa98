"""Apache Kafka itself on one machine: one broker that is its own controller, on Java."""
