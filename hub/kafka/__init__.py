"""Apache Kafka and Kafka Connect with Debezium: obtained once, run on loopback, never built."""
