//! One case in words: which frames, which tables, who forwards.

use std::collections::BTreeMap;
use std::sync::Arc;

use nvgre_dataplane::{Policy, Snapshot, Subscription, Worker};

use crate::arena::{Arena, Entrance};
use crate::bench::Bench;
use crate::flows::{Flows, PAYLOAD, To, Transport};
use crate::guests::{FIRST_HOST, Family, SECOND_HOST, SENDER};
use crate::limit::{Fused, Staged, Table};
use crate::traffic::Traffic;
use crate::work::{BATCH, Current, Dataplane, HandLoop, Work};
use crate::world::{Rules, World};

/// Bytes of a frame without FCS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// 64 bytes with FCS: the shortest frame there is.
    B64,
    /// 78 bytes with FCS: what is customary where IPv6 leaves no room for 64.
    B78,
    /// A packet of 1,500 bytes behind 14 of Ethernet.
    B1500,
    /// Seven of 64, four of 570, one of 1,500.
    Imix,
}

impl Size {
    /// Each length as often as it occurs, in bytes without FCS.
    pub const fn lens(self) -> &'static [usize] {
        match self {
            Self::B64 => &[60],
            Self::B78 => &[74],
            Self::B1500 => &[1_514],
            Self::Imix => &[60, 566, 60, 60, 566, 60, 1_514, 60, 566, 60, 60, 566],
        }
    }

    /// Bytes of a frame, without FCS, on average.
    pub fn mean(self) -> f64 {
        let lens = self.lens();
        lens.iter().sum::<usize>() as f64 / lens.len() as f64
    }
}

/// What becomes of the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// A guest sends, somebody gets it.
    Out(To),
    /// A guest's frames of all kinds: of 20 go 14 to other hosts, some rewritten, 3 to a neighbour, 2
    /// through the router, and 1 nowhere.
    OutMixed,
    /// The host of the receivers.
    In,
}

/// Who forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The dataplane, a batch at a time.
    Batch,
    /// The dataplane, a frame at a time.
    Single,
    /// The hand loop for hot tables.
    Fused,
    /// The hand loop for tables beyond the caches.
    Staged,
}

/// One case.
#[derive(Clone, Copy, Debug)]
pub struct Scene {
    /// How addresses translate.
    pub rules: Rules,
    /// The family of the guests' addresses.
    pub family: Family,
    /// UDP or TCP.
    pub transport: Transport,
    /// Length of the frames, before they are encapsulated.
    pub size: Size,
    /// Flows, until the frames repeat.
    pub flows: u32,
    /// What becomes of them.
    pub path: Path,
    /// Lookup records, where it matters for the case.
    pub records: Option<u32>,
    /// Frames in flight.
    pub in_flight: usize,
    /// Bytes from one frame to the next: 0 packs them.
    pub stride: usize,
    /// Whether frames are copied in first.
    pub copied: bool,
    /// Who forwards.
    pub by: By,
}

/// A thousand flows of the shortest frames to a thousand guests, all hot.
pub(crate) const ENCAP: Scene = Scene {
    rules: Rules::Encap,
    family: Family::V4,
    transport: Transport::Udp,
    size: Size::B64,
    flows: 1_000,
    path: Path::Out(To::Remote),
    records: None,
    in_flight: BATCH,
    stride: 0,
    copied: false,
    by: By::Batch,
};

/// The same beyond the caches: destinations at random among a million, 36 MB of frames.
pub(crate) const MILLION: Scene = Scene {
    flows: 1_000_000,
    records: Some(1_000_000),
    in_flight: 16_384,
    // Buffers of 2,048 bytes behind their headroom, as rings have them.
    stride: 2_048 + 128,
    ..ENCAP
};

/// Tables, each made once, however many cases use them.
#[derive(Debug)]
pub struct Tables {
    records: u32,
    snapshots: BTreeMap<(World, u32), Arc<Snapshot>>,
}

impl Tables {
    /// For worlds of this many records, unless the case says how many.
    pub const fn new(records: u32) -> Self {
        Self {
            records,
            snapshots: BTreeMap::new(),
        }
    }

