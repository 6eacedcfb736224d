//! Development tasks: demo, test, bench, control-plane, crds.
