//! pcap and pcapng, streaming, nanoseconds, comments. Knows bytes and time, nothing of networks.
