//! MAC addresses in the forms that Windows prints.

use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

/// A 48-bit MAC address.
///
/// Read from `00155D002009` (NetWNV), `00-15-5D-00-20-09` and `00:15:5d:00:20:09`; printed as
/// NetWNV prints it, twelve upper-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddress([u8; 6]);

impl MacAddress {
    /// All ones.
    pub const BROADCAST: Self = Self([0xff; 6]);

    /// From the six octets in wire order.
    pub const fn new(octets: [u8; 6]) -> Self {
        Self(octets)
    }

    /// The octets in wire order.
    pub const fn octets(self) -> [u8; 6] {
        self.0
    }

    /// The first six bytes of `bytes`. Panics when there are fewer: callers have checked a header.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        Self([bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]])
    }

    /// Whether the group bit (I/G, IEEE 802) is set: broadcast and multicast.
    pub const fn is_group(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// The group MAC that an IP multicast address maps to (RFC 1112 s6.4, RFC 2464 s7), or `None`
    /// for any other address.
    pub fn of_multicast(ip: IpAddr) -> Option<Self> {
        match ip {
            IpAddr::V4(v4) if v4.is_multicast() => {
                let [_, b, c, d] = v4.octets();
                Some(Self([0x01, 0x00, 0x5e, b & 0x7f, c, d]))
            }
            IpAddr::V6(v6) if v6.is_multicast() => {
                let o = v6.octets();
                Some(Self([0x33, 0x33, o[12], o[13], o[14], o[15]]))
            }
            IpAddr::V4(_) | IpAddr::V6(_) => None,
        }
    }
}

/// Text that is no MAC address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacError;

impl fmt::Display for MacError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "not a MAC address: twelve hex digits, with '-' or ':' between pairs or nothing",
        )
    }
}

impl core::error::Error for MacError {}

impl FromStr for MacAddress {
    type Err = MacError;

    fn from_str(text: &str) -> Result<Self, MacError> {
        let bytes = text.as_bytes();
        let step = match bytes.len() {
            12 => 2,
            17 => 3,
            _other_length => return Err(MacError),
        };
        let separator = bytes[2];
        let mut octets = [0u8; 6];
        for (i, octet) in octets.iter_mut().enumerate() {
            let at = i * step;
            if step == 3
                && i > 0
                && (bytes[at - 1] != separator || !matches!(separator, b'-' | b':'))
            {
                return Err(MacError);
            }
            let digit = |b: u8| (b as char).to_digit(16).ok_or(MacError);
            *octet = (digit(bytes[at])? << 4 | digit(bytes[at + 1])?) as u8;
        }
        Ok(Self(octets))
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for octet in self.0 {
            write!(f, "{octet:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
