//! The build engine: a file tree and a path in, objects and a read set out.
