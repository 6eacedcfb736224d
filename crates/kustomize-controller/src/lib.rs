//! kustomize-controller: builds and applies Kustomizations.
