//! Where a bridge puts its rows: text straight into the frame that will carry them.

use std::sync::Arc;

use crossbeam_channel::TrySendError;

use crate::error::JobError;
use crate::job::{
    Buffers, Caps, Chunk, ChunkLimits, FrameKind, FrameOut, JobControl, Phase, QueueSender, Slot,
    Turn, Undelivered,
};
use crate::json::{Text, write_string, write_u64};
use crate::limits;

/// Takes the rows of one job, one at a time, and sends a chunk whenever one is full. Sending waits while the
/// gateway reads slowly; the wait ends when the job is aborted or the session dies.
pub struct RowSink {
    job: Arc<JobControl>,
    frames: QueueSender<FrameOut>,
    limits: ChunkLimits,
    slot: Slot,
    head: String,
    text: Text,
    /// The turn of the large row that is in it.
    turn: Option<Turn>,
    in_chunk: usize,
    /// A whole chunk that waits for the flush.
    whole: Option<Chunk>,
    rows: u64,
    /// Members of lists.
    members: u64,
    bytes: u64,
    caps: Caps,
    buffers: Buffers,
    hidden: Option<Box<Hidden>>,
}

type Hidden = dyn Fn(&str) -> bool + Send;

impl RowSink {
    /// A sink for the rows of `job`, handing its frames to `frames`.
    pub fn new(
        job: Arc<JobControl>,
        frames: QueueSender<FrameOut>,
        limits: ChunkLimits,
        slot: Slot,
    ) -> Self {
        let mut head = String::with_capacity(job.id().len() + 48);
        head.push_str("{\"id\":");
        write_string(&mut head, job.id());
        head.push_str(match slot {
            Slot::Rows => ",\"type\":\"chunk\",\"rows\":[",
            Slot::Agg => ",\"type\":\"chunk\",\"rows\":[],\"agg\":[",
        });
        Self {
            job,
            frames,
            limits,
            slot,
            head,
            text: Text::new(),
            turn: None,
            in_chunk: 0,
            whole: None,
            rows: 0,
            members: 0,
            bytes: 0,
            caps: Caps::default(),
            buffers: Buffers::default(),
            hidden: None,
        }
    }

    /// Writes into the memory of what was sent, as far as there is some.
    pub fn reuse(&mut self, buffers: Buffers) {
        self.buffers = buffers;
    }

    /// Lets no chunk out that goes beyond these caps.
    pub fn cap(&mut self, caps: Caps) {
        self.caps = caps;
    }

    /// Lets no name out, of a target or of a column, for which `hidden` is true.
    pub fn hide(&mut self, hidden: impl Fn(&str) -> bool + Send + 'static) {
        self.hidden = Some(Box::new(hidden));
    }

    /// True for a name that rows which describe the database must not tell.
    pub fn hides(&self, name: &str) -> bool {
        self.hidden.as_ref().is_some_and(|hidden| hidden(name))
    }

    /// Adds one row: `write` appends one JSON value. When it fails, what it wrote of the row is taken back
    /// and its error returned. An error of the sink itself means that the job has ended; the bridge passes it on.
    /// `write` is called once more for a large row, whose turn to be written comes after those of other jobs.
    ///
    /// # Errors
    /// Those of `write`, `QUERY_FAILED` for a row that is larger than rows may be, and the job's end.
    pub fn row(
        &mut self,
        mut write: impl FnMut(&mut Text) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        let before = self.text.len();
        if self.in_chunk == 0 {
            self.text.allow(usize::MAX);
            self.text.push_str(&self.head);
        } else {
            self.text.push(',');
        }
        let start = self.text.len();
        let most = self.job.large_rows().most;
        self.text.allow(most.min(limits::LARGE_ROW));
        let mut written = write(&mut self.text);
        if self.text.is_full() && most > limits::LARGE_ROW {
            self.text.truncate(start);
            written = self.job.send_large().and_then(|turn| {
                self.turn = Some(turn);
                self.text.allow(most);
                write(&mut self.text)
            });
        }
        if written.is_ok() && self.text.is_full() {
            written = Err(self.job.large_rows().too_large());
        }
        if let Err(error) = written {
            self.text.truncate(before);
            if self.turn.take().is_some() {
                self.text.shrink();
            }
            return Err(error);
        }
        self.text.allow(usize::MAX);
        self.in_chunk += 1;
        self.rows += 1;
        if self.in_chunk >= self.limits.rows
            || self.text.len() >= self.limits.bytes
            || self.turn.is_some()
        {
            // The next chunk of this job is likely to be as long as this one.
            let likely = self.text.len().min(self.limits.bytes.saturating_add(4096));
            self.flush()?;
            self.text = Text::within(self.buffers.take().unwrap_or_else(|| vec![0; likely]));
        }
        Ok(())
    }

