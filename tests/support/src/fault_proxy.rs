//! A relay in front of a host that fails the way networks do: it delays, throttles, cuts bytes apart, stalls
//! one direction or both, breaks off after so many bytes, or resets. The faults may change while it runs.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

/// What happens to the bytes of one direction.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// Every piece arrives so much later. Pieces follow each other: it limits the rate, too.
    pub delay: Duration,
    /// Bytes a second at most.
    pub rate: Option<u32>,
    /// Passed on in pieces of so many bytes.
    pub slice: Option<usize>,
    /// Nothing gets through, and nothing is lost: bytes go on when the stall ends.
    pub stalled: bool,
    /// Both directions of a connection end once so many bytes of it went this way.
    pub cut_after: Option<u64>,
}

impl Faults {
    /// Single bytes.
    pub fn single_bytes() -> Self {
        Self {
            slice: Some(1),
            ..Self::default()
        }
    }

    /// Nothing gets through.
    pub fn stalled() -> Self {
        Self {
            stalled: true,
            ..Self::default()
        }
    }

    /// An end after so many bytes.
    pub fn cut_after(bytes: u64) -> Self {
        Self {
            cut_after: Some(bytes),
            ..Self::default()
        }
    }
}

/// A running relay.
pub struct FaultProxy {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    to_host: Faults,
    from_host: Faults,
    taken: usize,
    pairs: Vec<Arc<Pair>>,
}

struct Pair {
    client: TcpStream,
    host: TcpStream,
    /// To end without a good-bye.
    reset: AtomicBool,
}

impl Pair {
    fn end(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.host.shutdown(Shutdown::Both);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The faults of a direction, once it does not stall.
    fn passable(&self, upwards: bool) -> Faults {
        let of = move |state: &State| {
            if upwards {
                state.to_host
            } else {
                state.from_host
            }
        };
        let waited = self.changed.wait_while(self.lock(), |s| of(s).stalled);
        of(&waited.unwrap_or_else(PoisonError::into_inner))
    }
}

impl FaultProxy {
    /// In front of `host`, on a free port of the loopback interface, without a fault so far.
    pub fn start(host: SocketAddr) -> Self {
        Self::start_on(Ipv4Addr::LOCALHOST.into(), host)
    }

    /// The same on another address of this machine.
    pub fn start_on(ip: IpAddr, host: SocketAddr) -> Self {
        let listener = TcpListener::bind((ip, 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let relay = {
            let shared = Arc::clone(&shared);
            move || {
                for client in listener.incoming().flatten() {
                    // A host that refuses is passed on as a connection that ends at once.
                    if let Ok(host) = TcpStream::connect(host) {
                        join(client, host, &shared);
                    }
                }
            }
        };
        spawn("fault-proxy", relay);
        Self { address, shared }
    }

    /// Sets the faults on the way to the host and on the way back.
    pub fn set(&self, to_host: Faults, from_host: Faults) {
        let mut state = self.shared.lock();
        state.to_host = to_host;
        state.from_host = from_host;
        self.shared.changed.notify_all();
    }

    /// Takes all faults away.
    pub fn heal(&self) {
        self.set(Faults::default(), Faults::default());
    }

    /// Connections taken so far.
    pub fn connections(&self) -> usize {
        self.shared.lock().taken
    }

    /// Lets bytes arrive at every client that the host never sent.
    pub fn inject(&self, bytes: &[u8]) {
        for pair in &self.shared.lock().pairs {
            let _ = (&pair.client).write_all(bytes);
        }
    }

    /// Ends every connection in good order, as a peer that closes.
    pub fn cut(&self) {
        for pair in self.shared.lock().pairs.drain(..) {
            pair.end();
        }
    }

    /// Ends every connection by a reset.
    pub fn reset(&self) {
        for pair in self.shared.lock().pairs.drain(..) {
            pair.reset.store(true, Ordering::Release);
            for stream in [&pair.client, &pair.host] {
                // The kernel resets when the last handle goes, which the ends of the pumps see to.
                let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
                let _ = stream.shutdown(Shutdown::Read);
            }
        }
        self.shared.changed.notify_all();
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) {
    let spawned = thread::Builder::new().name(name.into()).spawn(run);
    spawned.expect("a thread");
}

fn join(client: TcpStream, host: TcpStream, shared: &Arc<Shared>) {
    let _ = client.set_nodelay(true);
    let _ = host.set_nodelay(true);
    let pair = Arc::new(Pair {
        client,
        host,
        reset: AtomicBool::new(false),
    });
    for upwards in [true, false] {
        let (pair, shared) = (Arc::clone(&pair), Arc::clone(shared));
        spawn("fault-pump", move || pump(&pair, upwards, &shared));
    }
    let mut state = shared.lock();
    state.taken += 1;
    // Pairs whose pumps have both ended are nobody's but ours.
    state.pairs.retain(|pair| Arc::strong_count(pair) > 1);
    state.pairs.push(pair);
}

fn pump(pair: &Pair, upwards: bool, shared: &Shared) {
    let (mut from, mut to) = match upwards {
        true => (&pair.client, &pair.host),
        false => (&pair.host, &pair.client),
    };
    let mut passed = 0;
    let mut buffer = [0; 16 << 10];
    loop {
        let size = shared.passable(upwards).slice.unwrap_or(buffer.len());
        let count = from.read(&mut buffer[..size]).unwrap_or(0);
        if pair.reset.load(Ordering::Acquire) {
            return;
        }
        let faults = shared.passable(upwards);
        let left = faults
            .cut_after
            .map_or(u64::MAX, |end| end.saturating_sub(passed));
        let piece = &buffer[..count.min(usize::try_from(left).unwrap_or(usize::MAX))];
        thread::sleep(
            faults.delay
                + faults.rate.map_or(Duration::ZERO, |rate| {
                    Duration::from_secs_f64(piece.len() as f64 / f64::from(rate))
                }),
        );
        if to.write_all(piece).is_err() || piece.len() < count {
            return pair.end();
        }
        if count == 0 {
            let _ = to.shutdown(Shutdown::Write);
            return;
        }
        passed += count as u64;
    }
}
