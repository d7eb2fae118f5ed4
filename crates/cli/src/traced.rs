//! Everything that `nvgre trace` tells, in words: of a conversation, for people and tools alike.

use nvgre_analyze::{
    Conversation, DATA_LEN, Decision, FrameKind, GUEST_PORT, GUEST_TTL, LegKind, Names, NearMiss,
    Probe, Resolved, SentFrame, WalkStep, decision_of, failure_text, hop_steps, near_misses_of,
    walk_steps,
};
use nvgre_netwnv::Place;
use nvgre_sim::{GuestIndex, Journey};

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// The verdict.
    Minimal,
    /// A line for each hop.
    Summary,
    /// A line for each step.
    Default,
    /// Each step, those that say nothing new too.
    Detailed,
}

/// Everything that is told, in words.
#[derive(Debug)]
pub(crate) struct Traced {
    pub(crate) level: Level,
    /// What the question is called in reports: "trace/Red11/Red22/icmp".
    pub(crate) id: String,
    /// Who talks to whom, or which frame enters where.
    pub(crate) heading: String,
    /// What was taken for granted.
    pub(crate) assumed: Vec<String>,
    pub(crate) legs: Vec<TracedLeg>,
    pub(crate) near_misses: Vec<Near>,
    /// Guests of other tenants that frames reached.
    pub(crate) crossed: Vec<String>,
    pub(crate) verdict: Verdict,
}

/// A frame that was sent, and its steps.
#[derive(Debug)]
pub(crate) struct TracedLeg {
    /// The part of the conversation; "frame" for a captured one.
    pub(crate) leg: &'static str,
    /// Who does what.
    pub(crate) title: String,
    pub(crate) steps: Vec<WalkStep>,
}

/// Something that nearly matched.
#[derive(Debug)]
pub(crate) struct Near {
    /// What differs.
    pub(crate) field: &'static str,
    pub(crate) text: String,
    pub(crate) place: Option<Place>,
}

impl Near {
    /// What nearly matched, and where it is written.
    pub(crate) fn line(&self) -> String {
        match &self.place {
            Some(place) => format!("{}, written at {place}", self.text),
            None => self.text.clone(),
        }
    }
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// Whether it was answered, or the captured frame delivered or answered.
    pub(crate) good: bool,
    /// "answered", "not answered", "delivered", "consumed", "dropped".
    pub(crate) verdict: &'static str,
    /// The name of the reason; the verdict's own where all is well.
    pub(crate) reason: &'static str,
    /// The leg that failed.
    pub(crate) leg: Option<&'static str>,
    /// The reason in a sentence.
    pub(crate) text: String,
    pub(crate) decision: Option<Decision>,
}

