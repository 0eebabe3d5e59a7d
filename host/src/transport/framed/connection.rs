//! A connection, and the task that owns it from its first byte to its last.
//!
//! The task is given jobs through a short inbox, writes their messages, and hands each reply to whoever waits for its
//! key. It reads all the time, idle or not: so it notices at once when the backend closes, answers keepalives, and finds
//! what comes unasked. How many jobs are under way at once is the pool's decision: a connection whose messages carry no
//! key is given one at a time.
//!
//! # Who is told what when a connection dies
//!
//! Everybody who waits, and the truth: `sent: no` if not one byte of the message was handed to the socket, `yes` if a
//! part of the very reply has come, else `maybe`. Jobs still in the inbox were not begun; they are `no` as well, and the
//! pool may give them to another connection.
//!
//! # What poisons a connection
//!
//! Bytes that are no message. Without keys also: a caller who has gone before the reply came, and a message that nobody
//! asked for, since then nobody knows any more which reply answers what. With keys neither does harm: a reply that comes
//! too late, twice, or to nobody is counted and dropped, and a key whose caller has gone stays taken until its reply
//! comes, so that it can never reach another caller.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::call::{Awaited, Job, Waiter};
use super::codec::{Decoder, FrameError};
use super::correlation::Key;
use super::dialogue::{self, Line};
use super::failure::{self, Cause};
use super::wire::{Message, Usage, Wire};
use crate::transport::dial::{Dialer, Stream};
use crate::transport::{Stats, TransportError};

/// Jobs that wait to be taken by the task. More than that wait with their callers.
const INBOX: usize = 16;
/// Exchanges under way on one connection, those included whose callers have gone.
const UNDER_WAY: usize = 4096;
/// So many bytes of messages are put together to be sent at once.
const OUTGOING: usize = 64 * 1024;
/// While so many bytes of answers to keepalives wait to be sent, nothing more is read: each message may be another one.
/// Whatever else waits to be sent, there is reading: a backend may well send replies before it takes more requests.
const ANSWERS: usize = 64 * 1024;
/// How long the other side may take to let go of a connection that is no longer needed.
const FAREWELL: Duration = Duration::from_secs(1);

/// A handle on a connection. When the last one is dropped, the connection is closed as soon as nobody waits on it.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    inbox: mpsc::Sender<Job>,
    phase: watch::Receiver<Phase>,
    given_up: Arc<Notify>,
    /// How often something has come.
    heard: Arc<AtomicU64>,
}

/// How far a connection has come.
#[derive(Clone, Debug)]
enum Phase {
    Dialling,
    Up,
    Failed(TransportError),
}

/// What all connections to one endpoint have in common.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) dialer: Dialer,
    pub(super) wire: Arc<Wire>,
    pub(super) connect_timeout: Duration,
    pub(super) idle_timeout: Duration,
    pub(super) stats: Arc<Stats>,
}

impl Connection {
    /// Begins to open a connection. It is given up if every handle is dropped before it is open.
    pub(super) fn open(endpoint: &Arc<Endpoint>) -> Self {
        let (inbox, jobs) = mpsc::channel(INBOX);
        let (announce, phase) = watch::channel(Phase::Dialling);
        let (given_up, heard) = (Arc::<Notify>::default(), Arc::<AtomicU64>::default());
        let handle = Self { inbox, phase, given_up: Arc::clone(&given_up), heard: Arc::clone(&heard) };
        tokio::spawn(live(Arc::clone(endpoint), announce, jobs, given_up, heard));
        handle
    }

    /// Whether it is open already.
    pub(super) fn is_up(&self) -> bool {
        matches!(*self.phase.borrow(), Phase::Up)
    }

    /// Whether it takes no more jobs.
    pub(super) fn is_over(&self) -> bool {
        self.inbox.is_closed()
    }

    /// Whether both are handles on one connection.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.inbox.same_channel(&other.inbox)
    }

    /// How often something has come from the backend so far.
    pub(super) fn heard(&self) -> u64 {
        self.heard.load(Relaxed)
    }

    /// Waits until it is open.
    ///
    /// # Errors
    /// Why it could not be opened, with `sent: no`.
    ///
    /// # Cancel-safety
    /// Loses nothing.
    pub(super) async fn up(&self) -> Result<(), TransportError> {
        let mut phase = self.phase.clone();
        match phase.wait_for(|phase| !matches!(phase, Phase::Dialling)).await.as_deref() {
            Ok(Phase::Failed(error)) => Err(error.clone()),
            Ok(_) => Ok(()),
            Err(_) => Err(failure::stopped()),
        }
    }

    /// Gives it a job, and the caller what to wait with.
    ///
    /// # Errors
    /// The message, where the connection takes no more.
    ///
    /// # Cancel-safety
    /// Dropping the future gives the job up; nothing of it is sent.
    pub(super) async fn give(&self, message: Message) -> Result<Awaited, Message> {
        let (job, awaited) = Job::new(message, &self.given_up);
        match self.inbox.send(job).await {
            Ok(()) => Ok(awaited),
            Err(mpsc::error::SendError(job)) => Err(job.message),
        }
    }
}

