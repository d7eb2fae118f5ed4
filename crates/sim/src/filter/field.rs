//! The fields of a filter, and the values that they are held against.

use std::cmp::Ordering;
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use nvgre_dataplane::DropReason;
use nvgre_wire::{MacAddress, ip_protocol};

use crate::entry::SkipReason;
use crate::scenario::Scenario;

/// Something about a walk. `inner` is the frame as guests have it, `outer` what was on the underlay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Number of the frame, over all inputs.
    Frame,
    /// IP source of the guest's frame; of ARP the sender's address.
    InnerSrc,
    /// IP destination of the guest's frame; of ARP the address asked for.
    InnerDst,
    /// Source MAC of the guest's frame.
    InnerMacSrc,
    /// Destination MAC of the guest's frame.
    InnerMacDst,
    /// What the guest's packet carries: a name, or the number of IP.
    InnerProto,
    /// TCP or UDP source port of the guest's frame.
    InnerSrcPort,
    /// TCP or UDP destination port of the guest's frame.
    InnerDstPort,
    /// Source addresses of the packets on the underlay.
    OuterSrc,
    /// Destination addresses of the packets on the underlay.
    OuterDst,
    /// VSID of the sender's port, and those of the keys on the underlay.
    Vsid,
    /// FlowIDs of the keys on the underlay.
    FlowId,
    /// Tenants of sender and receivers.
    Tenant,
    /// Sender and receivers, by the names of their ports.
    Guest,
    /// Where its copies ended: hosts.
    Host,
    /// What became of it.
    Verdict,
    /// Why copies of it were dropped, or why it was skipped.
    Reason,
}

/// What values a field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Up to this one.
    Number(u64),
    Address,
    Mac,
    Protocol,
    Tenant,
    Guest,
    Host,
    Verdict,
    Reason,
}

/// What a field is held against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Number(u64),
    /// An address is a prefix of its whole length.
    Prefix(IpNet),
    Mac(MacAddress),
    Protocol(Protocol),
    /// An index, and its name as the scenario has it.
    Name(usize, String),
    Word(&'static str),
}

/// A value that a walk has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Number(u64),
    Address(IpAddr),
    Mac(MacAddress),
    Protocol(Protocol),
    Index(usize),
    Word(&'static str),
}

/// What a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Arp,
    Ip(u8),
}

impl Field {
    /// Every field, its name, and what it is in a few words.
    pub const ALL: [(Self, &'static str, &'static str); 17] = [
        (Self::Frame, "frame", "number of the frame, over all inputs"),
        (
            Self::InnerSrc,
            "inner.src",
            "address or prefix; of ARP the sender's",
        ),
        (
            Self::InnerDst,
            "inner.dst",
            "address or prefix; of ARP the one asked for",
        ),
        (Self::InnerMacSrc, "inner.mac.src", "MAC"),
        (Self::InnerMacDst, "inner.mac.dst", "MAC"),
        (
            Self::InnerProto,
            "inner.proto",
            "arp, icmp, icmpv6, tcp, udp, sctp, gre, esp or a number",
        ),
        (Self::InnerSrcPort, "inner.srcport", "of TCP or UDP"),
        (Self::InnerDstPort, "inner.dstport", "of TCP or UDP"),
        (
            Self::OuterSrc,
            "outer.src",
            "address or prefix, on the underlay",
        ),
        (
            Self::OuterDst,
            "outer.dst",
            "address or prefix, on the underlay",
        ),
        (
            Self::Vsid,
            "vsid",
            "of the sender's port, and of keys on the underlay",
        ),
        (Self::FlowId, "flow_id", "of keys on the underlay"),
        (Self::Tenant, "tenant", "of the sender or a receiver"),
        (Self::Guest, "guest", "the sender or a receiver"),
        (
            Self::Host,
            "host",
            "where a copy ended, or that sent what the underlay dropped",
        ),
        (
            Self::Verdict,
            "verdict",
            "delivered, dropped, consumed or skipped",
        ),
        (
            Self::Reason,
            "reason",
            "of a drop, as in nvgre codes, or of a skip",
        ),
    ];

