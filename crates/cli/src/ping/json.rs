//! What `nvgre ping` says for tools: one line.

use schemars::JsonSchema;
use serde::Serialize;

use crate::ping::{Echo, MESSAGE_LEN, Pinged, Why};
use crate::trace::json::{JsonNear, JsonVerdict};

/// What came of the echo requests.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonPing<'a> {
    schema: &'static str,
    /// The guest that asks.
    from: &'a str,
    /// The guest that is asked.
    to: &'a str,
    /// Its address; null where it has none to ask from.
    source: Option<&'a str>,
    /// The address that is asked.
    destination: Option<&'a str>,
    /// ICMP header and data of each message.
    message_bytes: usize,
    /// Requests sent.
    transmitted: usize,
    /// Replies that came.
    received: usize,
    /// Each request, in order.
    echoes: Vec<JsonEcho>,
    /// Each cause of a loss.
    why: Vec<JsonWhy<'a>>,
    /// Guests of other tenants than the sender's that frames reached.
    crossed: &'a [String],
}

/// An echo request.
#[derive(Serialize, JsonSchema)]
struct JsonEcho {
    /// From 1.
    icmp_seq: u32,
    /// Of the reply; null: there was none.
    ttl: Option<u8>,
    /// From request to reply, in virtual time.
    time_nanoseconds: Option<u64>,
}

/// Why requests got no reply.
#[derive(Serialize, JsonSchema)]
struct JsonWhy<'a> {
    /// How many.
    count: u32,
    /// What happened to the first of them.
    verdict: JsonVerdict<'a>,
    /// What nearly matched then, closest first.
    near_misses: Vec<JsonNear<'a>>,
}

impl<'a> JsonPing<'a> {
    pub(crate) fn of(pinged: &'a Pinged) -> Self {
        let addresses = pinged.addresses.as_ref();
        Self {
            schema: "nvgre.ping/1",
            from: &pinged.from,
            to: &pinged.to,
            source: addresses.map(|(ours, _)| ours.as_str()),
            destination: addresses.map(|(_, theirs)| theirs.as_str()),
            message_bytes: MESSAGE_LEN,
            transmitted: pinged.echoes.len(),
            received: pinged.received(),
            echoes: pinged.echoes.iter().map(JsonEcho::of).collect(),
            why: pinged.whys.iter().map(JsonWhy::of).collect(),
            crossed: &pinged.crossed,
        }
    }
}

impl JsonEcho {
    fn of(echo: &Echo) -> Self {
        Self {
            icmp_seq: echo.sequence,
            ttl: echo.reply.map(|(ttl, _)| ttl),
            time_nanoseconds: echo.reply.map(|(_, nanos)| nanos),
        }
    }
}

impl<'a> JsonWhy<'a> {
    fn of(why: &'a Why) -> Self {
        Self {
            count: why.count,
            verdict: JsonVerdict::of(&why.verdict),
            near_misses: why.near_misses.iter().map(JsonNear::of).collect(),
        }
    }
}