    /// The one chunk of a `count`, which has no rows.
    pub fn count(&mut self, total: u64) {
        debug_assert!(self.in_chunk == 0 && self.slot == Slot::Rows);
        let mut text = self.head.clone();
        text.push_str("],\"total\":");
        write_u64(&mut text, total);
        text.push('}');
        self.whole = Some(Chunk {
            rows: 0,
            text: text.into_bytes(),
            turn: None,
        });
    }

    /// A member of a list that will be part of a bucket: it counts as a row does.
    ///
    /// # Errors
    /// `POLICY_DENIED` beyond the caps.
    pub fn member(&mut self) -> Result<(), JobError> {
        self.members += 1;
        self.caps.check(self.rows + self.members, self.bytes)
    }

    /// What is held for the job is large: it waits for its turn, as for a large row that comes in.
    ///
    /// # Errors
    /// The job's end.
    pub fn hold_large(&self) -> Result<(), JobError> {
        self.job.receive_large()
    }

    /// Sends what is left.
    pub fn flush(&mut self) -> Result<(), JobError> {
        match self.cut()? {
            Some(chunk) => self.send(chunk),
            None => Ok(()),
        }
    }

    /// Ends the sink. What is left is returned, to be sent along with the terminal frame; unless the gateway
    /// reads slowly, because the wait for it must be one that a deadline ends.
    pub fn finish(&mut self) -> Result<Option<Chunk>, JobError> {
        match self.cut()? {
            Some(chunk) if self.frames.is_full() => self.send(chunk).map(|()| None),
            Some(chunk) => {
                self.note(&chunk);
                Ok(Some(chunk))
            }
            None => Ok(None),
        }
    }

    fn cut(&mut self) -> Result<Option<Chunk>, JobError> {
        if self.in_chunk == 0 {
            return Ok(self.whole.take());
        }
        self.text.push_str("]}");
        let bytes = self.bytes + self.text.len() as u64;
        if let Err(error) = self.caps.check(self.rows + self.members, bytes) {
            self.text = Text::new();
            self.in_chunk = 0;
            return Err(error);
        }
        let rows = std::mem::take(&mut self.in_chunk) as u64;
        let text = std::mem::take(&mut self.text).into_bytes();
        Ok(Some(Chunk {
            rows,
            text,
            turn: self.turn.take(),
        }))
    }

    /// Rows taken so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes of frame text sent so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Forgets rows that were taken but not sent, so that the job can be tried again.
    pub fn restart(&mut self) {
        debug_assert!(self.bytes == 0);
        self.text = Text::new();
        self.whole = None;
        self.in_chunk = 0;
        self.members = 0;
        self.rows = 0;
    }

    fn note(&mut self, chunk: &Chunk) {
        let bytes = chunk.text.len() as u64;
        self.bytes += bytes;
        self.job.add_sent(chunk.rows, bytes);
    }

    fn send(&mut self, chunk: Chunk) -> Result<(), JobError> {
        self.note(&chunk);
        let frame = FrameOut {
            job: Arc::clone(&self.job),
            kind: FrameKind::Chunk,
            rows: chunk.rows,
            text: chunk.text,
            done: None,
            turn: chunk.turn,
        };
        let frame = match self.frames.try_send(frame) {
            Ok(()) => return self.job.check(),
            Err(TrySendError::Disconnected(_)) => return Err(session_gone()),
            Err(TrySendError::Full(frame)) => frame,
        };
        let phase = self.job.phase();
        self.job.enter(Phase::Sending);
        self.frames.send_unless(frame, self.job.aborted()).map_err(
            |undelivered| match undelivered {
                Undelivered::Gone => session_gone(),
                Undelivered::GivenUp => self.job.check().err().unwrap_or_else(session_gone),
            },
        )?;
        self.job.enter(phase);
        self.job.check()
    }
}

