//! Echo requests and replies of a guest (RFC 792, RFC 4443).

use std::net::{IpAddr, Ipv6Addr};

use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::socket::icmp;
use smoltcp::wire::{
    EthernetFrame, EthernetProtocol, Icmpv4Packet, Icmpv4Repr, Icmpv6Packet, Icmpv6Repr,
    IpProtocol, Ipv4Packet, Ipv4Repr, Ipv6Packet, Ipv6Repr,
};

use crate::clock::SimTime;

/// Bytes of data in an echo request, as ping sends by default.
const DATA_LEN: usize = 56;
/// Bytes for one message with room for a reply that is longer than its request.
const BUFFER_LEN: usize = 256;

/// One echo request and its reply. It has a socket of its own, so that one that waits for a MAC
/// holds up no other.
pub(crate) struct Ping {
    to: IpAddr,
    ident: u16,
    sequence: u16,
    /// Until the reply came.
    socket: Option<SocketHandle>,
    /// When the reply is no longer waited for.
    pub(crate) gives_up_at: SimTime,
}

impl Ping {
    /// Hands an echo request to the stack.
    pub(crate) fn open(
        sockets: &mut SocketSet<'static>,
        to: IpAddr,
        ident: u16,
        sequence: u16,
        gives_up_at: SimTime,
    ) -> Self {
        let buffer =
            || icmp::PacketBuffer::new(vec![icmp::PacketMetadata::EMPTY], vec![0; BUFFER_LEN]);
        let mut socket = icmp::Socket::new(buffer(), buffer());
        socket
            .bind(icmp::Endpoint::Ident(ident))
            .expect("a new socket is not bound");
        let message = request(to, ident, sequence);
        socket
            .send_slice(&message, to.into())
            .expect("an empty buffer has room, and the destination is specified");
        Self {
            to,
            ident,
            sequence,
            socket: Some(sockets.add(socket)),
            gives_up_at,
        }
    }

    pub(crate) fn is(&self, ident: u16, sequence: u16) -> bool {
        (self.ident, self.sequence) == (ident, sequence)
    }

    pub(crate) fn replied(&self) -> bool {
        self.socket.is_none()
    }

    /// Reads what the stack received with this identifier.
    pub(crate) fn take_reply(&mut self, sockets: &mut SocketSet<'static>) {
        let Some(handle) = self.socket else {
            return;
        };
        let socket = sockets.get_mut::<icmp::Socket<'_>>(handle);
        let mut replied = false;
        while let Ok((message, from)) = socket.recv() {
            replied |=
                IpAddr::from(from) == self.to && is_reply_message(self.to, message, self.sequence);
        }
        if replied {
            sockets.remove(handle);
            self.socket = None;
        }
    }

    /// Lets the socket go.
    pub(crate) fn close(self, sockets: &mut SocketSet<'static>) {
        if let Some(handle) = self.socket {
            sockets.remove(handle);
        }
    }
}

fn request(to: IpAddr, ident: u16, seq_no: u16) -> Vec<u8> {
    let data: [u8; DATA_LEN] = std::array::from_fn(|at| at as u8);
    let data = &data[..];
    // The stack writes the message again when it knows the addresses, checksum and all.
    let checksums = ChecksumCapabilities::ignored();
    match to {
        IpAddr::V4(_) => {
            let message = Icmpv4Repr::EchoRequest {
                ident,
                seq_no,
                data,
            };
            let mut bytes = vec![0; message.buffer_len()];
            message.emit(&mut Icmpv4Packet::new_unchecked(&mut bytes[..]), &checksums);
            bytes
        }
        IpAddr::V6(to) => {
            let message = Icmpv6Repr::EchoRequest {
                ident,
                seq_no,
                data,
            };
            let mut bytes = vec![0; message.buffer_len()];
            message.emit(
                &Ipv6Addr::UNSPECIFIED,
                &to,
                &mut Icmpv6Packet::new_unchecked(&mut bytes[..]),
                &checksums,
            );
            bytes
        }
    }
}

/// Whether an ICMP message of the family of `to` is the echo reply with this sequence number. The
/// stack has checked checksum and identifier.
fn is_reply_message(to: IpAddr, message: &[u8], sequence: u16) -> bool {
    let checksums = ChecksumCapabilities::ignored();
    match to {
        IpAddr::V4(_) => Icmpv4Packet::new_checked(message)
            .and_then(|packet| {
                let message = Icmpv4Repr::parse(&packet, &checksums)?;
                Ok(matches!(message, Icmpv4Repr::EchoReply { seq_no, .. } if seq_no == sequence))
            })
            .unwrap_or(false),
        IpAddr::V6(to) => Icmpv6Packet::new_checked(message)
            .and_then(|packet| {
                let message = Icmpv6Repr::parse(&to, &Ipv6Addr::UNSPECIFIED, &packet, &checksums)?;
                Ok(matches!(message, Icmpv6Repr::EchoReply { seq_no, .. } if seq_no == sequence))
            })
            .unwrap_or(false),
    }
}

/// The address that a frame's echo request asks; `None` for any other frame.
pub(crate) fn requested_address(frame: &[u8]) -> Option<IpAddr> {
    match read(frame)? {
        (destination, Echo::Request) => Some(destination),
        (_, Echo::Reply) => None,
    }
}

/// Whether a frame is an echo reply.
pub(crate) fn is_reply(frame: &[u8]) -> bool {
    matches!(read(frame), Some((_, Echo::Reply)))
}

enum Echo {
    Request,
    Reply,
}

/// Destination and kind of a frame that holds a valid echo message.
fn read(frame: &[u8]) -> Option<(IpAddr, Echo)> {
    let frame = EthernetFrame::new_checked(frame).ok()?;
    let checksums = ChecksumCapabilities::default();
    match frame.ethertype() {
        EthernetProtocol::Ipv4 => {
            let packet = Ipv4Packet::new_checked(frame.payload()).ok()?;
            let ip = Ipv4Repr::parse(&packet, &checksums).ok()?;
            if ip.next_header != IpProtocol::Icmp {
                return None;
            }
            let message = Icmpv4Packet::new_checked(packet.payload()).ok()?;
            match Icmpv4Repr::parse(&message, &checksums).ok()? {
                Icmpv4Repr::EchoRequest { .. } => Some((ip.dst_addr.into(), Echo::Request)),
                Icmpv4Repr::EchoReply { .. } => Some((ip.dst_addr.into(), Echo::Reply)),
                _other_message => None,
            }
        }
        EthernetProtocol::Ipv6 => {
            let packet = Ipv6Packet::new_checked(frame.payload()).ok()?;
            let ip = Ipv6Repr::parse(&packet).ok()?;
            if ip.next_header != IpProtocol::Icmpv6 {
                return None;
            }
            let message = Icmpv6Packet::new_checked(packet.payload()).ok()?;
            match Icmpv6Repr::parse(&ip.src_addr, &ip.dst_addr, &message, &checksums).ok()? {
                Icmpv6Repr::EchoRequest { .. } => Some((ip.dst_addr.into(), Echo::Request)),
                Icmpv6Repr::EchoReply { .. } => Some((ip.dst_addr.into(), Echo::Reply)),
                _other_message => None,
            }
        }
        EthernetProtocol::Arp | EthernetProtocol::Unknown(_) => None,
    }
}
