//! Frames and a policy snapshot in, verdicts out: ports, lookup records, routes, encapsulation, NAT. no_std + alloc.
