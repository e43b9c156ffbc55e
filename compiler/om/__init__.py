"""The OM container: header, partition tables, protobuf messages, bundles; reading and writing."""
