//! `nvgre pcap info`: what capture files hold.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use nvgre_capture::{Format, Packet, ReadError, ReadErrorKind};
use nvgre_wire::NvgreKey;
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::input::open_capture;
use crate::output::Output;
use crate::pcap::outermost_gre::{OutermostGre, outermost_gre};

/// What one file holds, as far as it could be read.
#[derive(Debug, Default)]
struct Contents {
    format: Option<Format>,
    packets: u64,
    /// Original lengths.
    bytes: u64,
    /// Nanoseconds since 1970 of the earliest and the latest packet that has a time.
    times_ns: Option<(i64, i64)>,
    /// Shape: name -> packets.
    link_types: BTreeMap<Cow<'static, str>, u64>,
    /// Packets of link types that are counted only.
    not_looked_into: u64,
    nvgre_frames: u64,
    /// Shape: upper 24 bits of the key, reserved ones too -> frames.
    vsids: BTreeMap<u32, u64>,
    gre_other: u64,
}

/// What a capture file holds, as far as it could be read.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonLine<'a> {
    schema: &'static str,
    /// The file, as it was named.
    file: Cow<'a, str>,
    /// Its format; null where it is none that is known.
    format: Option<String>,
    /// Packets read.
    packets: u64,
    /// Their bytes on the wire.
    bytes: u64,
    /// Packets of each link type.
    link_types: &'a BTreeMap<Cow<'static, str>, u64>,
    /// Packets whose outermost IP header carries NVGRE.
    nvgre_frames: u64,
    /// NVGRE frames of each VSID, reserved ids too.
    vsids: &'a BTreeMap<u32, u64>,
    /// Packets with other GRE.
    gre_other: u64,
    /// Why the file could not be read to its end.
    error: Option<String>,
}

/// Reports every file, one after the other.
pub(crate) fn run(files: &[PathBuf], out: &mut Output) -> Result<Exit, Failure> {
    let mut exit = Exit::Success;
    for (index, file) in files.iter().enumerate() {
        let mut contents = Contents::default();
        let error = contents.read(file).err();
        if out.is_json() {
            out.json_line(&contents.json_line(file, error.as_ref()))?;
        } else if contents.format.is_some() {
            if index > 0 {
                writeln!(out)?;
            }
            contents.print(file, error.is_some(), out)?;
        }
        if let Some(error) = error {
            exit = Exit::Input;
            out.complain_of_input(format_args!("{}: {error}", file.display()))?;
        }
    }
    Ok(exit)
}

impl Contents {
    fn read(&mut self, file: &Path) -> Result<(), ReadError> {
        let mut reader = open_capture(file).inspect_err(|error| {
            if let ReadErrorKind::Version { format, .. } = error.kind {
                self.format = Some(format);
            }
        })?;
        self.format = Some(reader.format());
        while let Some(packet) = reader.next()? {
            self.add(&packet);
        }
        Ok(())
    }

    fn add(&mut self, packet: &Packet<'_>) {
        self.packets += 1;
        self.bytes += u64::from(packet.original_len);
        *self.link_types.entry(packet.link_type.name()).or_default() += 1;
        // A simple packet of pcapng has no time.
        if packet.time_ns != 0 {
            let (first, last) = self.times_ns.unwrap_or((packet.time_ns, packet.time_ns));
            self.times_ns = Some((first.min(packet.time_ns), last.max(packet.time_ns)));
        }
        if !packet.link_type.is_supported() {
            self.not_looked_into += 1;
        }
        match outermost_gre(packet.link_type, packet.data) {
            Some(OutermostGre::Nvgre(NvgreKey(key))) => {
                self.nvgre_frames += 1;
                *self.vsids.entry(key >> 8).or_default() += 1;
            }
            Some(OutermostGre::Other) => self.gre_other += 1,
            None => {}
        }
    }

    fn json_line<'a>(&'a self, file: &'a Path, error: Option<&ReadError>) -> JsonLine<'a> {
        JsonLine {
            schema: "nvgre.pcap-info/1",
            file: file.to_string_lossy(),
            format: self.format.map(|format| format.to_string()),
            packets: self.packets,
            bytes: self.bytes,
            link_types: &self.link_types,
            nvgre_frames: self.nvgre_frames,
            vsids: &self.vsids,
            gre_other: self.gre_other,
            error: error.map(ToString::to_string),
        }
    }

    fn print(&self, file: &Path, cut: bool, out: &mut impl Write) -> std::io::Result<()> {
        writeln!(out, "{}", file.display())?;
        if let Some(format) = self.format {
            writeln!(out, "  format        {format}")?;
        }
        let until = if cut { ", before the error" } else { "" };
        writeln!(out, "  packets       {}{until}", self.packets)?;
        writeln!(out, "  bytes         {}", self.bytes)?;
        if let Some((first, last)) = self.times_ns {
            let duration_ns = last.abs_diff(first);
            let (seconds, rest_ns) = (duration_ns / 1_000_000_000, duration_ns % 1_000_000_000);
            writeln!(out, "  duration      {seconds}.{rest_ns:09} s")?;
        }
        for (title, (name, packets)) in titles("link types").zip(&self.link_types) {
            writeln!(out, "  {title:<13} {name}: {packets}")?;
        }
        if self.not_looked_into > 0 {
            writeln!(
                out,
                "                {} packets counted only: their link type is not looked into",
                self.not_looked_into
            )?;
        }
        writeln!(out, "  NVGRE frames  {}", self.nvgre_frames)?;
        for (title, (&vsid, frames)) in titles("VSIDs").zip(&self.vsids) {
            let reserved = match NvgreKey(vsid << 8).virtual_subnet() {
                Ok(_) => "",
                Err(_) => " (reserved)",
            };
            writeln!(out, "  {title:<13} {vsid}: {frames}{reserved}")?;
        }
        writeln!(out, "  other GRE     {}", self.gre_other)
    }
}

/// A title for the first of several lines, blanks for the others.
fn titles(first: &'static str) -> impl Iterator<Item = &'static str> {
    std::iter::once(first).chain(std::iter::repeat(""))
}
