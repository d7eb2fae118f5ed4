//! `nvgre pcap decap`: the dataplane's own verdict on every frame of a capture.
//!
//! The frames go through [`decapsulate`] with [`AnyProvider`]: every provider address is local, every
//! peer and virtual subnet is known. A reason is thus about the frame alone, never about policy.
//!
//! `vsid` and `flow_id` are the halves of the outermost key wherever it can be read: of GRE with
//! protocol 0x6558 and a whole key, the frames that `nvgre pcap info` counts as NVGRE. They are told
//! whatever the verdict, reserved ids included, because a refused frame is the one people ask about.
//!
//! Frames without an Ethernet header (linux-sll, linux-sll2, raw-ip) get one written in front: the
//! sender's address where the capture kept a MAC, zeros for the rest. No check reads those MACs. A
//! raw-ip packet of a version that is not the link type's, and a cooked frame of a device without
//! EtherTypes, is `not_nvgre`; a cut cooked header is `outer_length`. Any other link type ends the
//! verb, by name.
//!
//! Well-formed, and decided here:
//!
//! | frame | verdict | because |
//! | --- | --- | --- |
//! | outer source equals destination | accept | whether an address is a peer's is policy, and every peer is known |
//! | outer destination 255.255.255.255 | `outer_not_ours` | nobody's provider address; NVGRE knows unicast and multicast only (RFC 7637 s4.2) |
//! | outer destination a multicast group | accept | broadcast and multicast of a subnet may use one (RFC 7637 s4.2) |
//! | routing header with segments left | `outer_not_ours` | this is not the last destination, and type 0 is deprecated (RFC 5095) |
//! | ten destination-options headers | accept | RFC 8200 s4 sets no limit |
//! | inner source equals destination MAC | accept | odd, yet an ordinary frame of its tenant |
//! | inner source MAC a group address | `inner_source_group` | no station has one (IEEE 802.3 s3.2.3) |

use std::ops::Range;
use std::path::Path;

use nvgre_capture::{LinkError, LinkPayload, MAX_RECORD_BYTES, Packet, network_layer};
use nvgre_dataplane::{AnyProvider, DropReason, Outer, Settings, decapsulate};
use nvgre_wire::{EtherType, Ethernet, FrameBuf, HEADROOM, MacAddress, NvgreKey};
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::input::open_capture;
use crate::output::Output;
use crate::pcap::decap_text::{DecapText, Seen};
use crate::pcap::outermost_gre::{OutermostGre, outermost_gre};

/// What an endpoint would make of a frame.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonLine {
    schema: &'static str,
    /// From 1.
    frame: u64,
    /// Whether the frame comes out of its tunnel.
    #[schemars(extend("enum" = ["accept", "drop"]))]
    verdict: &'static str,
    /// Why it was dropped.
    reason: Option<&'static str>,
    /// The upper 24 bits of the key, reserved ids too, wherever the key can be read.
    vsid: Option<u32>,
    /// The lower 8 bits of the key, wherever the key can be read.
    flow_id: Option<u8>,
}

/// Bytes of the Ethernet header that some frames get written in front.
const ETHERNET_LEN: usize = Ethernet::<&[u8]>::LEN;

