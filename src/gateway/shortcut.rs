//! The way of a short answer past the writer. When there is nothing else to send, the worker that has the answer puts
//! it on the socket: to wake the writer for it would cost as much as a quarter of a job.

use crate::engine::ErrorFrame;
use crate::gateway::control::ControlSender;
use crate::gateway::outlet::SharedOutlet;
use crate::job::{FrameOut, QueueSender, Wakeup};
use crate::limits;

/// For the workers of one session.
pub struct Shortcut {
    /// Shared with the writer, which has it while it sends.
    pub outlet: SharedOutlet,
    /// What goes before any answer.
    pub control: ControlSender,
    /// The same.
    pub errors: QueueSender<ErrorFrame>,
    /// Answers and rows that came before.
    pub frames: QueueSender<FrameOut>,
    /// Wakes the writer, for what the socket does not take at once.
    pub wakeup: Wakeup,
}

impl Shortcut {
    /// Sends the last frame of a job. Gives it back, to be queued, when it is long, when somebody else sends, or when
    /// there is anything that goes before it. Never blocks: of a frame that the socket takes in part the writer sends
    /// the rest.
    pub fn send(&self, frame: FrameOut) -> Option<FrameOut> {
        let length = frame.text.len() + frame.done.as_ref().map_or(0, String::len);
        if length > limits::SHORT_ANSWER {
            return Some(frame);
        }
        let Some(mut shared) = self.outlet.try_take() else {
            return Some(frame);
        };
        // Looked at while nobody else can take anything out of the queues: what is not in them has been sent.
        let first = self.control.is_empty() && self.errors.is_empty() && self.frames.is_empty();
        let outlet = match shared.as_mut() {
            Some(outlet) if first && !outlet.frames.is_waiting() => outlet,
            _ => return Some(frame),
        };
        let sent = outlet
            .frame(frame)
            .and_then(|()| outlet.frames.flush_at_once());
        drop(shared);
        if !matches!(sent, Ok(true)) {
            self.wakeup.wake();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::{Console, Form, Lines};
    use crate::gateway::control::Control;
    use crate::gateway::events::Events;
    use crate::gateway::outlet::Outlet;
    use crate::gateway::socket::{Socket, SocketWriter};
    use crate::gateway::writer::{Queues, Writer};
    use crate::job::{Buffers, FrameKind, JobControl};
    use crate::metrics::Metrics;
    use crate::service_manager::ServiceManager;
    use std::collections::HashMap;
    use std::io;
    use std::net::{TcpListener, TcpStream};
    use std::sync::Arc;
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::{Duration, Instant};
    use tungstenite::WebSocket;
    use tungstenite::protocol::{Message, Role};

    const PATIENCE: Duration = Duration::from_secs(20);

    struct Rig {
        shortcut: Arc<Shortcut>,
        writer: Writer,
        gateway: WebSocket<TcpStream>,
    }

    impl Rig {
        fn new() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let tcp = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (peer, _) = listener.accept().unwrap();
            peer.set_read_timeout(Some(PATIENCE)).unwrap();
            let console = Console::start("nobody", io::sink()).unwrap();
            let manager = ServiceManager::from_env(|_| None).unwrap();
            let outlet = SharedOutlet::new(Outlet::new(
                SocketWriter::new(Arc::new(Socket::new(tcp, None))),
                Buffers::default(),
                Events::new(Lines::new(console, Form::Off), Arc::new(manager)),
                Arc::new(Metrics::new(Instant::now())),
            ));
            let wakeup = Wakeup::default();
            let (control, control_queue) = ControlSender::queue(&wakeup);
            let (errors, error_queue) = QueueSender::queue(8, &wakeup);
            let (frames, frame_queue) = QueueSender::queue(8, &wakeup);
            let queues = Queues {
                control: control_queue,
                errors: error_queue,
                frames: frame_queue,
                wakeup: wakeup.clone(),
                room: Wakeup::default(),
            };
            Self {
                shortcut: Arc::new(Shortcut {
                    outlet: outlet.clone(),
                    control,
                    errors,
                    frames,
                    wakeup,
                }),
                writer: Writer { outlet, queues },
                gateway: WebSocket::from_raw_socket(peer, Role::Server, None),
            }
        }
    }

    /// The next text that the gateway gets.
    fn next(gateway: &mut WebSocket<TcpStream>) -> String {
        loop {
            if let Message::Text(text) = gateway.read().unwrap() {
                return text.to_string();
            }
        }
    }

    fn frame(text: &str, done: Option<&str>) -> FrameOut {
        FrameOut {
            job: Arc::new(JobControl::new("j", Instant::now() + PATIENCE)),
            kind: FrameKind::Chunk,
            rows: 1,
            text: text.into(),
            done: done.map(str::to_owned),
            turn: None,
        }
    }

    #[test]
    fn a_short_answer_needs_no_writer() {
        let mut rig = Rig::new();
        assert!(rig.shortcut.send(frame("rows", Some("done"))).is_none());
        assert_eq!(
            [next(&mut rig.gateway), next(&mut rig.gateway)],
            ["rows", "done"]
        );
        let long = "x".repeat(limits::SHORT_ANSWER + 1);
        assert!(rig.shortcut.send(frame(&long, None)).is_some());
        let half = "x".repeat(limits::SHORT_ANSWER / 2 + 1);
        assert!(rig.shortcut.send(frame(&half, Some(&half))).is_some());
    }

    #[test]
    fn what_waits_goes_first() {
        let rig = Rig::new();
        let (shortcut, queues) = (&rig.shortcut, &rig.writer.queues);
        let refused = || shortcut.send(frame("rows", None)).is_some();
        shortcut.control.offer(Control::Ping);
        assert!(refused());
        queues.control.recv().unwrap();
        let error = ErrorFrame {
            id: "i".into(),
            text: "error".into(),
        };
        shortcut.errors.try_send(error).unwrap();
        assert!(refused());
        queues.errors.recv().unwrap();
        shortcut.frames.try_send(frame("before", None)).unwrap();
        assert!(refused());
        queues.frames.recv().unwrap();
        let sending = shortcut.outlet.take();
        assert!(refused());
        drop(sending);
        assert!(!refused());
    }

    #[test]
    fn nothing_follows_a_close() {
        let mut rig = Rig::new();
        rig.shortcut
            .frames
            .try_send(frame("rows", Some("done")))
            .unwrap();
        assert!(rig.shortcut.control.close(1000, "over"));
        rig.writer.run().unwrap();
        assert!(rig.shortcut.send(frame("late", None)).is_some());
        assert_eq!(
            [next(&mut rig.gateway), next(&mut rig.gateway)],
            ["rows", "done"]
        );
        assert!(matches!(rig.gateway.read().unwrap(), Message::Close(_)));
    }

    /// Rows by the queue and ends by the shortcut, from several workers: the order of each job stands.
    #[test]
    fn ends_come_after_rows() {
        const WORKERS: usize = 4;
        const JOBS: usize = 2_000;
        let mut rig = Rig::new();
        let writer = rig.writer;
        let writing = thread::spawn(move || writer.run());
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                let shortcut = Arc::clone(&rig.shortcut);
                thread::spawn(move || {
                    let (_alive, never) = crossbeam_channel::bounded(0);
                    let queue = |frame| shortcut.frames.send_unless(frame, &never).unwrap();
                    let mut short = 0;
                    for job in 0..JOBS {
                        if job % 3 > 0 {
                            queue(frame(&format!("{worker} {job} 0"), None));
                        }
                        if job % 7 == 0 {
                            shortcut.control.offer(Control::Ping);
                        }
                        while job % 10 == 9 && !shortcut.frames.is_empty() {
                            thread::yield_now();
                        }
                        let rows = format!("{worker} {job} 1");
                        let end = format!("{worker} {job} 2");
                        match shortcut.send(frame(&rows, Some(&end))) {
                            Some(last) => queue(last),
                            None => short += 1,
                        }
                    }
                    short
                })
            })
            .collect();
        let mut last = HashMap::new();
        let most = WORKERS * JOBS * 2 + WORKERS * (JOBS - JOBS.div_ceil(3));
        for _ in 0..most {
            let text = next(&mut rig.gateway);
            let mut words = text.split(' ').map(|word| word.parse::<usize>().unwrap());
            let worker = words.next().unwrap();
            let now = (words.next().unwrap(), words.next().unwrap());
            let before = last.insert(worker, now);
            assert!(
                before.is_none_or(|before| before < now),
                "{before:?} {now:?}"
            );
        }
        let short: usize = workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum();
        assert!(short > 0);
        rig.shortcut.wakeup.close();
        writing.join().unwrap().unwrap();
    }

    #[test]
    fn a_stalled_gateway_stops_no_worker() {
        let mut rig = Rig::new();
        let filler = "x".repeat(limits::SHORT_ANSWER - 100);
        let text = move |number: usize| format!("{number} {filler}");
        let (taken, told) = channel();
        let (shortcut, texts) = (Arc::clone(&rig.shortcut), text.clone());
        let worker = thread::spawn(move || {
            let full = (0..).find(|number| shortcut.send(frame(&texts(*number), None)).is_some());
            taken.send(full.unwrap()).unwrap();
        });
        let full = told.recv_timeout(PATIENCE).expect("the worker is stuck");
        worker.join().unwrap();
        rig.shortcut
            .frames
            .try_send(frame(&text(full), None))
            .unwrap();
        let writer = rig.writer;
        let writing = thread::spawn(move || writer.run());
        for number in 0..=full {
            assert!(next(&mut rig.gateway) == text(number), "text {number}");
        }
        rig.shortcut.wakeup.close();
        writing.join().unwrap().unwrap();
    }
}
