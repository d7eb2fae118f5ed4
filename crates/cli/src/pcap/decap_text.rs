//! What `nvgre pcap decap` prints for people: a line a frame, then the totals.

use std::fmt;
use std::io::{self, Write};

use nvgre_dataplane::{Decapsulated, DropReason, Outer};
use nvgre_wire::{EtherType, LinkHeader, NvgreKey};

/// What is known of a frame before its verdict.
pub(crate) struct Seen {
    /// From 1.
    pub(crate) number: u64,
    /// Nanoseconds since 1970.
    pub(crate) time_ns: i64,
    /// The outermost key, where it can be read.
    pub(crate) key: Option<NvgreKey>,
}

/// The text so far: where time began, and the counts for its end.
pub(crate) struct DecapText {
    start_ns: Option<i64>,
    accepted: u64,
    /// Shape: drop reason -> frames, and the first of them.
    dropped: [(u64, u64); DropReason::COUNT],
}

impl Default for DecapText {
    fn default() -> Self {
        Self {
            start_ns: None,
            accepted: 0,
            dropped: [(0, 0); DropReason::COUNT],
        }
    }
}

impl DecapText {
    /// Prints the line of an accepted frame; `inner` is the frame that came out.
    pub(crate) fn accepted(
        &mut self,
        seen: &Seen,
        decapsulated: &Decapsulated,
        inner: &[u8],
        out: &mut impl Write,
    ) -> io::Result<()> {
        self.accepted += 1;
        self.start(seen, "accept", out)?;
        let (from, to) = (decapsulated.source, decapsulated.destination);
        write!(out, ", {from} > {to}")?;
        if let Ok(link) = LinkHeader::parse(inner) {
            write!(out, ", {} > {}, ", link.source, link.destination)?;
            match link.ether_type {
                EtherType::IPV4 => write!(out, "IPv4")?,
                EtherType::IPV6 => write!(out, "IPv6")?,
                EtherType::ARP => write!(out, "ARP")?,
                EtherType(number) => write!(out, "ethertype {number:#06x}")?,
            }
        }
        write!(out, ", {} bytes", inner.len())?;
        if decapsulated.reserved_bits {
            write!(out, ", reserved GRE bits ignored")?;
        }
        if decapsulated.ecn_reported {
            write!(out, ", odd pair of ECN fields (RFC 6040 s4.2)")?;
        }
        writeln!(out)
    }

    /// Prints the line of a dropped frame; `outer` where its outer headers are sound.
    pub(crate) fn dropped(
        &mut self,
        seen: &Seen,
        outer: Option<&Outer>,
        reason: DropReason,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let (frames, first) = &mut self.dropped[reason as usize];
        *frames += 1;
        if *frames == 1 {
            *first = seen.number;
        }
        self.start(seen, format_args!("drop {reason}"), out)?;
        if let Some(outer) = outer {
            write!(out, ", {} > {}", outer.source, outer.destination)?;
        }
        writeln!(out)
    }

    /// Number, seconds since the first frame, verdict, key.
    fn start(
        &mut self,
        seen: &Seen,
        verdict: impl fmt::Display,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let start_ns = *self.start_ns.get_or_insert(seen.time_ns);
        let sign = if seen.time_ns < start_ns { "-" } else { "" };
        let since_ns = seen.time_ns.abs_diff(start_ns);
        let (seconds, rest_ns) = (since_ns / 1_000_000_000, since_ns % 1_000_000_000);
        let number = seen.number;
        write!(out, "{number:>6} {sign}{seconds}.{rest_ns:09} {verdict}")?;
        if let Some(key) = seen.key {
            write!(out, ", vsid {} flow {}", key.0 >> 8, key.flow_id().0)?;
        }
        Ok(())
    }

    /// Prints what became of all frames.
    pub(crate) fn totals(&self, cut: bool, out: &mut impl Write) -> io::Result<()> {
        let dropped: u64 = self.dropped.iter().map(|(frames, _)| frames).sum();
        let until = if cut { " before the error" } else { "" };
        writeln!(
            out,
            "\n{} frames{until}: {} accepted, {dropped} dropped",
            self.accepted + dropped,
            self.accepted
        )?;
        for (reason, (frames, first)) in DropReason::ALL.iter().zip(self.dropped) {
            if frames > 0 {
                let name = reason.name();
                writeln!(out, "{frames:>8} {name:<18} first at frame {first}")?;
            }
        }
        Ok(())
    }
}
