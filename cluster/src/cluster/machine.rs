//! The thread that owns the live tail: inputs go in one after the other, and what they want done is done elsewhere.

use super::errors::FatalError;
use super::inbox::Inbox;
use super::input::{Caller, Input};
use super::outbox::Outbox;
use crate::catalog::Command;
use crate::chunk::disk::Fatal;
use crate::chunk::journal::Retirement;
use crate::facts::{Facts, SubmitError};
use crate::id::{MemberId, ObjectId};
use crate::tail::{Answer, Batch, Closing, Effect, Member, Message, RequestNumber, TailError, Ticket, Told};
use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// How often time is told.
const TICK_MS: u64 = 100;
/// Inputs that are taken before what they wrote is handed to the disk.
const INPUTS_AT_ONCE: usize = 256;
/// Files that are closed at once: the file system makes those durable together that wait together.
const CLOSINGS_AT_ONCE: usize = 4;
/// Requests that may wait for one object.
pub(super) const WAITING_MAX: usize = 16;

/// What the thread is given.
pub(super) struct MachineParts {
    pub(super) me: MemberId,
    pub(super) member: Member,
    pub(super) facts: Arc<Facts>,
    pub(super) outbox: Outbox,
    pub(super) inputs: mpsc::UnboundedReceiver<Input>,
    pub(super) inbox: Inbox,
    pub(super) fatal: watch::Sender<Option<FatalError>>,
    /// Told once nothing of the last run is left to be ended by this member alone.
    pub(super) recovered: watch::Sender<bool>,
}

/// The live tail at work.
pub(super) struct Machine {
    parts: MachineParts,
    runtime: Handle,
    /// Commands and read indexes under way.
    tasks: JoinSet<()>,
    callers: HashMap<RequestNumber, (ObjectId, Caller)>,
    /// How many of them wait for an object.
    waiting: HashMap<ObjectId, usize>,
    last_request: u64,
    batches: Sender<Batch>,
    retirements: Sender<Retirement>,
    closings: Sender<Closing>,
    wants_sync: bool,
    began: Instant,
    ticked_ms: Option<u64>,
    is_started: bool,
    has_facts: bool,
}

impl Machine {
    /// Starts the thread, and those that wait for the disk in its place. They end after [`Input::Stop`], or when the
    /// disk fails.
    pub(super) fn start(parts: MachineParts) -> std::io::Result<Vec<JoinHandle<()>>> {
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let (batches, waiting_batches) = channel::<Batch>();
        let (retirements, waiting_retirements) = channel::<Retirement>();
        let (synced, retired) = (parts.inbox.clone(), parts.inbox.clone());
        let sync = thread("journal").spawn(move || {
            while let Ok(batch) = waiting_batches.recv() {
                synced.tell(Input::Durable(batch.run().map(Box::new)));
            }
        })?;
        let retire = thread("journal-retire").spawn(move || {
            while let Ok(retirement) = waiting_retirements.recv() {
                retired.tell(Input::Retired(retirement.run()));
            }
        })?;
        let (closings, mut threads) = start_closers(&parts.inbox)?;
        let (runtime, mut tasks) = (Handle::current(), JoinSet::new());
        let (facts, inbox) = (Arc::clone(&parts.facts), parts.inbox.clone());
        let watch = async move {
            facts.failed().await;
            inbox.tell(Input::FactsEnded);
        };
        tasks.spawn_on(watch, &runtime);
        let machine = Self {
            parts,
            runtime,
            tasks,
            callers: HashMap::new(),
            waiting: HashMap::new(),
            last_request: 0,
            batches,
            retirements,
            closings,
            wants_sync: false,
            began: Instant::now(),
            ticked_ms: None,
            is_started: false,
            has_facts: true,
        };
        let tail = thread("live-tail").spawn(move || machine.run())?;
        threads.extend([tail, sync, retire]);
        Ok(threads)
    }

    fn run(mut self) {
        let ended = self.serve();
        let Self { parts, runtime, mut tasks, callers, batches, retirements, closings, .. } = self;
        // Whoever still waits learns that the member has stopped.
        drop((callers, batches, retirements, closings));
        runtime.block_on(tasks.shutdown());
        let ended = ended.and_then(|()| parts.member.close());
        if let Err(error) = ended {
            parts.fatal.send_replace(Some(fatal(&error)));
        }
    }