    /// The name of a field.
    pub fn name(self) -> &'static str {
        let mut all = Self::ALL.iter();
        all.find(|(field, _, _)| *field == self)
            .map_or("", |(_, name, _)| name)
    }

    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::Frame => Kind::Number(u64::MAX),
            Self::InnerSrc | Self::InnerDst | Self::OuterSrc | Self::OuterDst => Kind::Address,
            Self::InnerMacSrc | Self::InnerMacDst => Kind::Mac,
            Self::InnerProto => Kind::Protocol,
            Self::InnerSrcPort | Self::InnerDstPort => Kind::Number(0xffff),
            Self::Vsid => Kind::Number(0xff_ffff),
            Self::FlowId => Kind::Number(0xff),
            Self::Tenant => Kind::Tenant,
            Self::Guest => Kind::Guest,
            Self::Host => Kind::Host,
            Self::Verdict => Kind::Verdict,
            Self::Reason => Kind::Reason,
        }
    }
}

/// What may become of a frame.
pub(crate) const VERDICTS: [&str; 4] = ["delivered", "dropped", "consumed", "skipped"];

const PROTOCOLS: [(&str, Protocol); 8] = [
    ("arp", Protocol::Arp),
    ("icmp", Protocol::Ip(ip_protocol::ICMP)),
    ("icmpv6", Protocol::Ip(ip_protocol::ICMPV6)),
    ("tcp", Protocol::Ip(ip_protocol::TCP)),
    ("udp", Protocol::Ip(ip_protocol::UDP)),
    ("sctp", Protocol::Ip(ip_protocol::SCTP)),
    ("gre", Protocol::Ip(ip_protocol::GRE)),
    ("esp", Protocol::Ip(ip_protocol::ESP)),
];

impl Kind {
    /// Reads a value; says what would be one otherwise.
    pub(crate) fn value(self, text: &str, scenario: &Scenario) -> Result<Value, Expected> {
        match self {
            Self::Number(max) => number(text)
                .filter(|&number| number <= max)
                .map(Value::Number)
                .ok_or_else(|| match max {
                    u64::MAX => Expected::What("a number".to_owned()),
                    max => Expected::What(format!("a number up to {max}")),
                }),
            Self::Address => {
                let address = text.parse::<IpAddr>().map(IpNet::from);
                let prefix = address.or_else(|_| text.parse::<IpNet>());
                prefix.map(Value::Prefix).map_err(|_| {
                    Expected::What("an address, or a prefix such as 192.168.1.0/24".to_owned())
                })
            }
            Self::Mac => text
                .parse()
                .map(Value::Mac)
                .map_err(|_| Expected::What("a MAC address such as 00:15:5d:00:20:09".to_owned())),
            Self::Protocol => {
                let known = PROTOCOLS.iter();
                let mut named = known.filter(|(name, _)| name.eq_ignore_ascii_case(text));
                match (named.next(), number(text)) {
                    (Some(&(_, protocol)), _) => Ok(Value::Protocol(protocol)),
                    (None, Some(number @ 0..=0xff)) => {
                        Ok(Value::Protocol(Protocol::Ip(number as u8)))
                    }
                    (None, _) => Err(Expected::one_of(
                        "protocol",
                        PROTOCOLS.map(|(name, _)| name),
                    )),
                }
            }
            Self::Tenant => {
                let names = scenario.tenants.iter().map(|tenant| tenant.name.clone());
                name("tenant", names.collect(), text)
            }
            Self::Guest => {
                let names = scenario.guests.iter().map(|guest| guest.port_name());
                let value = name("guest", names.collect(), text);
                // "guest/nic" too, where the adapter has the usual name.
                value.or_else(|error| {
                    let guest = scenario.guest_of_port(text).ok_or(error)?;
                    Ok(Value::Name(guest, scenario.guests[guest].port_name()))
                })
            }
            Self::Host => {
                let names = scenario.hosts.iter().map(|host| host.name.clone());
                name("host", names.collect(), text)
            }
            Self::Verdict => word("verdict", &VERDICTS, text),
            Self::Reason => {
                let drops = DropReason::ALL.iter().map(|reason| reason.name());
                let skips = SkipReason::ALL.iter().map(|reason| reason.name());
                let all: Vec<_> = drops.chain(skips).collect();
                word("reason", &all, text)
            }
        }
    }

