//! A source revision as an immutable, content-addressed tree.