/// The task: opens the connection and serves it until it ends.
async fn live(
    endpoint: Arc<Endpoint>,
    announce: watch::Sender<Phase>,
    jobs: mpsc::Receiver<Job>,
    given_up: Arc<Notify>,
    heard: Arc<AtomicU64>,
) {
    let opened = tokio::select! {
        opened = dialogue::open(&endpoint) => opened,
        // Nobody is left who wants it.
        () = announce.closed() => return,
    };
    match opened {
        Err(error) => {
            announce.send_replace(Phase::Failed(error));
        }
        Ok(Line { stream, decoder }) => {
            announce.send_replace(Phase::Up);
            let (reader, writer) = split(stream);
            let task = Task {
                reader,
                link: Link {
                    endpoint,
                    writer,
                    decoder,
                    outgoing: BytesMut::new(),
                    unflushed: false,
                    answers: 0,
                    queued: 0,
                    written: 0,
                    waiting: HashMap::new(),
                    idle_since: Some(Instant::now()),
                },
                jobs,
                given_up,
                heard,
            };
            task.run().await;
        }
    }
}

/// What the task owns.
struct Task {
    reader: ReadHalf<Box<dyn Stream>>,
    link: Link,
    jobs: mpsc::Receiver<Job>,
    given_up: Arc<Notify>,
    heard: Arc<AtomicU64>,
}

/// The connection without what it listens to.
struct Link {
    endpoint: Arc<Endpoint>,
    writer: WriteHalf<Box<dyn Stream>>,
    decoder: Decoder,
    /// Bytes that wait to be sent.
    outgoing: BytesMut,
    /// Bytes were written that may still lie in a buffer below.
    unflushed: bool,
    /// How many bytes of answers to keepalives were put into `outgoing` since it was last empty.
    answers: usize,
    /// How many bytes were ever put into `outgoing`, and how many of them were handed to the socket.
    queued: u64,
    written: u64,
    waiting: HashMap<Key, Waiter>,
    /// Since when nobody waits.
    idle_since: Option<Instant>,
}

impl Task {
    async fn run(mut self) {
        let cause = self.serve().await;
        // From here on nothing is begun; what was not begun may go elsewhere.
        self.jobs.close();
        while let Ok(job) = self.jobs.try_recv() {
            job.refuse(cause.unsent());
        }
        self.link.end(&cause);
        drop(self.jobs);
        if matches!(cause, Cause::NotNeeded) {
            // In TLS this says goodbye, so that the other side need not suspect that something was cut off.
            let _ = timeout(FAREWELL, self.link.writer.shutdown()).await;
        }
    }

    /// Serves until there is a reason to end.
    async fn serve(&mut self) -> Cause {
        let Self { reader, link, jobs, given_up, heard } = self;
        let in_turn = link.endpoint.wire.usage != Usage::Shared;
        let mut wanted = true;
        loop {
            if let Err(cause) = link.digest() {
                return cause;
            }
            if !wanted && link.idle_since.is_some() {
                return Cause::NotNeeded;
            }
            let idle_until = link.idle_since.unwrap_or_else(Instant::now) + link.endpoint.idle_timeout;
            let (is_idle, may_read) = (link.idle_since.is_some(), link.answers < ANSWERS);
            let has_outgoing = !link.outgoing.is_empty() || link.unflushed;
            let takes_jobs = wanted && link.outgoing.is_empty();
            tokio::select! {
                biased;
                () = given_up.notified() => {
                    if link.waiting.values().any(Waiter::is_given_up) && in_turn {
                        return Cause::GivenUp;
                    }
                    link.look_for_waiters();
                }
                sent = push(&mut link.writer, &mut link.outgoing), if has_outgoing => match sent {
                    Ok(0) => link.unflushed = false,
                    Ok(count) => link.sent(count),
                    Err(error) => return Cause::io(&error),
                },
                read = reader.read_buf(link.decoder.buffer()), if may_read => match read {
                    Ok(0) => return link.closed(),
                    Ok(count) => {
                        heard.fetch_add(1, Relaxed);
                        link.endpoint.stats.body_received(count);
                    }
                    Err(error) => return Cause::io(&error),
                },
                job = jobs.recv(), if takes_jobs => match job {
                    None => wanted = false,
                    Some(job) if link.is_out_of_step() => {
                        job.refuse(Cause::Unsolicited.unsent());
                        return Cause::Unsolicited;
                    }
                    Some(job) => {
                        link.begin(job);
                        while link.outgoing.len() < OUTGOING && let Ok(job) = jobs.try_recv() {
                            link.begin(job);
                        }
                        if link.waiting.len() >= UNDER_WAY {
                            // The backend owes too many replies: new calls get a new connection.
                            jobs.close();
                        }
                    }
                },
                () = sleep_until(idle_until), if is_idle => return Cause::NotNeeded,
            }
        }
    }
}