    pub(crate) const fn records(&self) -> u32 {
        self.records
    }

    fn host(&mut self, world: World, host: u32) -> Arc<Snapshot> {
        let made = self.snapshots.entry((world, host));
        Arc::clone(made.or_insert_with(|| Arc::new(world.host(host))))
    }
}

impl Scene {
    /// Lookup records of the case.
    pub fn records(&self, tables: &Tables) -> u32 {
        self.records.unwrap_or(tables.records)
    }

    /// Sets everything up.
    pub fn prepare(&self, tables: &mut Tables) -> Bench {
        let world = self.world(tables);
        Bench::new(self.arena(world), self.work(tables))
    }

    /// The frames, and tables that change between batches.
    pub(crate) fn prepare_with(&self, world: World, published: Subscription) -> Bench {
        let work = Dataplane {
            tables: Current::Published(published),
            worker: Worker::new(),
            single: false,
        };
        Bench::new(self.arena(world), Box::new(work))
    }

    fn arena(&self, world: World) -> Arena {
        Arena::new(
            self.traffic(world),
            self.entrance(),
            self.in_flight,
            self.stride,
            self.copied,
        )
    }

    /// A frame of each flow in the order in which they come, for programs that are compared with.
    pub fn frames(&self, tables: &Tables) -> Vec<Vec<u8>> {
        let traffic = self.traffic(self.world(tables));
        let frame = |flow| {
            let mut place = vec![PAYLOAD; traffic.longest()];
            let (len, _) = traffic.write(flow, &mut place);
            place.truncate(len);
            place
        };
        (0..u64::from(self.flows)).map(frame).collect()
    }

    /// The policy of the host that forwards them.
    pub fn policy(&self, tables: &Tables) -> Policy {
        self.world(tables).policy(self.host())
    }

    fn world(&self, tables: &Tables) -> World {
        World {
            records: self.records(tables),
            rules: self.rules,
            family: self.family,
        }
    }

    const fn entrance(&self) -> Entrance {
        match self.path {
            Path::In => Entrance::Uplink,
            Path::Out(_) | Path::OutMixed => Entrance::Port,
        }
    }

    const fn host(&self) -> u32 {
        match self.entrance() {
            Entrance::Port => FIRST_HOST,
            Entrance::Uplink => SECOND_HOST,
        }
    }

    pub(crate) fn work(&self, tables: &mut Tables) -> Box<dyn Work> {
        let world = self.world(tables);
        match self.by {
            By::Fused => Box::new(HandLoop(Fused(Table::new(world.records)))),
            By::Staged => Box::new(HandLoop(Staged(Table::new(world.records)))),
            By::Batch | By::Single => Box::new(Dataplane {
                tables: Current::Fixed(tables.host(world, self.host())),
                worker: Worker::new(),
                single: self.by == By::Single,
            }),
        }
    }

    fn traffic(&self, world: World) -> Traffic {
        let kind = (self.family, self.transport);
        let flows = |from, to, len| Flows::new(from, to, kind, len, world.records);
        let lens = self.size.lens();
        match self.path {
            Path::In => {
                Traffic::arrived(world, self.flows, |from| flows(from, To::Remote, lens[0]))
            }
            Path::Out(to) => Traffic::Sent {
                mixture: lens.iter().map(|&len| flows(SENDER, to, len)).collect(),
                flows: self.flows,
            },
            Path::OutMixed => {
                // 12 lengths and 20 destinations take turns: all pairs within 60 frames.
                let turns = lens.iter().cycle().zip(MIXED.iter().cycle()).take(60);
                Traffic::Sent {
                    mixture: turns.map(|(&len, &to)| flows(SENDER, to, len)).collect(),
                    flows: self.flows,
                }
            }
        }
    }
}

/// Where 20 frames of a guest go.
const MIXED: [To; 20] = {
    let mut to = [To::Remote; 20];
    to[2] = To::Neighbor;
    to[5] = To::Routed;
    to[9] = To::Neighbor;
    to[11] = To::Nobody;
    to[15] = To::Routed;
    to[16] = To::Neighbor;
    to
};
