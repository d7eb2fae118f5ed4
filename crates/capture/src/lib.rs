//! Capture files: pcap and pcapng, in and out, streaming, with nanoseconds and comments.
//!
//! What it is: a [`Reader`] that lends packets out of one fixed buffer, one at a time or those that
//! lie there together, whatever the file claims about itself; a [`Writer`] of pcapng and a
//! [`PcapWriter`] whose files appear under their names only when they are whole; and
//! [`network_layer`], which says where the network header of a captured frame begins for the link
//! types that carry Ethernet or IP.
//!
//! What it is not: a dissector. It knows bytes, time and link types, and nothing of addresses,
//! tunnels or policy; it imports no other crate of the workspace.
//!
//! | file | holds |
//! | --- | --- |
//! | `reader.rs` | [`Reader`], [`Packet`], [`Packets`], [`Interface`], [`Format`] |
//! | `packet_options.rs` | [`PacketOptions`]: comment, id and [`Direction`] of a packet |
//! | `pcap.rs` | the records of the classic format |
//! | `pcapng.rs` | the sections, interfaces and packets of the next generation format |
//! | `block.rs` | the frame around its blocks, and their options |
//! | `timestamp.rs` | interface clock units to nanoseconds |
//! | `window.rs` | the fixed buffer between a source and the parsers |
//! | `read_error.rs` | [`ReadError`]: what is wrong, at which packet and byte |
//! | `link_type.rs` | [`LinkType`], numbers and names |
//! | `link.rs` | [`network_layer`] |
//! | `writer.rs` | [`Writer`] of pcapng, [`Annotations`], [`WriteError`] |
//! | `pcap_writer.rs` | [`PcapWriter`] |
//! | `pending.rs` | files that appear when they are whole |
//!
//! ```
//! use nvgre_capture::{LinkType, Reader, Writer};
//!
//! let mut file = Vec::new();
//! let mut writer = Writer::new(&mut file)?;
//! let uplink = writer.add_interface("uplink", LinkType::ETHERNET, 0)?;
//! writer.write(uplink, 1_700_000_000_000_000_001, &[0xff; 60], 60, Some("delivered"))?;
//! writer.finish()?;
//!
//! let mut reader = Reader::new(file.as_slice())?;
//! while let Some(packet) = reader.next()? {
//!     assert_eq!(packet.time_ns, 1_700_000_000_000_000_001);
//!     assert_eq!(packet.options.comment(), Some("delivered"));
//! }
//! assert_eq!(reader.interfaces()[0].name.as_deref(), Some("uplink"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod block;
mod link;
mod link_type;
mod packet_options;
mod pcap;
mod pcap_writer;
mod pcapng;
mod pending;
mod read_error;
mod reader;
mod timestamp;
mod window;
mod writer;

pub use link::{LinkError, LinkPayload, network_layer};
pub use link_type::LinkType;
pub use packet_options::{Direction, PacketOptions};
pub use pcap_writer::PcapWriter;
pub use read_error::{ReadError, ReadErrorKind};
pub use reader::{Format, Interface, MAX_RECORD_BYTES, Packet, Packets, Reader};
pub use window::BUFFER_BYTES;
pub use writer::{Annotations, WriteError, Writer};