    /// Whether its values have an order.
    pub(crate) const fn is_ordered(self) -> bool {
        matches!(self, Self::Number(_))
    }
}

/// What a value should have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    What(String),
    /// One of the names of a kind of thing.
    Name(&'static str, Vec<String>),
}

impl Expected {
    fn one_of<'n>(kind: &'static str, names: impl IntoIterator<Item = &'n str>) -> Self {
        Self::Name(kind, names.into_iter().map(str::to_owned).collect())
    }
}

/// Decimal, or hexadecimal behind 0x.
fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) if digits.starts_with('+') => None,
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None if text.starts_with('+') => None,
        None => text.parse().ok(),
    }
}

fn name(kind: &'static str, names: Vec<String>, text: &str) -> Result<Value, Expected> {
    let found = names
        .iter()
        .position(|name| name.eq_ignore_ascii_case(text));
    match found {
        Some(index) => Ok(Value::Name(index, names[index].clone())),
        None => Err(Expected::Name(kind, names)),
    }
}

fn word(kind: &'static str, words: &[&'static str], text: &str) -> Result<Value, Expected> {
    let mut words_like_it = words.iter().filter(|word| word.eq_ignore_ascii_case(text));
    match words_like_it.next() {
        Some(word) => Ok(Value::Word(word)),
        None => Err(Expected::one_of(kind, words.iter().copied())),
    }
}

impl Value {
    /// Whether a walk's value is this one, or in this prefix.
    pub(crate) fn is(&self, found: Found) -> bool {
        match (self, found) {
            (Self::Number(a), Found::Number(b)) => *a == b,
            (Self::Prefix(prefix), Found::Address(address)) => prefix.contains(&address),
            (Self::Mac(a), Found::Mac(b)) => *a == b,
            (Self::Protocol(a), Found::Protocol(b)) => *a == b,
            (Self::Name(a, _), Found::Index(b)) => *a == b,
            (Self::Word(a), Found::Word(b)) => *a == b,
            _of_another_kind => false,
        }
    }

    /// How a walk's value compares to this one, if they are numbers.
    pub(crate) fn order_of(&self, found: Found) -> Option<Ordering> {
        match (self, found) {
            (Self::Number(value), Found::Number(found)) => Some(found.cmp(value)),
            _without_order => None,
        }
    }
}

/// As an expression has it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Prefix(prefix) if prefix.prefix_len() == prefix.max_prefix_len() => {
                write!(f, "{}", prefix.addr())
            }
            Self::Prefix(prefix) => write!(f, "{prefix}"),
            Self::Mac(mac) => write!(f, "{mac}"),
            Self::Protocol(protocol) => {
                let mut known = PROTOCOLS.iter().filter(|(_, known)| known == protocol);
                match (known.next(), protocol) {
                    (Some((name, _)), _) => f.write_str(name),
                    (None, Protocol::Ip(number)) => write!(f, "{number}"),
                    (None, Protocol::Arp) => f.write_str("arp"),
                }
            }
            Self::Name(_, name) if name.chars().all(is_plain) && !name.is_empty() => {
                f.write_str(name)
            }
            Self::Name(_, name) => {
                let escaped = name.replace('\\', "\\\\").replace('"', "\\\"");
                write!(f, "\"{escaped}\"")
            }
            Self::Word(word) => f.write_str(word),
        }
    }
}

/// Characters of words that need no quotes.
pub(crate) fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '/' | '-' | '%' | '#' | '@' | '*' | '+')
}
