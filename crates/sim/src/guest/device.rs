//! The two queues between a guest's stack and its port.

use std::collections::VecDeque;

use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
use smoltcp::wire::EthernetFrame;

/// A network adapter as the stack sees it: frames that arrived, and frames to send.
pub(crate) struct GuestDevice {
    mtu_bytes: usize,
    arrived: VecDeque<Vec<u8>>,
    sent: VecDeque<Vec<u8>>,
}

impl GuestDevice {
    /// With this IP MTU.
    pub(crate) fn new(mtu_bytes: usize) -> Self {
        Self {
            mtu_bytes,
            arrived: VecDeque::new(),
            sent: VecDeque::new(),
        }
    }

    pub(crate) fn mtu_bytes(&self) -> usize {
        self.mtu_bytes
    }

    /// A frame for the stack to read.
    pub(crate) fn arrive(&mut self, frame: Vec<u8>) {
        self.arrived.push_back(frame);
    }

    /// A frame to send that the stack did not make.
    pub(crate) fn send(&mut self, frame: Vec<u8>) {
        self.sent.push_back(frame);
    }

    pub(crate) fn has_sent(&self) -> bool {
        !self.sent.is_empty()
    }

    pub(crate) fn sent_len(&self) -> usize {
        self.sent.len()
    }

    /// The frames sent after the queue was `len` long.
    pub(crate) fn sent_since(&self, len: usize) -> impl Iterator<Item = &[u8]> {
        self.sent.range(len..).map(Vec::as_slice)
    }

    /// Takes the oldest frame to send.
    pub(crate) fn next_sent(&mut self) -> Option<Vec<u8>> {
        self.sent.pop_front()
    }
}

pub(crate) struct Arrived(Vec<u8>);

impl RxToken for Arrived {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

pub(crate) struct ToSend<'d>(&'d mut VecDeque<Vec<u8>>);

impl TxToken for ToSend<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        self.0.push_back(frame);
        result
    }
}

impl Device for GuestDevice {
    type RxToken<'d> = Arrived;
    type TxToken<'d> = ToSend<'d>;

    fn receive(&mut self, _now: Instant) -> Option<(Arrived, ToSend<'_>)> {
        let frame = self.arrived.pop_front()?;
        Some((Arrived(frame), ToSend(&mut self.sent)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<ToSend<'_>> {
        Some(ToSend(&mut self.sent))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        // smoltcp counts the Ethernet header into the MTU of an Ethernet device.
        capabilities.max_transmission_unit = EthernetFrame::<&[u8]>::buffer_len(self.mtu_bytes);
        capabilities
    }
}
