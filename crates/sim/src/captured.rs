//! One captured packet, brought to where a replay would let it enter.

use nvgre_capture::{Packet, network_layer};

use crate::entry::{Captured, EntryRules, SkipReason, with_ethernet};
use crate::journey::Journey;
use crate::map_file::MapFile;
use crate::model::Model;
use crate::observer::Ingress;
use crate::oracle::{GuestIndex, Sender};
use crate::trial::Trial;

/// A captured frame, and where it enters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entered {
    /// Index of the host.
    pub host: usize,
    /// The way in.
    pub ingress: Ingress,
    /// Who sent it, as the oracle judges.
    pub sender: Sender,
    /// The frame, with an Ethernet header where the capture holds none.
    pub frame: Vec<u8>,
    /// It was captured on its way to a provider address that nobody owns: no host decides about it.
    to_nobody: bool,
}

impl Entered {
    /// Where a packet of `file` enters, by the rules of a replay.
    pub fn at(
        model: &Model,
        map: MapFile,
        packet: &Packet<'_>,
        file: &str,
    ) -> Result<Self, SkipReason> {
        let underlay = &model.network().underlay;
        let payload = network_layer(packet.link_type, packet.data);
        let payload = payload.map_err(|_| SkipReason::CutShort)?;
        let (header, rest) = with_ethernet(payload, underlay)?;
        let mut frame = header.map_or_else(Vec::new, Vec::from);
        frame.extend_from_slice(rest);
        let guests = 0..model.scenario().guests.len();
        let host_of: Vec<_> = guests.map(|guest| model.host_of(guest)).collect();
        let captured = Captured {
            frame: &frame,
            file,
            interface: (packet.interface, packet.interface_name),
        };
        let mut rules = EntryRules::new(model.scenario(), map);
        let entry = rules.enter(captured, underlay, &host_of)?;
        let sender = match entry.at.ingress {
            Ingress::Port(port) => Sender::Guest(port.0 as GuestIndex),
            Ingress::Uplink => {
                let oracle = model.oracle();
                oracle.sender_at_uplink(&frame, |address| underlay.owner(address))
            }
        };
        Ok(Self {
            host: entry.at.host,
            ingress: entry.at.ingress,
            sender,
            frame,
            to_nobody: entry.to_nobody,
        })
    }

    /// What becomes of it.
    pub fn trace(&self, trial: &mut Trial<'_>) -> Journey {
        if self.to_nobody {
            return Journey::lost_behind(self.host);
        }
        trial.trace(self.host, self.ingress, &self.frame)
    }
}
