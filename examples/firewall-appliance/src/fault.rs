use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// A place in the course of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// The request has arrived; nothing has happened.
    BeforeEffect,
    /// It has happened; no byte of the reply is out.
    AfterEffect,
    /// Half of the reply's body is out. Only connections can end here.
    MidReply,
}

/// Something that goes wrong with the next requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fault {
    /// How many requests it meets.
    pub times: u32,
    /// Only requests of this method.
    pub method: Option<String>,
    /// Only requests whose path starts so.
    pub path: Option<String>,
    /// The reply comes this many milliseconds late.
    pub delay_ms: u64,
    /// The request waits here until it is released.
    pub hold: Option<Moment>,
    /// The connection ends here.
    pub drop: Option<Moment>,
    /// Nothing happens, and this status is the answer.
    pub status: Option<u16>,
    /// `Retry-After` of that answer, in seconds.
    pub retry_after: Option<u32>,
    /// The reply's body is cut in half, as if that were all of it.
    pub truncate: bool,
}

impl Default for Fault {
    fn default() -> Self {
        Self {
            times: 1,
            method: None,
            path: None,
            delay_ms: 0,
            hold: None,
            drop: None,
            status: None,
            retry_after: None,
            truncate: false,
        }
    }
}

impl Fault {
    fn meets(&self, method: &str, path: &str) -> bool {
        self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.path.as_deref().is_none_or(|wanted| path.starts_with(wanted))
    }

    /// How late the reply comes.
    pub(crate) fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }
}

/// The armed faults and the gate.
#[derive(Default)]
pub(crate) struct Faults {
    armed: Mutex<VecDeque<Fault>>,
    /// Where all requests wait, and how often the gate was opened: a request that a fault holds waits for the next time.
    gate: watch::Sender<Gate>,
}

#[derive(Clone, Copy, Default)]
struct Gate {
    closed_at: Option<Moment>,
    opened: u64,
}

impl Faults {
    pub fn arm(&self, fault: Fault) {
        if fault.times > 0 {
            self.armed.lock().push_back(fault);
        }
    }

    /// The first armed fault that meets this request, used up by one.
    pub fn take(&self, method: &str, path: &str) -> Fault {
        let mut armed = self.armed.lock();
        let Some(index) = armed.iter().position(|fault| fault.meets(method, path)) else { return Fault::default() };
        let Some(fault) = armed.get_mut(index) else { return Fault::default() };
        let taken = fault.clone();
        fault.times -= 1;
        if fault.times == 0 {
            armed.remove(index);
        }
        taken
    }

    pub fn hold(&self, at: Moment) {
        self.gate.send_modify(|gate| gate.closed_at = Some(at));
    }

    pub fn release(&self) {
        self.gate.send_modify(|gate| *gate = Gate { closed_at: None, opened: gate.opened + 1 });
    }

    /// What a request has to remember of the gate from its arrival on, so that no release slips by.
    pub fn arrival(&self) -> u64 {
        self.gate.borrow().opened
    }

    /// Waits if the gate or this request's own fault says so.
    pub async fn pass(&self, moment: Moment, fault: &Fault, arrival: u64) {
        let held = fault.hold == Some(moment);
        let open = |gate: &Gate| gate.closed_at != Some(moment) && (!held || gate.opened > arrival);
        // The sender lives as long as `self`, so the wait cannot fail.
        let _ = self.gate.subscribe().wait_for(open).await;
    }

    pub fn clear(&self) {
        self.armed.lock().clear();
        self.release();
    }
}
