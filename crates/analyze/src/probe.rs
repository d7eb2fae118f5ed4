//! What one guest asks another.

use std::fmt;
use std::str::FromStr;

/// See the module. What the other one is taken to say: an echo reply; a SYN-ACK, as if something
/// listened (a RST would go the same way); a datagram back, as if something answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Probe {
    /// An ICMP or ICMPv6 echo request.
    #[default]
    Icmp,
    /// A TCP SYN.
    Tcp {
        /// Destination port.
        port: u16,
    },
    /// A UDP datagram.
    Udp {
        /// Destination port.
        port: u16,
    },
}

/// A text that is no probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoProbe;

impl FromStr for Probe {
    type Err = NoProbe;

    /// "icmp", "tcp:PORT" or "udp:PORT", in any case; no port is 0.
    fn from_str(text: &str) -> Result<Self, NoProbe> {
        let text = text.to_ascii_lowercase();
        let (protocol, port) = match text.split_once(':') {
            None if text == "icmp" => return Ok(Self::Icmp),
            None => return Err(NoProbe),
            Some(parts) => parts,
        };
        let port: u16 = port.parse().map_err(|_| NoProbe)?;
        match protocol {
            _any if port == 0 => Err(NoProbe),
            "tcp" => Ok(Self::Tcp { port }),
            "udp" => Ok(Self::Udp { port }),
            _other => Err(NoProbe),
        }
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Icmp => f.write_str("icmp"),
            Self::Tcp { port } => write!(f, "tcp:{port}"),
            Self::Udp { port } => write!(f, "udp:{port}"),
        }
    }
}

impl fmt::Display for NoProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a probe is icmp, tcp:PORT or udp:PORT, with a port from 1 to 65535")
    }
}

impl std::error::Error for NoProbe {}