/// Writes some of the bytes, or flushes where there are none; how many were written.
///
/// Cancel-safe: bytes are taken from `outgoing` only when they are written.
async fn push(writer: &mut WriteHalf<Box<dyn Stream>>, outgoing: &mut BytesMut) -> io::Result<usize> {
    if outgoing.is_empty() {
        writer.flush().await?;
        return Ok(0);
    }
    match writer.write(outgoing).await? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        count => {
            outgoing.advance(count);
            Ok(count)
        }
    }
}

impl Link {
    fn sent(&mut self, count: usize) {
        self.written = self.written.saturating_add(count as u64);
        self.unflushed = true;
        if self.outgoing.is_empty() {
            self.answers = 0;
        }
    }

    fn queue(&mut self, bytes: &[u8]) {
        self.outgoing.extend_from_slice(bytes);
        self.queued = self.queued.saturating_add(bytes.len() as u64);
    }

    /// Puts a job's message among what is to be sent, unless its caller has gone or its key is taken.
    fn begin(&mut self, job: Job) {
        if self.waiting.contains_key(&job.message.key) {
            let error = failure::key_taken(&job.message.key);
            return job.refuse(error);
        }
        if let Some((message, waiter)) = job.begin(self.queued) {
            self.queue(&message.bytes);
            self.endpoint.stats.body_sent(message.bytes.len());
            self.waiting.insert(message.key, waiter);
            self.idle_since = None;
        }
    }

    /// Takes all whole messages from what has come, as long as there is room for answers.
    fn digest(&mut self) -> Result<(), Cause> {
        let wire = Arc::clone(&self.endpoint.wire);
        while self.answers < ANSWERS {
            match self.decoder.message() {
                Ok(Some(message)) => match wire.answer(&message) {
                    Some(answer) => {
                        self.endpoint.stats.keepalive_answered();
                        self.queue(answer);
                        self.answers += answer.len();
                    }
                    None => self.deliver(message)?,
                },
                Ok(None) => break,
                Err(error) => return Err(Cause::Framing(error)),
            }
        }
        if let Some(waiter) = self.whose().and_then(|key| self.waiting.get(&key)) {
            waiter.answering();
        }
        Ok(())
    }

    fn deliver(&mut self, message: Vec<u8>) -> Result<(), Cause> {
        let wire = &self.endpoint.wire;
        let waiter = wire.place.key(&message).and_then(|key| self.waiting.remove(&key));
        match waiter {
            Some(waiter) => {
                if !waiter.answer(Ok(message)) {
                    self.endpoint.stats.late_reply();
                }
                self.look_for_waiters();
            }
            None => {
                self.endpoint.stats.unknown_reply();
                if wire.usage != Usage::Shared {
                    return Err(Cause::Unsolicited);
                }
            }
        }
        Ok(())
    }

    fn look_for_waiters(&mut self) {
        let idle = self.waiting.values().all(Waiter::is_given_up);
        self.idle_since = idle.then(|| self.idle_since.unwrap_or_else(Instant::now));
    }

    /// Whether a message has begun to come that nobody asked for, where that matters.
    fn is_out_of_step(&self) -> bool {
        let part = self.decoder.partial();
        let wire = &self.endpoint.wire;
        wire.usage != Usage::Shared && !part.is_empty() && !wire.may_be_keepalive(part)
    }

    /// Whose reply has begun to come; none if that cannot be told.
    fn whose(&self) -> Option<Key> {
        let (part, wire) = (self.decoder.partial(), &self.endpoint.wire);
        if wire.may_be_keepalive(part) { None } else { wire.place.key_of_part(part) }
    }

    /// The backend has closed the connection.
    fn closed(&mut self) -> Cause {
        match self.decoder.end() {
            Ok(Some(message)) => self.deliver(message).err().unwrap_or(Cause::Closed),
            Ok(None) => Cause::Closed,
            Err(error) => Cause::Framing(error),
        }
    }

    /// Tells everybody who waits that the connection has ended.
    fn end(&mut self, cause: &Cause) {
        let owner = self.whose();
        let broke_off = matches!(cause, Cause::Framing(FrameError::Malformed(_)));
        for (key, waiter) in self.waiting.drain() {
            let error = if waiter.begins >= self.written {
                cause.unsent()
            } else if owner.as_ref() == Some(&key) && !broke_off {
                cause.of_owner()
            } else {
                cause.of_bystander(owner.is_none() || owner.as_ref() == Some(&key))
            };
            waiter.answer(Err(error));
        }
    }
}
