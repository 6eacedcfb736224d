//! What every controller shares: client, caches, queue workers, leases, metrics, events, status.