    fn serve(&mut self) -> Result<(), TailError> {
        while let Some(first) = self.parts.inputs.blocking_recv() {
            let mut next = Some(first);
            let mut taken = 0;
            while let Some(input) = next {
                if matches!(input, Input::Stop) {
                    let farewell = self.parts.member.farewell();
                    self.act(farewell)?;
                    self.finish_batch()?;
                    self.runtime.block_on(self.parts.outbox.finish());
                    return Ok(());
                }
                self.take(input)?;
                self.tick_if_due()?;
                for closing in self.parts.member.closings() {
                    // Its threads live as long as this one.
                    let _: Result<(), _> = self.closings.send(closing);
                }
                taken += 1;
                next = if taken < INPUTS_AT_ONCE { self.parts.inputs.try_recv().ok() } else { None };
            }
            if self.wants_sync {
                self.begin_batch();
            }
        }
        Ok(())
    }

    fn take(&mut self, input: Input) -> Result<(), TailError> {
        let now_ms = self.now_ms();
        let member = &mut self.parts.member;
        let effects = match input {
            Input::Start => {
                self.is_started = true;
                Vec::new()
            }
            Input::Ask { object, request, caller } => {
                let Some(number) = self.number(object, caller) else { return Ok(()) };
                self.parts.member.ask(number, object, request, now_ms)?
            }
            Input::Read { object, offset, caller } => {
                let Some(number) = self.number(object, caller) else { return Ok(()) };
                self.parts.member.read(number, object, offset, now_ms)?
            }
            Input::Begin(object) => {
                member.begin(object, now_ms)?;
                Vec::new()
            }
            Input::Receive { from, message, place } => {
                let effects = member.receive(from, message, now_ms)?;
                drop(place);
                effects
            }
            Input::Told { ticket, told } => member.told(ticket, told, now_ms)?,
            Input::Committed { object, number } => {
                member.committed(object, number)?;
                Vec::new()
            }
            Input::Repair { object, number, cause } => member.repair(object, number, cause, now_ms)?,
            Input::Replaced => {
                member.look_around();
                Vec::new()
            }
            Input::Durable(durable) => {
                let mut durable = durable.map_err(disk)?;
                if let Some(retirement) = durable.take_retirement() {
                    // Its thread lives as long as this one.
                    let _: Result<(), _> = self.retirements.send(retirement);
                }
                member.durable(*durable)
            }
            Input::Retired(retired) => {
                member.retired(retired.map_err(disk)?);
                Vec::new()
            }
            Input::Closed(closed) => member.closed(closed.map_err(disk)?, now_ms)?,
            Input::FactsEnded => {
                self.has_facts = false;
                self.callers.clear();
                self.waiting.clear();
                Vec::new()
            }
            Input::Leave => member.leave(now_ms),
            Input::Tick | Input::Stop => Vec::new(),
        };
        self.act(effects)
    }

    fn tick_if_due(&mut self) -> Result<(), TailError> {
        let now_ms = self.now_ms();
        let is_due = self.ticked_ms.is_none_or(|ticked_ms| now_ms.saturating_sub(ticked_ms) >= TICK_MS);
        if !is_due || !self.is_started {
            return Ok(());
        }
        self.ticked_ms = Some(now_ms);
        while self.tasks.try_join_next().is_some() {}
        let effects = self.parts.member.tick(now_ms)?;
        self.act(effects)?;
        if !*self.parts.recovered.borrow() && !self.parts.member.is_recovering()? {
            self.parts.recovered.send_replace(true);
        }
        Ok(())
    }

    /// Has effects done. What goes to this member itself goes in at once.
    fn act(&mut self, effects: Vec<Effect>) -> Result<(), TailError> {
        let mut left = VecDeque::from(effects);
        while let Some(effect) = left.pop_front() {
            match effect {
                Effect::Send { to, message } if to == self.parts.me => {
                    let now_ms = self.now_ms();
                    left.extend(self.parts.member.receive(to, message, now_ms)?);
                }
                Effect::Send { to, message } => self.parts.outbox.send(to, message),
                Effect::Submit { ticket, command } => self.submit(ticket, command),
                Effect::ReadIndex { ticket } => self.read_index(ticket),
                Effect::Answer { request, answer } => self.answer(request, answer),
                Effect::Sync => self.wants_sync = true,
            }
        }
        Ok(())
    }

    /// Keeps a caller under a number; one that finds too many before it is answered at once.
    fn number(&mut self, object: ObjectId, caller: Caller) -> Option<RequestNumber> {
        if !self.has_facts {
            return None;
        }
        let waiting = self.waiting.entry(object).or_default();
        if *waiting >= WAITING_MAX {
            // It may not wait any more.
            let _: Result<(), Answer> = caller.tell.send(Answer::Busy);
            return None;
        }
        *waiting += 1;
        self.last_request += 1;
        let number = RequestNumber(self.last_request);
        self.callers.insert(number, (object, caller));
        Some(number)
    }