fn session_gone() -> JobError {
    JobError::cancelled("the session is gone")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::job::{LargeRows, Outcome, Wakeup};
    use crossbeam_channel::Receiver;
    use std::time::{Duration, Instant};

    fn sink(
        rows: usize,
        bytes: usize,
        slot: Slot,
    ) -> (RowSink, Receiver<FrameOut>, Arc<JobControl>) {
        let job = Arc::new(JobControl::new(
            "j\"1",
            Instant::now() + Duration::from_secs(60),
        ));
        let (tx, rx) = QueueSender::queue(4, &Wakeup::default());
        (
            RowSink::new(Arc::clone(&job), tx, ChunkLimits { rows, bytes }, slot),
            rx,
            job,
        )
    }

    fn text(frame: FrameOut) -> String {
        String::from_utf8(frame.text).unwrap()
    }

    fn put(sink: &mut RowSink, text: &str) -> Result<(), JobError> {
        sink.row(|out| {
            out.push_str(text);
            Ok(())
        })
    }

    #[test]
    fn chunks_are_cut_by_rows() {
        let (mut sink, rx, _job) = sink(2, 1 << 20, Slot::Rows);
        for n in 0..3 {
            put(&mut sink, &n.to_string()).unwrap();
        }
        sink.flush().unwrap();
        sink.flush().unwrap();
        let texts: Vec<_> = rx.try_iter().map(text).collect();
        assert_eq!(
            texts,
            [
                r#"{"id":"j\"1","type":"chunk","rows":[0,1]}"#,
                r#"{"id":"j\"1","type":"chunk","rows":[2]}"#
            ]
        );
    }

    #[test]
    fn chunks_are_cut_by_bytes_and_buckets_have_their_own_slot() {
        let (mut sink, rx, _job) = sink(100, 10, Slot::Agg);
        put(&mut sink, "{}").unwrap();
        assert_eq!(
            text(rx.try_recv().unwrap()),
            r#"{"id":"j\"1","type":"chunk","rows":[],"agg":[{}]}"#
        );
    }

    #[test]
    fn a_failed_row_leaves_no_trace() {
        let (mut sink, rx, _job) = sink(10, 1 << 20, Slot::Rows);
        let fail = |out: &mut Text| {
            out.push_str("{\"half");
            Err(JobError::query_failed("no"))
        };
        assert!(sink.row(fail).is_err());
        put(&mut sink, "1").unwrap();
        assert!(sink.row(fail).is_err());
        put(&mut sink, "2").unwrap();
        sink.flush().unwrap();
        assert_eq!(
            text(rx.try_recv().unwrap()),
            r#"{"id":"j\"1","type":"chunk","rows":[1,2]}"#
        );
    }

    #[test]
    fn a_row_has_a_largest_size_while_it_is_written() {
        let deadline = Instant::now() + Duration::from_secs(60);
        let most = limits::LARGE_ROW * 2;
        let job = Arc::new(JobControl::sharing("j", deadline, LargeRows::new(most)));
        let (tx, rx) = QueueSender::queue(4, &Wakeup::default());
        let mut sink = RowSink::new(Arc::clone(&job), tx, ChunkLimits::default(), Slot::Rows);
        put(&mut sink, "1").unwrap();
        let mut written = 0;
        let error = sink
            .row(|out| {
                for _ in 0..most * 3 {
                    out.push('x');
                }
                written = written.max(out.len());
                Ok(())
            })
            .unwrap_err();
        assert_eq!(error.code, ErrorCode::QueryFailed);
        assert!(error.message.contains(&most.to_string()), "{error}");
        assert!(written <= most + 100, "{written}");
        put(&mut sink, "2").unwrap();
        // A large row leaves at once, with what was there before, and holds its turn until it is gone.
        put(&mut sink, &"3".repeat(limits::LARGE_ROW + 1)).unwrap();
        let frame = rx.try_recv().unwrap();
        let sent = std::str::from_utf8(&frame.text).unwrap();
        assert!(sent.contains("\"rows\":[1,2,333"));
        let other = Arc::new(JobControl::sharing("k", deadline, job.large_rows().clone()));
        let waiting = std::thread::spawn(move || other.send_large().map(drop));
        assert!(!waiting.is_finished());
        drop(frame);
        waiting.join().unwrap().unwrap();
    }

    #[test]
    fn an_abort_frees_a_worker_that_waits_for_the_writer() {
        let (mut sink, _rx, job) = sink(1, 1 << 20, Slot::Rows);
        for _ in 0..4 {
            put(&mut sink, "1").unwrap();
        }
        let waiting = std::thread::spawn(move || put(&mut sink, "1").unwrap_err().code);
        job.end(Outcome::Aborted(ErrorCode::Cancelled));
        assert_eq!(waiting.join().unwrap(), ErrorCode::Cancelled);
    }
}