/// Decapsulates every frame of a capture.
pub(crate) fn run(file: &Path, out: &mut Output) -> Result<Exit, Failure> {
    let fail =
        |error: &dyn std::fmt::Display| Failure::input(format_args!("{}: {error}", file.display()));
    let mut reader = open_capture(file).map_err(|error| fail(&error))?;
    let mut memory = vec![0; HEADROOM + ETHERNET_LEN + MAX_RECORD_BYTES];
    let settings = Settings::default();
    let mut text = DecapText::default();
    let mut gre_seen = false;
    let end = loop {
        let packet = match reader.next() {
            Ok(Some(packet)) => packet,
            Ok(None) => break Ok(()),
            Err(error) => break Err(fail(&error)),
        };
        let gre = outermost_gre(packet.link_type, packet.data);
        gre_seen |= gre.is_some();
        let key = match gre {
            Some(OutermostGre::Nvgre(key)) => Some(key),
            Some(OutermostGre::Other) | None => None,
        };
        let frame = match lay_out(&packet, &mut memory) {
            Ok(range) => Ok(range),
            Err(Unreadable::Frame(reason)) => Err(reason),
            Err(Unreadable::Link(error)) => {
                break Err(fail(&format_args!("packet {}: {error}", packet.number)));
            }
        };
        if out.is_json() {
            let verdict = frame.and_then(|range| {
                let mut frame = window(&mut memory, range);
                decapsulate(&mut frame, &settings, &AnyProvider).map_err(|refused| refused.reason)
            });
            out.json_line(&json_line(packet.number, verdict.err(), key))?;
        } else {
            let seen = Seen {
                number: packet.number,
                time_ns: packet.time_ns,
                key,
            };
            match frame {
                Err(reason) => text.dropped(&seen, None, reason, out)?,
                Ok(range) => {
                    let mut frame = window(&mut memory, range);
                    match decapsulate(&mut frame, &settings, &AnyProvider) {
                        Ok(decapsulated) => {
                            text.accepted(&seen, &decapsulated, frame.bytes(), out)?;
                        }
                        Err(refused) => {
                            // A refused frame is as it came.
                            let outer = Outer::parse(frame.bytes()).ok();
                            text.dropped(&seen, outer.as_ref(), refused.reason, out)?;
                        }
                    }
                }
            }
        }
    };
    if !out.is_json() {
        text.totals(end.is_err(), out)?;
    }
    end?;
    if gre_seen {
        return Ok(Exit::Success);
    }
    out.complain(format_args!(
        "{}: no frame holds a GRE header",
        file.display()
    ))?;
    Ok(Exit::Nothing)
}

fn json_line(frame: u64, reason: Option<DropReason>, key: Option<NvgreKey>) -> JsonLine {
    JsonLine {
        schema: "nvgre.pcap-decap/1",
        frame,
        verdict: if reason.is_none() { "accept" } else { "drop" },
        reason: reason.map(DropReason::name),
        vsid: key.map(|key| key.0 >> 8),
        flow_id: key.map(|key| key.flow_id().0),
    }
}

/// Why a captured frame cannot be shown to the decapsulator.
enum Unreadable {
    /// This frame cannot: it is dropped.
    Frame(DropReason),
    /// No frame of its link type can.
    Link(LinkError),
}

/// Copies a frame, Ethernet header first, behind the headroom. Gives where it lies.
fn lay_out(packet: &Packet<'_>, memory: &mut [u8]) -> Result<Range<usize>, Unreadable> {
    let (start, bytes) = match network_layer(packet.link_type, packet.data) {
        Ok(LinkPayload::Ethernet(frame)) => (HEADROOM, frame),
        Ok(LinkPayload::Network {
            ethertype,
            payload,
            source,
        }) => {
            let mut header = Ethernet::parse(&mut memory[HEADROOM..])
                .map_err(|_| Unreadable::Frame(DropReason::OuterLength))?;
            let source = source.and_then(|bytes| bytes.try_into().ok());
            header.set_destination(MacAddress::new([0; 6]));
            header.set_source(MacAddress::new(source.unwrap_or([0; 6])));
            header.set_ether_type(EtherType(ethertype));
            (HEADROOM + ETHERNET_LEN, payload)
        }
        Err(error) => {
            return Err(match error {
                LinkError::Short { .. } => Unreadable::Frame(DropReason::OuterLength),
                LinkError::IpVersion { .. } | LinkError::NoEthertype { .. } => {
                    Unreadable::Frame(DropReason::NotNvgre)
                }
                LinkError::Unsupported { .. } => Unreadable::Link(error),
            });
        }
    };
    let end = start + bytes.len();
    memory[start..end].copy_from_slice(bytes);
    Ok(HEADROOM..end)
}

fn window(memory: &mut [u8], frame: Range<usize>) -> FrameBuf<'_> {
    FrameBuf::new(memory, frame).expect("frames are laid out behind the headroom")
}