/// The part of a conversation, for people.
pub(crate) fn leg_text(leg: &'static str) -> &'static str {
    if leg == LegKind::ResolveBack.name() {
        "resolve on the way back"
    } else {
        leg
    }
}

/// Tells a conversation.
pub(crate) fn of_conversation(
    names: &Names<'_>,
    conversation: &Conversation,
    level: Level,
) -> Traced {
    let legs = conversation.legs.iter().flat_map(|leg| {
        let frames = leg.frames.iter();
        let told = frames.map(|frame| TracedLeg {
            leg: leg.kind.name(),
            title: names.scrubbed(title(names, conversation, frame)),
            steps: steps(names, &frame.journey, level),
        });
        let silent = leg.frames.is_empty().then(|| TracedLeg {
            leg: leg.kind.name(),
            title: shown(names, conversation.to, leg.resolved.as_ref()),
            steps: Vec::new(),
        });
        told.chain(silent).collect::<Vec<_>>()
    });
    let model = names.model();
    let crossed = conversation.crossed.iter();
    Traced {
        level,
        id: names.scrubbed(format!(
            "trace/{}/{}/{}",
            names.guest(conversation.from),
            names.guest(conversation.to),
            conversation.probe
        )),
        heading: names.scrubbed(heading(names, conversation)),
        assumed: assumed(names, conversation),
        legs: legs.collect(),
        near_misses: told(names, &near_misses_of(model, conversation)),
        crossed: crossed.map(|&guest| names.guest(guest)).collect(),
        verdict: verdict(names, conversation),
    }
}

/// The steps of a journey that a level asks for.
pub(crate) fn steps(names: &Names<'_>, journey: &Journey, level: Level) -> Vec<WalkStep> {
    let mut steps = match level {
        Level::Minimal => Vec::new(),
        Level::Summary => hop_steps(names, journey),
        Level::Default | Level::Detailed => walk_steps(names, journey),
    };
    if level == Level::Default {
        steps.retain(|step| !step.detail);
    }
    for step in &mut steps {
        step.asked = names.scrubbed(std::mem::take(&mut step.asked));
        step.matched = names.scrubbed(std::mem::take(&mut step.matched));
        step.place = step.place.as_ref().map(|place| names.scrubbed_place(place));
    }
    steps
}

/// What nearly matched, in words.
pub(crate) fn told(names: &Names<'_>, misses: &[NearMiss]) -> Vec<Near> {
    let told = misses.iter().map(|miss| Near {
        field: miss.field(),
        text: names.scrubbed(miss.text(names)),
        place: miss.place(names).map(|place| names.scrubbed_place(place)),
    });
    told.filter(|near| !near.text.is_empty()).collect()
}

fn heading(names: &Names<'_>, conversation: &Conversation) -> String {
    let end = |guest: GuestIndex, address: Option<String>| {
        if names.hides_guest(guest) {
            return names.guest(guest);
        }
        let model = names.model();
        let host = names.host(model.host_of(guest));
        let tenant = names.tenant(model.scenario().guests[guest].tenant);
        let address = address.map_or_else(String::new, |address| format!("{address}, "));
        format!("{} ({address}{tenant}, on {host})", names.guest(guest))
    };
    let (ours, theirs) = match conversation.addresses {
        Some((ours, theirs)) => (Some(ours.to_string()), Some(theirs.to_string())),
        None => (None, None),
    };
    let (from, to) = (conversation.from, conversation.to);
    format!(
        "{} to {}, {}",
        end(from, ours),
        end(to, theirs),
        conversation.probe
    )
}

fn assumed(names: &Names<'_>, conversation: &Conversation) -> Vec<String> {
    let Some((ours, theirs)) = conversation.addresses else {
        return Vec::new();
    };
    let (from, to) = (conversation.from, conversation.to);
    let theirs = match names.hides_guest(to) {
        true => String::new(),
        false => format!(", {} as {theirs}", names.guest(to)),
    };
    let message = match conversation.probe {
        Probe::Icmp => format!("echo request, identifier 1, sequence 1, {DATA_LEN} data bytes"),
        Probe::Tcp { port } => format!("SYN from port {GUEST_PORT} to {port}, answered by SYN-ACK"),
        Probe::Udp { port } => format!(
            "datagram of {DATA_LEN} data bytes from port {GUEST_PORT} to {port}, answered by one"
        ),
    };
    let fragments = if ours.is_ipv4() { ", DF set" } else { "" };
    vec![
        format!("addresses: {} speaks as {ours}{theirs}", names.guest(from)),
        format!("packet: {message}, TTL {GUEST_TTL}{fragments}"),
        "guests: both are up, have asked for nothing before, and answer what they get".to_owned(),
    ]
}

fn title(names: &Names<'_>, conversation: &Conversation, frame: &SentFrame) -> String {
    let sender = names.guest(frame.sender);
    if names.hides_guest(frame.sender) {
        return format!("{sender} sends a frame");
    }
    match frame.kind {
        FrameKind::Announcement(address) => format!("{sender} says that it has {address}"),
        FrameKind::Question(address) => format!(
            "{sender} asks who has {address} ({})",
            if address.is_ipv4() {
                "ARP"
            } else {
                "neighbor solicitation"
            }
        ),
        FrameKind::Answer(address) => format!("{sender} answers that it has {address}"),
        FrameKind::Packet(_, to) => {
            let message = match (conversation.probe, frame.sender == conversation.from) {
                (Probe::Icmp, true) => "an echo request to".to_owned(),
                (Probe::Icmp, false) => "an echo reply to".to_owned(),
                (Probe::Tcp { port }, true) => format!("a SYN to port {port} of"),
                (Probe::Tcp { .. }, false) => "a SYN-ACK to".to_owned(),
                (Probe::Udp { port }, true) => format!("a datagram to port {port} of"),
                (Probe::Udp { .. }, false) => "a datagram back to".to_owned(),
            };
            format!("{sender} sends {message} {to}")
        }
    }
}

/// A leg without frames: the question of the other guest has shown the address.
fn shown(names: &Names<'_>, guest: GuestIndex, resolved: Option<&Resolved>) -> String {
    let known = match resolved {
        Some(resolved) if !names.hides_guest(guest) => {
            format!(
                " where {} is, from the question for its own address",
                resolved.next_hop
            )
        }
        Some(_) | None => String::new(),
    };
    format!("{} knows{known}", names.guest(guest))
}

/// How a conversation ended.
pub(crate) fn verdict(names: &Names<'_>, conversation: &Conversation) -> Verdict {
    let (leg, text) = match &conversation.failure {
        None => (None, String::new()),
        Some((leg, failure)) => (Some(leg.name()), failure_text(names, failure)),
    };
    let good = conversation.is_answered();
    Verdict {
        good,
        verdict: if good { "answered" } else { "not answered" },
        reason: conversation.reason(),
        leg: leg.filter(|&leg| leg != LegKind::Announce.name()),
        text: names.scrubbed(text),
        decision: decision_of(names, conversation).map(|decision| scrubbed(names, decision)),
    }
}

/// A decision without anything that is another tenant's.
pub(crate) fn scrubbed(names: &Names<'_>, decision: Decision) -> Decision {
    Decision {
        what: names.scrubbed(decision.what),
        place: decision.place.map(|place| names.scrubbed_place(&place)),
        ..decision
    }
}
