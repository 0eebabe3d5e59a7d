use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Wrong tokens that a peer may present in a row.
const BURST: f64 = 10.0;

/// Wrong tokens that a peer may go on presenting, in one second.
const PER_SECOND: f64 = 0.5;

/// The most peers remembered: what a flood of addresses may cost is bounded, about 400 KiB.
const PEERS: usize = 4096;

/// Counts failed authentications, a token bucket for each peer address.
///
/// Peers are told apart by IPv4 address or by IPv6 network of 64 bits, which is what one customer has to spend. A full
/// table forgets those who have waited long enough, and the quarter that failed longest ago: so many at once that a
/// flood does not pay for it with each failure.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    fn refilled(&self, now: Instant) -> f64 {
        (self.tokens + now.saturating_duration_since(self.at).as_secs_f64() * PER_SECOND).min(BURST)
    }
}

impl Throttle {
    /// Counts a failure. An error says how long the peer should wait, because it failed too often.
    pub(super) fn failed(&self, peer: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock();
        let peer = network_of(peer);
        if buckets.len() >= PEERS && !buckets.contains_key(&peer) {
            make_room(&mut buckets, now);
        }
        let bucket = buckets.entry(peer).or_insert(Bucket { tokens: BURST, at: now });
        let tokens = bucket.refilled(now);
        *bucket = Bucket { tokens: (tokens - 1.0).max(0.0), at: now };
        if tokens >= 1.0 { Ok(()) } else { Err(Duration::from_secs_f64((1.0 - tokens) / PER_SECOND)) }
    }
}

fn make_room(buckets: &mut HashMap<IpAddr, Bucket>, now: Instant) {
    let mut times: Vec<Instant> = buckets.values().map(|bucket| bucket.at).collect();
    let (_, quarter, _) = times.select_nth_unstable(PEERS / 4);
    let quarter = *quarter;
    // At one instant all are equally old, and then none is worth keeping.
    buckets.retain(|_, bucket| bucket.at > quarter && bucket.refilled(now) < BURST);
}

fn network_of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    fn exhaust(throttle: &Throttle, peer: IpAddr, now: Instant) -> Duration {
        (0..100).find_map(|_| throttle.failed(peer, now).err()).expect("a peer that keeps failing is throttled")
    }

    #[test]
    fn a_peer_that_keeps_failing_is_told_how_long_to_wait_and_then_forgiven() {
        let (throttle, peer, now) = (Throttle::default(), [192, 0, 2, 1].into(), Instant::now());
        let wait = exhaust(&throttle, peer, now);
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(2));
        assert!(throttle.failed(peer, now + wait * 2).is_ok());
    }

    #[test]
    fn one_peer_does_not_use_up_anothers_patience() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        exhaust(&throttle, [192, 0, 2, 1].into(), now);
        assert!(throttle.failed([192, 0, 2, 2].into(), now).is_ok());
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_peer() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        exhaust(&throttle, "2001:db8::1".parse().unwrap(), now);
        assert!(throttle.failed("2001:db8::ffff:1".parse().unwrap(), now).is_err());
        assert!(throttle.failed("2001:db8:0:1::1".parse().unwrap(), now).is_ok());
    }

    #[test]
    fn a_flood_of_addresses_does_not_grow_the_table() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for address in 0..20_000u32 {
            let _ = throttle.failed(IpAddr::V4(address.into()), now + Duration::from_micros(address.into()));
        }
        assert!((1..=PEERS).contains(&throttle.buckets.lock().len()));
    }
}
