//! A name server of one test, and a runner that asks nobody else.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread;

use crate::RunnerBuilder;
use crate::temp::TempDir;

/// What is known of a name.
#[derive(Debug, Clone)]
pub enum DnsRecord {
    /// Its address.
    Address(Ipv4Addr),
    /// A server of a service: its name and port.
    Service(String, u16),
    /// Any text.
    Text(String),
}

/// A name server on an address of its own of the loopback interface. It is there as long as the test's process.
pub struct NameServer {
    address: Ipv4Addr,
    asked_by_tcp: Arc<AtomicUsize>,
    folder: TempDir,
}

type Records = BTreeMap<String, Vec<DnsRecord>>;

impl NameServer {
    /// Knows these names and no others; when `truncated` it says by UDP only that there is more to be said than fits.
    /// `None`, and why, where the test may not open its port or give a process another `/etc/resolv.conf`.
    pub fn start(records: &[(&str, DnsRecord)], truncated: bool) -> Option<Self> {
        let (address, udp, tcp) = Self::open()?;
        let mut known = Records::new();
        for (name, record) in records {
            let records = known.entry((*name).to_owned()).or_default();
            records.push(record.clone());
        }
        let (known, counted) = (Arc::new(known), Arc::new(AtomicUsize::new(0)));
        let (by_udp, by_tcp) = (Arc::clone(&known), Arc::clone(&counted));
        thread::spawn(move || {
            let mut question = [0; 512];
            while let Ok((count, from)) = udp.recv_from(&mut question) {
                let reply = answer(&question[..count], &by_udp, truncated);
                let _ = udp.send_to(&reply, from);
            }
        });
        thread::spawn(move || {
            for stream in tcp.incoming().flatten() {
                by_tcp.fetch_add(1, Ordering::SeqCst);
                let known = Arc::clone(&known);
                thread::spawn(move || drop(serve(stream, &known)));
            }
        });
        Some(Self::at(address, counted, ""))
    }

    /// Takes every question and answers none, and those who ask wait for half a minute. `None` as above.
    pub fn silent() -> Option<Self> {
        let (address, udp, tcp) = Self::open()?;
        let server = Self::at(address, Arc::default(), "options timeout:30 attempts:1\n");
        thread::spawn(move || {
            let _open = tcp;
            while udp.recv_from(&mut [0; 512]).is_ok() {}
        });
        Some(server)
    }

    fn open() -> Option<(Ipv4Addr, UdpSocket, TcpListener)> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let may_mount = Command::new("unshare").args(["--mount", "true"]).output();
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let [.., high, low] = std::process::id().to_be_bytes();
        let address = Ipv4Addr::new(127, high | 1, low, 1 + u8::try_from(number % 250).ok()?);
        let udp = UdpSocket::bind((address, 53));
        let (Ok(udp), Ok(tcp), true) = (
            udp,
            TcpListener::bind((address, 53)),
            may_mount.is_ok_and(|output| output.status.success()),
        ) else {
            println!(
                "skipped: a name server of one's own needs port 53 and a mount namespace, and so root"
            );
            return None;
        };
        Some((address, udp, tcp))
    }

    fn at(address: Ipv4Addr, asked_by_tcp: Arc<AtomicUsize>, options: &str) -> Self {
        let folder = TempDir::new();
        let lines = format!("nameserver {address}\n{options}");
        folder.write("resolv.conf", lines);
        Self {
            address,
            asked_by_tcp,
            folder,
        }
    }

    /// Where it is.
    pub fn address(&self) -> IpAddr {
        self.address.into()
    }

    /// Questions by TCP so far.
    pub fn asked_by_tcp(&self) -> usize {
        self.asked_by_tcp.load(Ordering::SeqCst)
    }

    /// The runner, whose `/etc/resolv.conf` names this server.
    pub fn asked_by(&self, runner: RunnerBuilder) -> RunnerBuilder {
        let file = self.folder.path().join("resolv.conf");
        let script = "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"";
        let file = file.to_str().expect("a path of text");
        runner.through(&["unshare", "--mount", "sh", "-c", script, file])
    }
}

/// A resolver may ask for two kinds of addresses on one connection.
fn serve(mut stream: TcpStream, known: &Records) -> io::Result<()> {
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut question = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut question)?;
        let reply = answer(&question, known, false);
        let length = u16::try_from(reply.len()).expect("a short answer");
        stream.write_all(&[&length.to_be_bytes(), reply.as_slice()].concat())?;
    }
}

/// The answer to a question (RFC 1035, RFC 2782).
fn answer(question: &[u8], known: &Records, truncated: bool) -> Vec<u8> {
    let mut labels = Vec::new();
    let mut at = 12;
    while question[at] > 0 {
        let end = at + 1 + usize::from(question[at]);
        labels.push(String::from_utf8_lossy(&question[at + 1..end]).to_ascii_lowercase());
        at = end;
    }
    let kind = u16::from_be_bytes([question[at + 1], question[at + 2]]);
    let found = known.get(&labels.join("."));
    let data: Vec<_> = found
        .into_iter()
        .flatten()
        .filter_map(|record| data(record, kind))
        .filter(|_| !truncated)
        .collect();
    let mut out = question[..2].to_vec();
    // An answer of who may look further; 2 for what did not fit, 3 for no such name.
    out.extend([
        0x81 | if truncated { 2 } else { 0 },
        0x80 | if found.is_none() { 3 } else { 0 },
    ]);
    let count = u16::try_from(data.len()).expect("few records");
    out.extend([[0, 1], count.to_be_bytes(), [0, 0], [0, 0]].concat());
    out.extend(&question[12..at + 5]);
    for data in data {
        // The name that was asked for, its kind, of the Internet, for a minute.
        out.extend([0xc0, 12]);
        out.extend(kind.to_be_bytes());
        out.extend([0, 1, 0, 0, 0, 60]);
        out.extend(u16::try_from(data.len()).expect("short").to_be_bytes());
        out.extend(data);
    }
    out
}

fn data(record: &DnsRecord, kind: u16) -> Option<Vec<u8>> {
    match (record, kind) {
        (DnsRecord::Address(ip), 1) => Some(ip.octets().to_vec()),
        (DnsRecord::Text(text), 16) => Some(labelled(text)),
        (DnsRecord::Service(name, port), 33) => {
            let mut data = vec![0, 0, 0, 0];
            data.extend(port.to_be_bytes());
            data.extend(name.split('.').flat_map(labelled));
            data.push(0);
            Some(data)
        }
        _ => None,
    }
}

fn labelled(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("a short text");
    [&[length], text.as_bytes()].concat()
}
