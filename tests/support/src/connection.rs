//! One WebSocket connection of a runner: a reader and a writer thread, so that neither direction ever waits
//! for the other.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tungstenite::protocol::{CloseFrame, Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Bytes, Error, Message};

/// Largest frame taken from a runner.
const MAX_FRAME: usize = 256 << 20;

/// What the reader of a connection reports.
pub trait Sink: Send + Sync + 'static {
    /// A text frame.
    fn text(&self, connection: usize, text: &str);
    /// A binary frame, which no runner may send.
    fn binary(&self, connection: usize);
    /// A WebSocket ping.
    fn ping(&self, connection: usize);
    /// The end, with what the runner's close frame said, if there was one.
    fn closed(&self, connection: usize, close: Option<(u16, String)>);
}

/// The sending side and the tap of the receiving side.
#[derive(Clone)]
pub struct Connection {
    /// From 1, in the order they were made.
    pub number: usize,
    output: Sender<Vec<u8>>,
    tap: Arc<Tap>,
    stream: Arc<TcpStream>,
}

/// Closed, it keeps the reader from reading.
#[derive(Default)]
struct Tap {
    closed: Mutex<bool>,
    changed: Condvar,
}

impl Tap {
    fn set(&self, closed: bool) {
        *self.closed.lock().expect("the tap") = closed;
        self.changed.notify_all();
    }

    fn wait(&self) {
        let closed = self.closed.lock().expect("the tap");
        drop(
            self.changed
                .wait_while(closed, |closed| *closed)
                .expect("the tap"),
        );
    }
}

/// The reader's stream. What the WebSocket layer answers by itself (pongs, the echo of a close) goes through
/// the writer like everything else.
struct ReadHalf {
    stream: Arc<TcpStream>,
    output: Sender<Vec<u8>>,
    tap: Arc<Tap>,
}

impl Read for ReadHalf {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.tap.wait();
        (&*self.stream).read(buffer)
    }
}

impl Write for ReadHalf {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.output.send(bytes.to_vec());
        sent.map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Connection {
    /// Serves an upgraded stream.
    pub fn start(number: usize, stream: TcpStream, sink: Arc<dyn Sink>) -> Self {
        let stream = Arc::new(stream);
        let (output, queue) = unbounded();
        let tap = Arc::new(Tap::default());
        let half = ReadHalf {
            stream: stream.clone(),
            output: output.clone(),
            tap: tap.clone(),
        };
        let writer = stream.clone();
        thread::Builder::new()
            .name(format!("gateway-write-{number}"))
            .spawn(move || write(&writer, &queue))
            .expect("a thread");
        thread::Builder::new()
            .name(format!("gateway-read-{number}"))
            .spawn(move || read(number, half, &*sink))
            .expect("a thread");
        Self {
            number,
            output,
            tap,
            stream,
        }
    }

    /// Queues a text frame.
    pub fn text(&self, text: impl Into<Bytes>) {
        self.frame(Frame::message(text, OpCode::Data(Data::Text), true));
    }

    /// Queues a binary frame.
    pub fn binary(&self, bytes: impl Into<Bytes>) {
        self.frame(Frame::message(bytes, OpCode::Data(Data::Binary), true));
    }

    /// Queues a WebSocket ping.
    pub fn ping(&self) {
        self.frame(Frame::ping(Bytes::new()));
    }

    /// Queues a close frame.
    pub fn close(&self, code: u16, reason: &str) {
        self.frame(Frame::close(Some(CloseFrame {
            code: CloseCode::from(code),
            reason: reason.to_owned().into(),
        })));
    }

    /// Queues bytes that need not be a WebSocket frame.
    pub fn raw(&self, bytes: Vec<u8>) {
        let _ = self.output.send(bytes);
    }

    /// Ends the TCP connection without a close frame.
    pub fn cut(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
        self.tap.set(false);
    }

    /// Stops reading, or goes on. A read that is already waiting still takes what comes next.
    pub fn stall(&self, stalled: bool) {
        self.tap.set(stalled);
    }

    fn frame(&self, frame: Frame) {
        let mut bytes = Vec::with_capacity(frame.len());
        frame.format(&mut bytes).expect("a frame");
        let _ = self.output.send(bytes);
    }
}

fn write(stream: &TcpStream, queue: &Receiver<Vec<u8>>) {
    let mut stream = stream;
    for bytes in queue {
        if stream.write_all(&bytes).is_err() {
            return;
        }
    }
}

fn read(number: usize, mut half: ReadHalf, sink: &dyn Sink) {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_FRAME))
        .max_frame_size(Some(MAX_FRAME));
    let mut context = WebSocketContext::new(Role::Server, Some(config));
    let mut close = None;
    loop {
        match context.read(&mut half) {
            Ok(Message::Text(text)) => sink.text(number, &text),
            Ok(Message::Binary(_)) => sink.binary(number),
            Ok(Message::Ping(_)) => sink.ping(number),
            Ok(Message::Close(frame)) => {
                close = Some(frame.map_or((1005, String::new()), |frame| {
                    (frame.code.into(), frame.reason.to_string())
                }));
            }
            Ok(Message::Pong(_) | Message::Frame(_)) => {}
            Err(Error::ConnectionClosed) => break,
            Err(_) => break,
        }
    }
    sink.closed(number, close);
    // The runner may still read our answer to its close.
    let _ = half.stream.shutdown(Shutdown::Read);
    drop(half.output);
}
