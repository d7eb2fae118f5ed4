//! ICMP (RFC 792) and ICMPv6 (RFC 4443): what is an error, what it quotes, and how one is written.

use crate::checksum;
use crate::error::{Layer, ParseError, be16, need};
use crate::transport::ip_protocol;

/// ICMP types and codes.
pub mod icmpv4 {
    /// Echo reply.
    pub const ECHO_REPLY: u8 = 0;
    /// Destination unreachable.
    pub const UNREACHABLE: u8 = 3;
    /// Code of [`UNREACHABLE`]: fragmentation needed and DF set; the next-hop MTU stands in the
    /// second half of the rest of the header (RFC 1191).
    pub const FRAGMENTATION_NEEDED: u8 = 4;
    /// Source quench.
    pub const SOURCE_QUENCH: u8 = 4;
    /// Redirect.
    pub const REDIRECT: u8 = 5;
    /// Echo request.
    pub const ECHO: u8 = 8;
    /// Router advertisement (RFC 1256).
    pub const ROUTER_ADVERTISEMENT: u8 = 9;
    /// Time exceeded.
    pub const TIME_EXCEEDED: u8 = 11;
    /// Parameter problem.
    pub const PARAMETER_PROBLEM: u8 = 12;
}

/// ICMPv6 types.
pub mod icmpv6 {
    /// Packet too big; the MTU stands in the four bytes behind the checksum.
    pub const PACKET_TOO_BIG: u8 = 2;
    /// Time exceeded.
    pub const TIME_EXCEEDED: u8 = 3;
    /// Echo request.
    pub const ECHO: u8 = 128;
    /// Echo reply.
    pub const ECHO_REPLY: u8 = 129;
    /// Router solicitation.
    pub const ROUTER_SOLICITATION: u8 = 133;
    /// Router advertisement.
    pub const ROUTER_ADVERTISEMENT: u8 = 134;
    /// Neighbor solicitation.
    pub const NEIGHBOR_SOLICITATION: u8 = 135;
    /// Neighbor advertisement.
    pub const NEIGHBOR_ADVERTISEMENT: u8 = 136;
    /// Redirect.
    pub const REDIRECT: u8 = 137;
}

macro_rules! icmp {
    ($(#[$doc:meta])* $name:ident, $layer:expr, $is_error:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name<B> {
            bytes: B,
        }

        impl<B: AsRef<[u8]>> $name<B> {
            /// Type 1, code 1, checksum 2, and four bytes that depend on the type.
            pub const LEN: usize = 8;
            /// Where the checksum stands.
            pub const CHECKSUM_AT: usize = 2;

            /// Fails below 8 bytes.
            pub fn parse(bytes: B) -> Result<Self, ParseError> {
                need($layer, bytes.as_ref(), Self::LEN)?;
                Ok(Self { bytes })
            }

            /// The type.
            pub fn kind(&self) -> u8 {
                self.bytes.as_ref()[0]
            }

            /// The code.
            pub fn code(&self) -> u8 {
                self.bytes.as_ref()[1]
            }

            /// The checksum as it stands.
            pub fn checksum(&self) -> u16 {
                be16(self.bytes.as_ref(), Self::CHECKSUM_AT)
            }

            /// Whether messages of this type report an error and quote the packet that caused it.
            pub fn kind_is_error(kind: u8) -> bool {
                let is_error: fn(u8) -> bool = $is_error;
                is_error(kind)
            }

            /// Whether the message reports an error and quotes the packet that caused it.
            pub fn is_error(&self) -> bool {
                Self::kind_is_error(self.kind())
            }

            /// Behind the 8 bytes: the quoted packet of an error.
            pub fn body(&self) -> &[u8] {
                &self.bytes.as_ref()[Self::LEN..]
            }
        }
    };
}

icmp!(
    /// An ICMP message.
    Icmpv4,
    Layer::Icmpv4,
    |kind| matches!(
        kind,
        icmpv4::UNREACHABLE
            | icmpv4::SOURCE_QUENCH
            | icmpv4::REDIRECT
            | icmpv4::TIME_EXCEEDED
            | icmpv4::PARAMETER_PROBLEM
    )
);
icmp!(
    /// An ICMPv6 message.
    Icmpv6,
    Layer::Icmpv6,
    |kind| kind < 128
);

impl Icmpv4<&mut [u8]> {
    /// Writes type, code, the four bytes behind the checksum, and the checksum over all of
    /// `message`, whose body is in place. Panics below 8 bytes.
    pub fn emit(message: &mut [u8], kind: u8, code: u8, rest: u32) {
        write_header(message, kind, code, rest);
        let checksum = !checksum::fold(checksum::sum(message));
        message[2..4].copy_from_slice(&checksum.to_be_bytes());
    }
}

impl Icmpv6<&mut [u8]> {
    /// As [`Icmpv4::emit`]; the checksum covers the pseudo-header of these addresses too.
    pub fn emit(
        message: &mut [u8],
        kind: u8,
        code: u8,
        rest: u32,
        source: &[u8; 16],
        destination: &[u8; 16],
    ) {
        write_header(message, kind, code, rest);
        let pseudo =
            checksum::pseudo_header(source, destination, ip_protocol::ICMPV6, message.len());
        let checksum = !checksum::fold(pseudo + checksum::sum(message));
        message[2..4].copy_from_slice(&checksum.to_be_bytes());
    }
}

fn write_header(message: &mut [u8], kind: u8, code: u8, rest: u32) {
    message[0] = kind;
    message[1] = code;
    message[2..4].fill(0);
    message[4..8].copy_from_slice(&rest.to_be_bytes());
}