    fn answer(&mut self, request: RequestNumber, answer: Answer) {
        let Some((object, Caller { tell, place })) = self.callers.remove(&request) else { return };
        if let Some(waiting) = self.waiting.get_mut(&object) {
            *waiting -= 1;
            if *waiting == 0 {
                self.waiting.remove(&object);
            }
        }
        drop(place);
        // It may not wait any more.
        let _: Result<(), Answer> = tell.send(answer);
    }

    fn submit(&mut self, ticket: Ticket, command: Command) {
        let (facts, inbox) = (Arc::clone(&self.parts.facts), self.parts.inbox.clone());
        let submit = async move {
            let told = match facts.submit(command).await {
                Ok(outcome) => Told::Applied(Ok(outcome)),
                Err(SubmitError::Refused(refusal)) => Told::Applied(Err(refusal)),
                Err(_) => Told::Unknown,
            };
            inbox.tell(Input::Told { ticket, told });
        };
        self.tasks.spawn_on(submit, &self.runtime);
    }

    fn read_index(&mut self, ticket: Ticket) {
        let (facts, inbox) = (Arc::clone(&self.parts.facts), self.parts.inbox.clone());
        let read = async move {
            let told = facts.read_index().await.map_or(Told::Unknown, |()| Told::Read);
            inbox.tell(Input::Told { ticket, told });
        };
        self.tasks.spawn_on(read, &self.runtime);
    }

    fn begin_batch(&mut self) {
        let now_ms = self.now_ms();
        if let Some(batch) = self.parts.member.batch(now_ms) {
            self.wants_sync = false;
            // Its thread lives as long as this one.
            let _: Result<(), _> = self.batches.send(batch);
        }
    }

    /// Waits for the batch that is under way, so that its journal is at hand for the end.
    fn finish_batch(&mut self) -> Result<(), TailError> {
        while self.parts.member.is_syncing() && !self.wants_sync {
            match self.parts.inputs.blocking_recv() {
                Some(Input::Durable(durable)) => drop(self.parts.member.durable(*durable.map_err(disk)?)),
                Some(_) => {}
                None => return Ok(()),
            }
        }
        Ok(())
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Threads that close files, until nobody has any for them.
fn start_closers(inbox: &Inbox) -> std::io::Result<(Sender<Closing>, Vec<JoinHandle<()>>)> {
    let (closings, waiting) = channel::<Closing>();
    let waiting = Arc::new(Mutex::new(waiting));
    let mut threads = Vec::with_capacity(CLOSINGS_AT_ONCE);
    for number in 0..CLOSINGS_AT_ONCE {
        let (waiting, inbox) = (Arc::clone(&waiting), inbox.clone());
        let thread = std::thread::Builder::new().name(format!("chunk-close-{number}"));
        threads.push(thread.spawn(move || {
            loop {
                let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok(closing) = next else { return };
                inbox.tell(Input::Closed(closing.run()));
            }
        })?);
    }
    Ok((closings, threads))
}

fn disk(fatal: Fatal) -> TailError {
    TailError::Disk(fatal.into())
}

fn fatal(error: &TailError) -> FatalError {
    match error {
        TailError::Disk(crate::chunk::DiskError::Fatal(fatal)) => FatalError::Bytes(fatal.clone()),
        TailError::Disk(_) | TailError::Catalog(_) => FatalError::Facts { reason: error.to_string() },
    }
}

/// Tells the thread that time passes, while nothing else happens.
pub(super) fn tick_period() -> Duration {
    Duration::from_millis(TICK_MS)
}

/// A message of a member, and how much room it takes.
pub(super) fn size(message: &Message) -> usize {
    match message {
        Message::Append(append) => append.frames.len(),
        Message::Fill(fill) => fill.frames.len(),
        Message::Fetched { frames, .. } | Message::Tail { frames, .. } => frames.0.len(),
        Message::Copy { bytes, .. } => bytes.0.len(),
        Message::Alive
        | Message::Gone
        | Message::Appended { .. }
        | Message::Refused { .. }
        | Message::Fence { .. }
        | Message::Held { .. }
        | Message::Fetch { .. }
        | Message::AskCopy { .. }
        | Message::NoCopy { .. }
        | Message::AskTail { .. }
        | Message::AskKept { .. }
        | Message::Kept { .. } => 0,
    }
}
