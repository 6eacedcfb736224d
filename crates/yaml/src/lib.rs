//! YAML as Go's parsers read it and as Go's emitters print it.
